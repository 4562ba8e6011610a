"""Facts about objects of the framework and the user, kept exactly as long as the object lives."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class WeakTable(Generic[T]):
    """A dict keyed by an object's identity: `id`s that are used again never meet an old entry.

    The objects may be unhashable, or equal to each other; their own methods are never called.
    """

    def __init__(self) -> None:
        self._entries: dict[int, tuple[weakref.ref[Any], T]] = {}

    def get(self, owner: object) -> T | None:
        """What is kept for `owner`, or None."""
        entry = self._entries.get(id(owner))
        return entry[1] if entry is not None and entry[0]() is owner else None

    def set(self, owner: object, value: T) -> T:
        """Keep `value` for `owner`.

        Raises:
            TypeError: `owner` cannot be referred to weakly.
        """
        key = id(owner)
        entries = self._entries

        def forget(dead: weakref.ref[Any]) -> None:
            entry = entries.get(key)
            if entry is not None and entry[0] is dead:
                del entries[key]

        entries[key] = (weakref.ref(owner, forget), value)
        return value

    def setdefault(self, owner: object, make: Callable[[], T]) -> T:
        """What is kept for `owner`; `make()` if nothing is."""
        found = self.get(owner)
        return self.set(owner, make()) if found is None else found

    def drop(self, owner: object) -> None:
        """Forget `owner`."""
        if self.get(owner) is not None:
            self._entries.pop(id(owner), None)

    def clear(self) -> None:
        """Forget all."""
        self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)

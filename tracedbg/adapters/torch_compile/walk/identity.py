"""What is known of an object, for as long as it lives; objects that are equal are two."""

from __future__ import annotations

import weakref
from typing import Generic, TypeVar

V = TypeVar("V")


class ByIdentity(Generic[V]):
    """A mapping that does not keep its keys alive, nor ask them for a hash."""

    def __init__(self) -> None:
        self._held: dict[int, tuple[weakref.ref[object], V]] = {}

    def get(self, key: object) -> V | None:
        """What is known of `key`."""
        held = self._held.get(id(key))
        return held[1] if held is not None and held[0]() is key else None

    def set(self, key: object, value: V) -> None:
        """Know it until `key` is gone."""
        number = id(key)

        def gone(dead: object) -> None:
            held = self._held.get(number)
            if held is not None and held[0] is dead:
                del self._held[number]

        self._held[number] = weakref.ref(key, gone), value

    def pop(self, key: object) -> V | None:
        """Know it no longer."""
        found = self.get(key)
        if found is not None:
            self._held.pop(id(key), None)
        return found

    def values(self) -> list[V]:
        """All that is known."""
        return [value for _, value in list(self._held.values())]

    def clear(self) -> None:
        """Know nothing."""
        self._held.clear()

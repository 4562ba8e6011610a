"""Whether two function objects of one code do the same: what they close over, and are bound to."""

from __future__ import annotations

import functools
import itertools
import weakref
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from tracedbg.source import is_user_file

if TYPE_CHECKING:
    from collections.abc import Iterable

_CONSTANTS = (bool, int, float, complex, str, bytes, type(None))
_MAX_TEXT = 200


class ClosureIds:
    """Numbers the objects that functions hold; a number is never used for a second object.

    An object that cannot be referred to weakly (a list, a dict) keeps its number as long as some function
    that holds it lives: until then, its `id` cannot be used again.
    """

    def __init__(self) -> None:
        self._numbers: dict[int, tuple[int, set[weakref.ref[Any]]]] = {}
        self._count = itertools.count(1)

    def of(self, chain: Iterable[Any]) -> str:
        """The `closure_id` of a function, given it and all that it wraps."""
        chain = list(chain)
        wrapped = {id(link) for link in chain}
        parts: list[str] = []
        owner = chain[-1]
        for link in chain:
            if isinstance(link, MethodType):
                parts.append("self=" + self._name(_instance(link), owner))
            elif isinstance(link, functools.partial):
                parts.extend(self._name(value, owner) for value in link.args)
                parts.extend(f"{key}={self._name(value, owner)}" for key, value in link.keywords.items())
            elif isinstance(link, FunctionType) and is_user_file(link.__code__.co_filename):
                names = link.__code__.co_freevars
                for name, cell in zip(names, link.__closure__ or (), strict=True):
                    try:
                        held = cell.cell_contents
                    except ValueError:
                        parts.append(f"{name} unset")
                        continue
                    if id(held) not in wrapped:
                        parts.append(f"{name}={self._name(held, owner)}")
        return ", ".join(parts)

    def _name(self, held: Any, owner: Any) -> str:
        if type(held) in _CONSTANTS:
            text = repr(held)
            return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}... {hash(held):x}"
        return f"#{self._number(held, owner)}"

    def _number(self, held: Any, owner: Any) -> int:
        key = id(held)
        entry = self._numbers.get(key)
        if entry is None:
            entry = self._numbers[key] = (next(self._count), set())
        number, holders = entry

        def forget(dead: weakref.ref[Any]) -> None:
            holders.discard(dead)
            if not holders and self._numbers.get(key) is entry:
                del self._numbers[key]

        try:
            reference = weakref.ref(held, forget)
        except TypeError:
            reference = weakref.ref(owner, forget)
        holders.add(reference)
        return number


def _instance(method: MethodType) -> Any:
    """What a method is bound to; TensorFlow binds to a stand-in with a weak reference to it."""
    instance: Any = method.__self__
    if type(instance).__name__ == "TfMethodTarget":
        return instance.target
    return instance

"""Whether two function objects of one code do the same: what they close over, and are bound to."""

from __future__ import annotations

import functools
import itertools
import weakref
from dataclasses import dataclass, field
from types import CodeType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_CONSTANTS = (bool, int, float, complex, str, bytes, type(None))
_MAX_TEXT = 200
_MAX_ITEMS = 8
_MAX_KEPT = 4096


@dataclass(eq=False)
class _Numbered:
    """An object, known by its `id` while it certainly lives, and by its contents after that."""

    number: int
    contents: str
    witnesses: dict[int, weakref.ref[Any]] = field(default_factory=dict)
    """References whose being alive means that the object is: its own, or those of functions that hold it."""
    is_weak: bool = True


class ClosureIds:
    """Numbers the objects that functions hold.

    An object that cannot be referred to weakly (a list, a dict) certainly lives as long as a function that
    holds it does. If all of those are gone, one at the same address with the same contents counts as the
    same.
    """

    def __init__(self) -> None:
        self._numbers: dict[int, _Numbered] = {}
        self._codes: dict[CodeType, int] = {}
        self._count = itertools.count(1)

    def of(self, chain: Iterable[Any]) -> str:
        """The `closure_id` of a function, given it and all that it wraps."""
        chain = list(chain)
        wrapped = {id(link) for link in chain}
        parts: list[str] = []
        owner = chain[-1]
        for link in chain:
            if isinstance(link, MethodType):
                parts.append("self=" + self._name(instance_of(link), owner))
            elif isinstance(link, functools.partial):
                parts.extend(self._name(value, owner) for value in link.args)
                parts.extend(f"{key}={self._name(value, owner)}" for key, value in link.keywords.items())
            elif isinstance(link, FunctionType) and not _is_tensorflows(link):
                names = link.__code__.co_freevars
                for name, cell in zip(names, link.__closure__ or (), strict=True):
                    try:
                        held = cell.cell_contents
                    except ValueError:
                        parts.append(f"{name} unset")
                        continue
                    if id(held) not in wrapped:
                        parts.append(f"{name}={self._name(held, owner)}")
        if isinstance(owner, FunctionType):
            parts.append(f"code #{self._code(owner.__code__)}")
        return ", ".join(parts)

    def _code(self, code: CodeType) -> int:
        """Tells apart two lambdas of one line; code compiled again from the same text is the same."""
        if len(self._codes) >= _MAX_KEPT:
            self._codes.clear()
        return self._codes.get(code) or self._codes.setdefault(code, next(self._count))

    def _name(self, held: Any, owner: Any) -> str:
        if type(held) in _CONSTANTS:
            text = repr(held)
            return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}... {hash(held):x}"
        if isinstance(held, MethodType):  # made anew by each access: `self.train_step`
            return f"{self._name(held.__func__, owner)} of {self._name(instance_of(held), owner)}"
        return f"#{self._number(held, owner)}"

    def _number(self, held: Any, owner: Any) -> int:
        numbers = self._numbers
        key = id(held)
        entry = numbers.get(key)
        if entry is None or (not entry.witnesses and entry.contents != self._contents(held, owner)):
            entry = numbers[key] = _Numbered(next(self._count), self._contents(held, owner))
            self._shrink()
        kept = entry

        def forget(dead: weakref.ref[Any]) -> None:
            kept.witnesses.pop(id(dead), None)
            if kept.is_weak and numbers.get(key) is kept:
                del numbers[key]

        try:
            witness = weakref.ref(held, forget)
        except TypeError:
            kept.is_weak = False
            witness = weakref.ref(owner, forget)
        kept.witnesses[id(witness)] = witness  # by id: a reference hashes as what it refers to
        return kept.number

    def _contents(self, held: Any, owner: Any) -> str:
        """What a container holds, one level deep, in words."""
        if isinstance(held, dict):
            items = [*itertools.islice(held, _MAX_ITEMS), *itertools.islice(held.values(), _MAX_ITEMS)]
        elif isinstance(held, (list, tuple)):
            items = list(held[:_MAX_ITEMS])
        else:
            return type(held).__qualname__
        words = [self._name(x, owner) if _is_simple(x) else type(x).__qualname__ for x in items]
        return f"{type(held).__qualname__} of {len(held)}: {', '.join(words)}"

    def _shrink(self) -> None:
        """Forget the oldest of those that nobody holds any more, where there are very many."""
        if len(self._numbers) > _MAX_KEPT:
            for key in [key for key, entry in self._numbers.items() if not entry.witnesses][: _MAX_KEPT // 2]:
                del self._numbers[key]


def _is_simple(item: Any) -> bool:
    """Whether an item has a name of its own: a constant, or an object that can be referred to weakly."""
    return type(item) in _CONSTANTS or type(item).__weakrefoffset__ > 0


def _is_tensorflows(function: FunctionType) -> bool:
    """Whether it is a wrapper of TensorFlow's own, which holds something new each time."""
    module = str(function.__globals__.get("__name__", ""))
    return module.partition(".")[0] == "tensorflow"


def instance_of(method: MethodType) -> Any:
    """What a method is bound to; TensorFlow binds to a stand-in with a weak reference to it."""
    instance: Any = method.__self__
    if type(instance).__name__ == "TfMethodTarget":
        return instance.target
    return instance

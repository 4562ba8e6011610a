"""Looking at the user's objects without running code of the user's and without keeping them.

No property, `__getattr__`, `__eq__` or `__repr__` is called: only instance dictionaries, slots and the
built-in types are read. What is kept of a value is a text that is equal exactly if the value is.
"""

from __future__ import annotations

import collections
import enum
import types
from dataclasses import dataclass
from typing import Any

MAX_TEXT = 200
_MAX_ITEMS = 16
_MAX_DEPTH = 2
_MAX_ARRAY = 64
_WORD = 0xFFFF_FFFF
_SCALARS = (type(None), type(...), bool, int, float, complex, str, bytes)
_CONTAINERS = (list, tuple, set, frozenset, dict, collections.deque)


class _Missing:
    """There is no such thing, or it cannot be known without running the user's code."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = _Missing()


@dataclass(frozen=True)
class Step:
    """One step on the way from a name to a value: `.name`, or `[key]` with a constant key."""

    key: Any
    is_item: bool = False


def follow(value: Any, steps: tuple[Step, ...]) -> Any:
    """The value at the end of the way, or `MISSING`."""
    for step in steps:
        if value is MISSING:
            break
        value = _item(value, step.key) if step.is_item else _attribute(value, step.key)
    return value


def _item(value: Any, key: Any) -> Any:
    kind = type(value)
    if kind is dict:
        return value.get(key, MISSING)
    if kind in (list, tuple) and type(key) is int and -len(value) <= key < len(value):
        return value[key]
    return MISSING


def _attribute(value: Any, name: str) -> Any:
    if issubclass(type(value), type):
        return _in_classes(value, name)
    kind = type(value)
    if type(_in_classes(kind, "__getattribute__")) is types.FunctionType:
        return MISSING
    inherited = _in_classes(kind, name)
    if type(inherited) is types.MemberDescriptorType:  # a slot
        return inherited.__get__(value, kind) if _is_filled(inherited, value, kind) else MISSING
    if inherited is not MISSING and _is_data_descriptor(inherited):
        return MISSING
    try:
        own = object.__getattribute__(value, "__dict__")
    except AttributeError:
        own = {}
    if type(own) is dict and name in own:
        return own[name]
    return inherited


def _in_classes(kind: type, name: str) -> Any:
    for base in kind.__mro__:
        found = vars(base).get(name, MISSING)
        if found is not MISSING:
            return found
    return MISSING


def _is_data_descriptor(found: Any) -> bool:
    return any("__set__" in vars(base) or "__delete__" in vars(base) for base in type(found).__mro__)


def _is_filled(slot: Any, value: Any, kind: type) -> bool:
    try:
        slot.__get__(value, kind)
    except AttributeError:
        return False
    return True


def text_of(value: Any) -> str | None:
    """A plain value as text, told apart by type and contents; None for an object of any other sort."""
    kind = type(value)
    if kind in _SCALARS:
        return _scalar_text(value)
    if kind in _CONTAINERS:
        return (
            _bounded(_contents(value)) if _is_plain(value, _MAX_DEPTH) else f"{kind.__name__} of {len(value)}"
        )
    if issubclass(kind, enum.Enum):
        return f"{kind.__qualname__}.{object.__getattribute__(value, '_name_')}"
    return _array_text(value) if kind.__module__ == "numpy" else None


def length_of(value: Any) -> int | None:
    """How many items a built-in container has; None for anything else."""
    return len(value) if type(value) in _CONTAINERS else None


def _is_plain(value: Any, depth: int) -> bool:
    kind = type(value)
    if kind in _SCALARS:
        return True
    if depth == 0 or kind not in _CONTAINERS or len(value) > _MAX_ITEMS:
        return False
    items = (*value.keys(), *value.values()) if kind is dict else tuple(value)
    return all(_is_plain(item, depth - 1) for item in items)


def _contents(value: Any) -> str:
    """The `repr` of a plain value, but for the order of what has none."""
    kind = type(value)
    if kind in _SCALARS:
        return _scalar_text(value)
    if kind is dict:
        return "{" + ", ".join(sorted(f"{_contents(k)}: {_contents(v)}" for k, v in value.items())) + "}"
    items = [_contents(item) for item in tuple(value)]
    if kind in (set, frozenset):
        return "{" + ", ".join(sorted(items)) + "}"
    if kind is tuple:
        return "(" + ", ".join(items) + ("," if len(items) == 1 else "") + ")"
    return "[" + ", ".join(items) + "]"


def _scalar_text(value: Any) -> str:
    if type(value) in (str, bytes) and len(value) > MAX_TEXT:
        return f"{value[:MAX_TEXT]!r}... ({hash(value) & _WORD:08x})"
    return repr(value)


def _array_text(value: Any) -> str | None:
    """A NumPy scalar or a small array; its own `repr` depends on print options."""
    if type(value).__name__ == "ndarray":
        is_small = value.size <= _MAX_ARRAY and not value.dtype.hasobject
        return f"{value.dtype.name} array {_bounded(repr(value.tolist()))}" if is_small else None
    is_scalar = any(base.__name__ == "generic" for base in type(value).__mro__)
    return f"{type(value).__name__}({value.item()!r})" if is_scalar else None


def _bounded(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}... ({hash(text) & _WORD:08x})"

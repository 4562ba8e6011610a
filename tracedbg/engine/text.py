"""One line of text for any value, whatever it is: cyclic, huge, slow, or hostile.

Nothing of the value's own code runs but a `__repr__` that somebody has written, and that for a bounded time.
It must not know frames or stops, nor any framework.
"""

from __future__ import annotations

import re
import sys
import time
import weakref
from collections import deque
from dataclasses import dataclass
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from tracedbg.engine import objects
from tracedbg.engine.tensor_text import short_spec, tensor_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import FrameType

    from tracedbg.tensors import Tensors

REPR_LIMIT_S = 0.5
"""How long a `__repr__` may take; no instance of the type is asked again after that."""
_MANY_BITS = 2048
_PLAIN = frozenset({bool, float, complex, type(None), type(Ellipsis), type(NotImplemented), range, slice})
_BRACKETS: dict[Any, tuple[str, str]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    set: ("{", "}"),
    frozenset: ("{", "}"),
    deque: ("[", "]"),
}
_BREAK = re.compile(r"\s*[\r\n]\s*")


@dataclass(frozen=True)
class Limits:
    """How much of a value is told."""

    total: int = 240
    """Characters."""
    items: int = 8
    """Of each container."""
    depth: int = 3
    string: int = 120
    """Characters of each string."""


SHORT = Limits()
LONG = Limits(total=20_000, items=200, depth=8, string=10_000)


class _TooSlowError(BaseException):
    """Raised in a `__repr__` that takes too long; not caught by its `except Exception`."""


class Texts:
    """Writes values in one line; remembers which types are slow."""

    def __init__(self, owner_of: Callable[[object], Tensors | None]) -> None:
        self._owner_of = owner_of
        self._slow: weakref.WeakSet[type] = weakref.WeakSet()

    def line(self, value: object, limits: Limits = SHORT) -> str:
        """`value` in one printable line. Never raises for anything that the value does."""
        try:
            owner = self._owner_of(value)
            if owner is not None:
                return escape(tensor_line(owner.summary(value)))
            text = self._text(value, limits, 0, ())
        except (Exception, SystemExit, GeneratorExit) as error:  # noqa: BLE001  values of the user's program
            text = f"<{objects.type_name(value)}, cannot be shown: {type(error).__name__}>"
        return cut(escape(text), limits.total)

    def _text(  # noqa: PLR0911  one for each kind of value
        self, value: Any, limits: Limits, depth: int, above: tuple[int, ...]
    ) -> str:
        kind = type(value)
        if kind in _PLAIN:
            return repr(value)
        if kind is int:
            return _int_text(value)
        if issubclass(kind, (str, bytes, bytearray)) and not objects.has_python_repr(kind):
            return _string_text(value, limits.string)
        owner = self._owner_of(value)
        if owner is not None:
            return short_spec(*owner.spec(value))
        if id(value) in above:
            return "..."
        above = (*above, id(value))
        if objects.is_record(kind):
            fields = objects.fields(value)
            return self._record(objects.name_of(kind), fields, limits, depth, above)
        if issubclass(kind, dict) and not objects.has_python_repr(kind):
            return self._dict(value, limits, depth, above)
        if (base := objects.container(kind)) is not None and not objects.has_python_repr(kind):
            return self._sequence(value, base, limits, depth, above)
        return self._other(value)

    def spec(self, value: object) -> str:
        """A tensor's dtype and shape; of another value, its line."""
        owner = self._owner_of(value)
        return self.line(value) if owner is None else short_spec(*owner.spec(value))

    def _items(self, parts: Iterable[str], count: int, limits: Limits) -> str:
        """The first parts, joined, and how many there are."""
        found: list[str] = []
        size = 0
        for part in parts:
            if len(found) == limits.items or size > limits.total:
                break
            found.append(part)
            size += len(part)
        left = count - len(found)
        return ", ".join([*found, f"... {left:,} more"] if left > 0 else found)

    def _sequence(self, value: Any, base: type, limits: Limits, depth: int, above: tuple[int, ...]) -> str:
        kind, count = type(value), base.__len__(value)  # type: ignore[attr-defined]
        opening, closing = _BRACKETS[base]
        prefix = "" if kind in (list, tuple, set) else objects.name_of(kind)
        if not count:
            return (
                f"{prefix or kind.__name__}()" if base in (set, frozenset) else f"{prefix}{opening}{closing}"
            )
        if depth >= limits.depth:
            return f"{prefix}{opening}... {_items_text(count)}{closing}"
        parts = (self._text(one, limits, depth + 1, above) for one in base.__iter__(value))  # type: ignore[attr-defined]
        inside = self._items(parts, count, limits)
        if base is tuple and count == 1:
            inside += ","
        text = f"{opening}{inside}{closing}"
        return f"{prefix}({text})" if prefix else text

    def _dict(self, value: dict[Any, Any], limits: Limits, depth: int, above: tuple[int, ...]) -> str:
        kind, count = type(value), dict.__len__(value)
        prefix = "" if kind is dict else objects.name_of(kind)
        if depth >= limits.depth and count:
            text = f"{{... {_items_text(count)}}}"
        else:
            parts = (
                f"{self._text(key, limits, depth + 1, above)}: {self._text(one, limits, depth + 1, above)}"
                for key, one in dict.items(value)
            )
            text = f"{{{self._items(parts, count, limits)}}}"
        return f"{prefix}({text})" if prefix else text

    def _record(
        self, name: str, fields: list[tuple[str, Any]], limits: Limits, depth: int, above: tuple[int, ...]
    ) -> str:
        if depth >= limits.depth and fields:
            return f"{name}(...)"
        parts = (f"{key}={self._text(one, limits, depth + 1, above)}" for key, one in fields)
        return f"{name}({self._items(parts, len(fields), limits)})"

    def _other(self, value: object) -> str:  # noqa: PLR0911  likewise
        kind = type(value)
        name = objects.name_of(kind)
        if issubclass(kind, (FunctionType, BuiltinFunctionType, MethodType)):
            called = getattr(value, "__qualname__", "?").replace("<locals>.", "")
            return f"<function {called}>" if kind is not MethodType else f"<method {called}>"
        if issubclass(kind, ModuleType):
            return f"<module {objects.instance_dict(value).get('__name__', '?')}>"
        if issubclass(kind, type):
            return f"<class {objects.full_name(value)}>"  # type: ignore[arg-type]
        if not objects.writes_itself(kind):
            return f"<{name} object>"
        if kind in self._slow:
            return f"<{name} object, slow to print>"
        try:
            return self._own_text(value)
        except _TooSlowError:
            self._slow.add(kind)
            return f"<{name} object, takes over {REPR_LIMIT_S:g} s to print>"
        except (Exception, SystemExit, GeneratorExit) as error:  # noqa: BLE001  the user's own `__repr__`
            return f"<{name} object, its __repr__ raises {type(error).__name__}>"

    def _own_text(self, value: object) -> str:
        """What its `__repr__` says; our trace function takes the place of another one meanwhile."""
        deadline = time.monotonic() + REPR_LIMIT_S

        def watch(frame: FrameType, event: str, argument: object) -> Any:  # noqa: ARG001  of `settrace`
            frame.f_trace_opcodes = True  # a loop in one line gives no event of a line
            if time.monotonic() > deadline:
                raise _TooSlowError
            return watch

        others = sys.gettrace()
        sys.settrace(watch)
        try:
            return str.__getitem__(repr(value), slice(LONG.total))
        finally:
            sys.settrace(others)


def _items_text(count: int) -> str:
    return "1 item" if count == 1 else f"{count:,} items"


def _int_text(value: int) -> str:
    bits = value.bit_length()
    return f"<int of {bits:,} bits>" if bits > _MANY_BITS else int.__repr__(value)


def _string_text(value: Any, limit: int) -> str:
    base = next(one for one in (str, bytes, bytearray) if issubclass(type(value), one))
    count: int = base.__len__(value)
    start = base.__getitem__(value, slice(limit))
    text = base.__repr__(start)
    return text if count <= limit else f"{text}... {count - limit:,} more"


def escape(text: str) -> str:
    """`text` in one line, with nothing in it that a terminal would obey."""
    if text.isprintable():
        return text
    joined = _BREAK.sub(" ", text).replace("\t", "    ")
    return "".join(one if one.isprintable() else _escaped(one) for one in joined)


def _escaped(one: str) -> str:
    return one.encode("unicode_escape").decode("ascii")


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, with dots where some are left out."""
    return text if len(text) <= limit else f"{text[: limit - 3]}..."

"""What the user calls the object whose method, in a library's file, Dynamo compiles.

In such a frame the object is `self`, or `fn` in a wrapper of Dynamo's own: names that the user never
wrote. The program itself has it as `optimizer` or `self.net`. The wrapper's `args[0]` is a parameter
of the module's `forward`.
"""

from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_compile import _compat
from tracedbg.source import is_user_file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType, FrameType

    from tracedbg.events import GuardFailure

_SELF = "self"
_MAX_NAMES = 10_000
"""In a namespace with more, reading on is not worth the time."""


class Name:
    """The user's name of the object that a library's frame is about: nothing elsewhere."""

    def __init__(self, code: CodeType, f_locals: dict[str, Any]) -> None:
        self._spoken: dict[str, str] = {}
        if is_user_file(code.co_filename):
            return
        is_wrapper = _compat.is_wrapper(code)
        root = _compat.WRAPPED if is_wrapper else _SELF
        if root not in f_locals:
            return
        if is_wrapper:
            self._spoken = _parameters(f_locals)
        name = _name_of(f_locals[root], _user_frame()) or _SELF
        first, _, rest = name.partition(".")
        self._spoken[f"L['{root}']"] = f"L['{first}']" + (f".{rest}" if rest else "")

    def speak(self, text: str) -> str:
        """A guard's text, or an expression of one, in the user's names."""
        for theirs, users in self._spoken.items():
            text = text.replace(theirs, users)
        return text

    def speak_all(self, failures: Iterable[GuardFailure]) -> tuple[GuardFailure, ...]:
        """The same for all texts of `failures`."""
        if not self._spoken:
            return tuple(failures)
        return tuple(
            _replace(failure, *map(self.speak, (failure.guard, failure.source, failure.now)))
            for failure in failures
        )


def _replace(failure: GuardFailure, guard: str, source: str, now: str) -> GuardFailure:
    from dataclasses import replace  # noqa: PLC0415  only where a library's function is compiled again

    return replace(failure, guard=guard, source=source, now=now)


def _parameters(f_locals: dict[str, Any]) -> dict[str, str]:
    """What the wrapper hands on as `*args` and `**kwargs`, by the parameters of the module's `forward`."""
    forward = getattr(type(f_locals[_compat.WRAPPED]), "forward", None)
    code = getattr(forward, "__code__", None)
    names = code.co_varnames[1 : code.co_argcount] if code is not None else ()
    spoken = {f"L['args'][{index}]": f"L['{name}']" for index, name in enumerate(names)}
    return spoken | {f"L['kwargs']['{name}']": f"L['{name}']" for name in f_locals.get("kwargs") or ()}


def _user_frame() -> FrameType | None:
    """The innermost frame of the user's in this thread."""
    at: FrameType | None = sys._getframe(1)
    while at is not None and not is_user_file(at.f_code.co_filename):
        at = at.f_back
    return at


def _name_of(thing: Any, frame: FrameType | None) -> str:
    """The variable in `frame`, or the attribute of one, that is `thing` or what was compiled of it."""
    if frame is None:
        return ""
    spaces = [frame.f_locals] if frame.f_locals is frame.f_globals else [frame.f_locals, frame.f_globals]
    for is_it in (_is, _is_compiled_of):
        for space in spaces:
            for name, value in _items(space):
                if is_it(value, thing):
                    return name
    for space in spaces:
        for name, value in _items(space):
            for inner, held in _attributes(value):
                if held is thing:
                    return f"{name}.{inner}"
    return ""


def _is(value: Any, thing: Any) -> bool:
    return value is thing


def _is_compiled_of(value: Any, thing: Any) -> bool:
    """Whether `value` is the module that `torch.compile(thing)` gave."""
    modules = _attributes(value)
    return any(name == "_orig_mod" and held is thing for name, held in modules)


def _items(space: dict[str, Any]) -> list[tuple[str, Any]]:
    """The user's own variables; a copy, as another thread may add some."""
    if len(space) > _MAX_NAMES:
        return []
    return [(name, value) for name, value in list(space.items()) if not name.startswith(("___", "__"))]


def _attributes(value: Any) -> list[tuple[str, Any]]:
    """What stands in an object's own dict, and among its modules; runs no code of the user's."""
    if isinstance(value, (types.ModuleType, type)):
        return []
    try:
        own = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return []
    if type(own) is not dict:
        return []
    modules = own.get("_modules")
    return [*_items(own), *(modules.items() if type(modules) is dict else ())]

"""Who a compile is for: the user's function or method, and whether two of one code are the same."""

from __future__ import annotations

import functools
import itertools
import types
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_compile.functions import Identities, definition_line
from tracedbg.events import Frame, Framework, Traceable
from tracedbg.source import is_user_file

if TYPE_CHECKING:
    from collections.abc import Iterator

_CONSTANTS = (bool, int, float, complex, str, bytes, type(None))
_MAX_TEXT = 200
_MAX_WRAPPERS = 16
_OBJECTS = Identities()
_COMPILES = itertools.count(1)


def traceable(function: Any, closure_id: str, call: Frame | None) -> Traceable:
    """What `function` is.

    Each compile has a number of its own as `object_id`: torch makes a new `ScriptFunction` of it, and does
    not look for an older one that would do.

    Args:
        function: what the user gave, or the compiler found: a function, method, module, class or callable.
        closure_id: see `Traceable`.
        call: the user's line that asked for the compile.
    """
    if isinstance(function, type):
        file, line, name = _class_place(function)
    else:
        file, line, name = _function_place(function)
    return Traceable(
        Framework.TORCH_JIT,
        name.replace("<locals>.", ""),
        file,
        line,
        object_id=next(_COMPILES),
        closure_id=closure_id,
        created_at=call,
        is_user=is_user_file(file) if file else False,
    )


def _function_place(function: Any) -> tuple[str, int, str]:
    plain = plain_function(function)
    if plain is None:
        name = getattr(function, "__qualname__", None) or type(function).__qualname__
        return "", 0, name
    return plain.__code__.co_filename, definition_line(plain.__code__), plain.__qualname__


def _class_place(kind: type) -> tuple[str, int, str]:
    """A class by its `class` line, which is that above its first method's where Python does not tell."""
    line = vars(kind).get("__firstlineno__", 0)  # since Python 3.13
    methods = [value for value in vars(kind).values() if isinstance(value, types.FunctionType)]
    file = methods[0].__code__.co_filename if methods else ""
    if not line and methods:
        import inspect  # noqa: PLC0415  torch has loaded it by now

        line = inspect.getsourcelines(kind)[1]
    return file, line, kind.__qualname__


def plain_function(function: Any) -> types.FunctionType | None:
    """The function that runs when `function` is called, inside methods, partials, modules and wrappers."""
    *_, last = _chain(function)
    return last if isinstance(last, types.FunctionType) else None


def closure_id(function: Any) -> str:
    """What `function` closes over and is bound to; equal for two only if that is the same."""
    parts = []
    for link in _chain(function):
        if isinstance(link, types.MethodType):
            parts.append(f"self={_name(link.__self__, link)}")
        elif isinstance(link, functools.partial):
            parts += [_name(value, link) for value in (*link.args, *link.keywords.values())]
        elif isinstance(link, types.FunctionType):
            cells = zip(link.__code__.co_freevars, link.__closure__ or (), strict=True)
            parts += [f"{name}={_name(_content(cell), link)}" for name, cell in cells]
            parts += [_name(value, link) for value in link.__defaults__ or ()]
        else:
            parts.append(_name(link, link))
    return ", ".join(parts)


def identity(thing: Any) -> str:
    """A text that no other object has."""
    return f"#{_OBJECTS.number(thing)}"


def _name(held: Any, holder: Any) -> str:
    """`held` by its value where it is a constant, else by identity, if need be that of who holds it."""
    if type(held) in _CONSTANTS and len(text := repr(held)) <= _MAX_TEXT:
        return text
    for thing in (held, holder):
        try:
            return identity(thing)
        except TypeError:  # it cannot be referred to weakly
            continue
    return f"?{next(_COMPILES)}"


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _chain(function: Any) -> Iterator[Any]:
    """`function`, what it wraps, and so on to the innermost."""
    import torch

    for _ in range(_MAX_WRAPPERS):
        yield function
        if isinstance(function, types.MethodType):
            function = function.__func__
        elif isinstance(function, functools.partial):
            function = function.func
        elif isinstance(function, torch.nn.Module):
            function = function.forward
        elif isinstance(function, types.FunctionType):
            inner = vars(function).get("__wrapped__")
            if inner is None:
                return
            function = inner
        elif callable(function) and isinstance(type(function).__call__, types.FunctionType):
            function = types.MethodType(type(function).__call__, function)
        else:
            return

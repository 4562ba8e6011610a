"""What the arguments of a call look like when it is compiled: to be laid beside those of other ranks.

Dynamo's guards say what did not fit; what did fit, on a rank that compiled nothing, stands in what it was
compiled for before. It must not run code of the user's, nor read a tensor's data; see `values`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_compile.values import describe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

    from tracedbg.adapters.torch_compile.naming import Name

MAX_INPUTS = 64
_MAX_DEPTH = 3
_VALUES = (type(None), bool, int, float, complex, str, bytes)
_DYNAMOS = "___"
"""How Dynamo's own variables begin."""


def inputs_of(code: CodeType, f_locals: dict[str, Any], name: Name | None) -> tuple[tuple[str, str], ...]:
    """The tensors and Python values among the arguments, by expressions as guards have them: `L['x'][0]`.

    Args:
        code: of the function.
        f_locals: its variables at the call.
        name: what the user calls them, where that differs.
    """
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & _VARARGS) + bool(code.co_flags & _VARKEYWORDS)
    found: list[tuple[str, str]] = []
    for variable in code.co_varnames[:count]:
        if variable not in f_locals or variable.startswith(_DYNAMOS):
            continue
        for source, value in _leaves(f"L[{variable!r}]", f_locals[variable], 0):
            if len(found) == MAX_INPUTS:
                return tuple(found)
            found.append((source if name is None else name.speak(source), describe(value)))
    return tuple(found)


_VARARGS, _VARKEYWORDS = 0x04, 0x08


def _leaves(source: str, value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    import torch

    kind = type(value)
    if kind in _VALUES or issubclass(kind, torch.Tensor):
        yield source, value
    elif depth < _MAX_DEPTH and kind in (list, tuple):
        for index, item in enumerate(value[:MAX_INPUTS]):
            yield from _leaves(f"{source}[{index}]", item, depth + 1)
    elif depth < _MAX_DEPTH and kind is dict:
        for key, item in list(value.items())[:MAX_INPUTS]:
            if type(key) in (str, int):
                yield from _leaves(f"{source}[{key!r}]", item, depth + 1)

"""Keeps Dynamo and the debugger's Python lines apart: neither takes the other's code for the user's.

It must not know how lines are noticed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.adapters.torch_compile.apart import _compat
from tracedbg.adapters.torch_compile.walk._compat import (
    COMPILED,
    HIDDEN_VARIABLES,
    RESUME_NAME,
    is_generated,
    users_name,
)
from tracedbg.frames import Generated, add_reader

if TYPE_CHECKING:
    from types import CodeType

    from tracedbg.debugging import Debugger
    from tracedbg.hooks import Hooks


def keep_apart(hooks: Hooks, debugger: Debugger) -> None:
    """Do so until the hooks are removed; to be called once `torch._dynamo.convert_frame` is imported."""
    hooks.on_remove(add_reader(read))
    hooks.safely("generated", _tell_of_generated_code, hooks, debugger)
    hooks.safely("own code", _leave_our_code_alone, hooks, debugger)


def read(code: CodeType) -> Generated | None:
    """What Dynamo has made `code` of; None if it is not Dynamo's."""
    rest = RESUME_NAME.search(code.co_name)
    if rest is None and not is_generated(code):
        return None
    return Generated(users_name(code), 0 if rest is None else int(rest["line"]), HIDDEN_VARIABLES)


def calls_graph(code: CodeType) -> bool:
    """Whether code of Dynamo's runs one that it has compiled."""
    return any(name.startswith(COMPILED) for name in code.co_names)


def _tell_of_generated_code(hooks: Hooks, debugger: Debugger) -> None:
    """The bytecode that Dynamo puts in place of a function's names the function's file and lines.

    Where it calls a graph, that is walked. Up to a graph break before which there is nothing to compile it
    runs the function's own lines.
    """

    def made(_: CodeType, generated: CodeType) -> None:
        if calls_graph(generated):
            hooks.safely("generated code", debugger.add_generated, generated)

    made.__tracedbg__ = hooks.name  # type: ignore[attr-defined]
    handle = _compat.REGISTER_BYTECODE_HOOK.get()(made)
    hooks.on_remove(handle.remove)
    for reference in tuple(_compat.OUTPUT_CODES.get()):
        if (code := reference()) is not None and calls_graph(code):
            debugger.add_generated(code)


def _leave_our_code_alone(hooks: Hooks, debugger: Debugger) -> None:
    """Below a compiled function Dynamo looks at each Python frame: at a trace function's, too."""
    leave_alone = _compat.leaver_alone()
    done: set[CodeType] = set()

    def update() -> None:
        for code in debugger.own_code() - done:
            done.add(code)
            hooks.safely("leave alone", leave_alone, code)

    debugger.on_change(update)
    update()

"""The ops of a graph, and the user's line that made each.

The line is read off the Python stack while the op is made. To ask the finished op for its `traceback` costs
15 us, several times as much, because all of its frames are resolved.
"""

from __future__ import annotations

import sys
from itertools import islice
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_common import _compat, running
from tracedbg.events import OpSite

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from tracedbg.adapters.tf_common.running import OpenTrace
    from tracedbg.adapters.tf_common.stack import UserStack
    from tracedbg.events import Frame
    from tracedbg.hooks import Hooks

MAX_SITES = 20_000
MAX_DEPTH = 40
"""How far from an op the user's line is looked for; beyond, the line of the call stands for it."""


class OpLines:
    """Notes the user's line of each op that is made in the graph of a trace."""

    def __init__(self, hooks: Hooks, stack: UserStack) -> None:
        self._hooks = hooks
        self._stack = stack

    def install(self) -> None:
        """Install the hook."""
        self._hooks.patch(*_compat.OP_MADE.owner(), self._wrap)

    def _wrap(self, original: Callable[..., Any]) -> Callable[..., Any]:
        hooks = self._hooks
        innermost = running.innermost
        line = self._stack.line
        getframe = sys._getframe

        def create_op_helper(graph: Any, op: Any, *args: Any, **kwargs: Any) -> Any:
            trace = innermost()
            if trace is not None and trace.wants_lines and graph.name == trace.label:
                try:
                    note(trace, op, getframe(1))
                except Exception as error:
                    trace.wants_lines = False
                    hooks.fault("op_lines", error)
            return original(graph, op, *args, **kwargs)

        def note(trace: OpenTrace, op: Any, frame: FrameType) -> None:
            lines = trace.op_lines
            lines[op.name] = line(frame, MAX_DEPTH, trace.lines) or trace.call_line
            trace.wants_lines = len(lines) < MAX_SITES

        return create_op_helper


def sites(ops: list[Any], lines: dict[str, Frame | None]) -> tuple[OpSite, ...]:
    """The first `MAX_SITES` of `ops`, with their lines."""
    words: dict[tuple[Any, ...], str] = {}
    made = []
    for op in islice(ops, MAX_SITES):
        name = op.name
        line = lines.get(name)
        inputs = tuple([tensor.name for tensor in op.inputs])
        output = ", ".join([_output(tensor, words) for tensor in op.outputs])
        file, number = ("", 0) if line is None else (line.file, line.line)
        made.append(OpSite(name, op.type, inputs, output, file, number))
    return tuple(made)


def _output(tensor: Any, words: dict[tuple[Any, ...], str]) -> str:
    dims, is_unknown = tensor._shape
    key = (tensor.dtype, is_unknown, *dims)
    text = words.get(key)
    if text is None:
        shape = "..." if is_unknown else ", ".join("?" if size is None else str(size) for size in dims)
        text = words[key] = f"{tensor.dtype.name}[{shape}]"
    return text

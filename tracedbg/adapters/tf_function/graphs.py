"""The ops of a graph, and the user's line that made each.

The line is read off the Python stack while the op is made, 2 us an op. To ask the finished op for its
`traceback` costs 15 us, because all of its frames are resolved.
"""

from __future__ import annotations

import sys
from itertools import islice
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_common import _compat, running
from tracedbg.events import Frame, OpSite

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from tracedbg.adapters.tf_common.stack import UserStack
    from tracedbg.hooks import Hooks

MAX_SITES = 20_000
_NOWHERE = Frame("", 0)


class OpLines:
    """Notes the user's line of each op that is made during a trace."""

    def __init__(self, hooks: Hooks, stack: UserStack) -> None:
        self._hooks = hooks
        self._stack = stack

    def install(self) -> None:
        """Install the hook."""
        self._hooks.patch(*_compat.OP_MADE.owner(), self._wrap)

    def _wrap(self, original: Callable[..., Any]) -> Callable[..., Any]:
        hooks = self._hooks
        note = self._note
        innermost = running.innermost

        def create_op_helper(graph: Any, op: Any, *args: Any, **kwargs: Any) -> Any:
            trace = innermost()
            if trace is not None:
                hooks.safely("op_lines", note, trace, graph, op, sys._getframe(1))
            return original(graph, op, *args, **kwargs)

        return create_op_helper

    def _note(self, trace: running.OpenTrace, graph: Any, op: Any, frame: FrameType) -> None:
        lines = trace.op_lines.get(id(graph))
        if lines is None:
            lines = trace.op_lines[id(graph)] = {}
        if len(lines) < MAX_SITES:
            line = self._stack.line(frame)
            if line is not None:
                lines[op.name] = line


def sites(graph: Any, lines: dict[str, Frame]) -> tuple[tuple[OpSite, ...], int]:
    """The first `MAX_SITES` ops of `graph` with their lines, and the number of all its ops."""
    ops = graph.get_operations()
    words: dict[tuple[Any, ...], str] = {}
    made = []
    for op in islice(ops, MAX_SITES):
        name = op.name
        line = lines.get(name, _NOWHERE)
        inputs = tuple([tensor.name for tensor in op.inputs])
        output = ", ".join([_output(tensor, words) for tensor in op.outputs])
        made.append(OpSite(name, op.type, inputs, output, line.file, line.line))
    return tuple(made), len(ops)


def _output(tensor: Any, words: dict[tuple[Any, ...], str]) -> str:
    shape = tensor.shape
    key = (tensor.dtype, shape)
    text = words.get(key)
    if text is None:
        dims = ["..."] if shape.rank is None else ["?" if d is None else str(d) for d in shape.as_list()]
        text = words[key] = f"{tensor.dtype.name}[{', '.join(dims)}]"
    return text

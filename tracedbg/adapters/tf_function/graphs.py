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

    from tracedbg.adapters.tf_common.stack import UserStack
    from tracedbg.events import Frame
    from tracedbg.hooks import Hooks

MAX_SITES = 20_000
MAX_DEPTH = 40
"""How far from an op the user's line is looked for; beyond, the line of the call stands for it."""

_MADE_ABOVE = 3
"""Frames that are TensorFlow's for certain between the hook and whoever makes an op."""


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
            if trace is not None and trace.wants_lines:
                try:
                    found = line(getframe(_MADE_ABOVE), MAX_DEPTH, trace.lines)
                    if graph.name == trace.label:  # and not that of a branch or loop
                        trace.op_lines[op.name] = found or trace.call_line
                        trace.wants_lines = len(trace.op_lines) < MAX_SITES
                except Exception as error:
                    trace.wants_lines = False
                    hooks.fault("op_lines", error)
            return original(graph, op, *args, **kwargs)

        return create_op_helper


def sites(ops: list[Any], lines: dict[str, Frame | None]) -> tuple[OpSite, ...]:
    """The first `MAX_SITES` of `ops`, with their lines."""
    words: dict[tuple[Any, ...], str] = {}
    made = []
    for op in islice(ops, MAX_SITES):
        name = op.name
        line = lines.get(name)
        file, number = ("", 0) if line is None else (line.file, line.line)
        inputs = tuple([tensor.name for tensor in op.inputs])
        outputs = []
        for tensor in op.outputs:
            dims, is_unknown = tensor._shape
            key = (tensor.dtype, is_unknown, *dims)
            outputs.append(words.get(key) or words.setdefault(key, _words(*key)))
        made.append(OpSite(name, op.type, inputs, ", ".join(outputs), file, number))
    return tuple(made)


def _words(dtype: Any, is_unknown: bool, *dims: int | None) -> str:
    shape = "..." if is_unknown else ", ".join("?" if size is None else str(size) for size in dims)
    return f"{dtype.name}[{shape}]"

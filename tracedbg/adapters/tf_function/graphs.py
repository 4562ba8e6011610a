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
    from collections.abc import Callable, Iterator

    from tracedbg.adapters.tf_common.running import LinesOfOps
    from tracedbg.adapters.tf_common.stack import UserStack
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
                    name = graph.name
                    if found is None and name == trace.label:  # and not that of a branch or loop
                        found = trace.call_line
                    lines = trace.op_lines.get(name)
                    if lines is None:
                        lines = trace.op_lines[name] = {}
                    lines[op.name] = found
                    trace.op_count += 1
                    trace.wants_lines = trace.op_count < MAX_SITES
                except Exception as error:
                    trace.wants_lines = False
                    hooks.fault("op_lines", error)
            return original(graph, op, *args, **kwargs)

        return create_op_helper


def sites(graph: Any, lines: LinesOfOps) -> tuple[OpSite, ...]:
    """The first `MAX_SITES` ops of `graph` with their lines, each followed by those inside it."""
    return tuple(islice(_sites(graph, lines, {}, "", ""), MAX_SITES))


def _sites(
    graph: Any,
    lines: LinesOfOps,
    words: dict[tuple[Any, ...], str],
    scope: str,
    place: str,
) -> Iterator[OpSite]:
    """Those of one graph.

    Args:
        graph: whose ops.
        lines: see `OpenTrace.op_lines`.
        words: for shapes, as met so far.
        scope: how TensorFlow names what is in it, and nothing else, at the beginning.
        place: what stands there instead: `while/body/`, where two branches of one op would be named alike.
    """
    of_graph, inside = lines.get(graph.name) or {}, place[:-1]
    for op in graph.get_operations():
        name, kind = op.name, op.type
        line = of_graph.get(name)
        file, number = ("", 0) if line is None else (line.file, line.line)
        inputs = tuple([tensor.name for tensor in op.inputs])
        outputs = []
        for tensor in op.outputs:
            dims, is_unknown = tensor._shape
            key = (tensor.dtype, is_unknown, *dims)
            outputs.append(words.get(key) or words.setdefault(key, _words(*key)))
        whole = name
        if place:
            inputs = tuple([place + one.removeprefix(scope) for one in inputs])
            whole = place + name.removeprefix(scope)
        yield OpSite(whole, kind, inputs, ", ".join(outputs), file, number, inside)
        for part, body in _bodies(op, kind):
            yield from _sites(body, lines, words, f"{name}/", f"{whole}/{part}/")


def _bodies(op: Any, kind: str) -> Iterator[tuple[str, Any]]:
    """The graphs that an op runs as its own; what each is to it."""
    if "If" in kind or "While" in kind:
        parts = _compat.BODIES
    elif "Case" in kind:
        count = len(op.get_attr("branches"))
        parts = tuple((f"branch {at}", f"{_compat.BRANCH}{at}") for at in range(count))
    else:
        return
    for part, attribute in parts:
        body = getattr(op, attribute, None)
        if body is not None:
            yield part, body


def _words(dtype: Any, is_unknown: bool, *dims: int | None) -> str:
    shape = "..." if is_unknown else ", ".join("?" if size is None else str(size) for size in dims)
    return f"{dtype.name}[{shape}]"

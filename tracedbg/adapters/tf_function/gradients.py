"""Graphs of gradients, which TensorFlow builds when a tape, or an outer trace, first needs them.

They do not pass through the code that traces functions. Building one has no single call that could
be wrapped without a frame of ours on the stack, so the two ends are seen one by one: the naming of the
new graph, and the hand-over of the finished one.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_common import _compat, running
from tracedbg.adapters.tf_common.stack import caller
from tracedbg.adapters.tf_function.graphs import sites
from tracedbg.events import GraphMade, Outcome, PhaseSpan, Role, TraceEnded, TraceStarted

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracedbg.adapters.tf_common.stack import UserStack
    from tracedbg.adapters.tf_function.first_run import FirstRuns
    from tracedbg.adapters.tf_function.subjects import Subjects
    from tracedbg.hooks import Hooks


class Gradients:
    """Reports the building of gradients of functions that were traced while we were attached."""

    def __init__(self, hooks: Hooks, subjects: Subjects, stack: UserStack, first_runs: FirstRuns) -> None:
        self._hooks = hooks
        self._sink = hooks.sink
        self._subjects = subjects
        self._stack = stack
        self._first_runs = first_runs

    def install(self) -> None:
        """Install both hooks, or none."""
        named, made = _compat.BACKWARD_NAME.owner(), _compat.BACKWARD_MADE.owner()
        self._hooks.patch(*named, self._wrap_name)
        self._hooks.patch(*made, self._wrap_made)

    def _wrap_name(self, original: Callable[[str], str]) -> Callable[[str], str]:
        def backward_name(function_name: str) -> str:
            name = original(function_name)
            self._hooks.safely("gradients", self._start, name)
            return name

        return backward_name

    def _wrap_made(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def create_forward_backward_with_graph(attrs: Any, forward_graph: Any, backwards_graph: Any) -> Any:
            made = original(attrs, forward_graph, backwards_graph)
            self._hooks.safely("gradients", self._end, backwards_graph, *made)
            return made

        return create_forward_backward_with_graph

    def _start(self, name: str) -> None:
        frame = caller()
        if frame is None:
            return
        forward_graph = frame.f_locals["self"]._func_graph
        traceable = self._subjects.of_graph(forward_graph)
        if traceable is None:
            return
        sink = self._sink
        parent = running.innermost(frame)
        call_stack = self._hooks.safely("call_stack", self._stack.frames, frame, default=())
        trace = running.OpenTrace(sink.new_id(), sink.now_ns(), name, opener=frame.f_code)
        trace.call_line = call_stack[0] if call_stack else None
        trace.abandon = lambda: sink.emit(
            TraceEnded(trace.id, sink.now_ns(), Outcome.FAILED, "an exception ended it")
        )
        sink.emit(
            TraceStarted(
                trace.id,
                traceable,
                trace.start_ns,
                threading.get_ident(),
                Role.BACKWARD,
                None if parent is None else parent.id,
                name,
                call_stack=call_stack,
            )
        )
        sink.flush()
        running.push(trace)

    def _end(self, graph: Any, forward: Any, backward: Any) -> None:
        trace = running.find(graph.name)
        if trace is None:
            return
        running.pop(trace)
        sink = self._sink
        end_ns = sink.now_ns()
        for function in (forward, backward._inference_function):
            self._first_runs.expect(function, trace.id)
        sink.emit(PhaseSpan(trace.id, "trace", trace.start_ns, end_ns - trace.start_ns))
        ops = graph.get_operations()
        made = self._hooks.safely("graphs", sites, graph, trace.op_lines)
        if made is not None:
            sink.emit(GraphMade(trace.id, "func_graph", made))
        label = backward.name
        sink.emit(
            TraceEnded(
                trace.id,
                end_ns,
                Outcome.COMPILED,
                op_count=len(ops),
                label=label.decode() if isinstance(label, bytes) else label,
            )
        )

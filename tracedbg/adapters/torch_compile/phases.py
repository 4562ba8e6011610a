"""Where the time of a compile goes, from torch's own events, as `PhaseSpan` and cache hits.

The durations do not overlap: those of one trace add up to the time from its start to its end,
and those of its backward come on top of it.

    dynamo             reading bytecode, making the graph and the guards
    aot                AOTAutograd: joint graph, decompositions, partition
    backend            the backend's own compiler; for one that is not inductor but uses
                       AOTAutograd, its compilers are part of `aot`
    backward_aot       the same two of the backward, which is compiled when it first runs:
    backward_backend   these follow `TraceEnded`, unless the backward was compiled ahead
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from tracedbg.events import PhaseSpan

if TYPE_CHECKING:
    from tracedbg.hooks import Sink

_BACKEND = "backend_compile"
_AOT = "create_aot_dispatcher_function"
_FORWARD = "compile_fx.<locals>.fw_compiler_base"
_BACKWARD = "compile_fx.<locals>.bw_compiler"
_LATE_BACKWARD = "entire_backward_compile"
EVENTS = frozenset((_BACKEND, _AOT, _FORWARD, _BACKWARD, _LATE_BACKWARD))
"""The names of torch's events that count here (2.6-2.13)."""
CACHES = {
    f"{event}_{state}": f"{name}_{state}"
    for event, name in (("fx_graph_cache", "fx_graph"), ("autograd_cache", "aot_autograd"))
    for state in ("hit", "miss", "bypass")
}
"""torch's events about compiler caches, and our names for them."""


class Timeline:
    """The times of one trace, which are still added to when its backward is compiled."""

    def __init__(self, trace_id: int, compile_id: Any, start_ns: int) -> None:
        self.trace_id = trace_id
        self.compile_id = compile_id
        self.start_ns = start_ns
        self.cache_hits: Counter[str] = Counter()
        self._spent: Counter[str] = Counter()
        self._began: dict[str, int] = {}
        self._is_ended = False

    def add(self, event: str, start_ns: int, end_ns: int, sink: Sink) -> None:
        """Take one of torch's events; the times are since the epoch, as torch has them."""
        began = start_ns + sink.now_ns() - time.time_ns()
        self._began.setdefault(event, began)
        self._spent[event] += end_ns - start_ns
        if event == _LATE_BACKWARD and self._is_ended:
            self._emit(sink, "backward_aot", began, end_ns - start_ns - self._spent[_BACKWARD])
            self._emit_backward(sink)

    def end(self, end_ns: int, sink: Sink) -> None:
        """Emit the spans of a trace that has just ended."""
        spent, began = self._spent, self._began
        self._emit(sink, "dynamo", self.start_ns, end_ns - self.start_ns - spent[_BACKEND])
        if _AOT in began:
            compilers = spent[_FORWARD] + spent[_BACKWARD]
            self._emit(sink, "aot", began[_AOT], spent[_AOT] - compilers)
            around = spent[_BACKEND] - spent[_AOT]
            self._emit(sink, "backend", began.get(_FORWARD, began[_AOT]), spent[_FORWARD] + around)
        elif _BACKEND in began:
            self._emit(sink, "backend", began[_BACKEND], spent[_BACKEND])
        self._emit_backward(sink)
        self._is_ended = True

    def _emit_backward(self, sink: Sink) -> None:
        if _BACKWARD in self._began:
            self._emit(sink, "backward_backend", self._began.pop(_BACKWARD), self._spent.pop(_BACKWARD))

    def _emit(self, sink: Sink, name: str, start_ns: int, duration_ns: int) -> None:
        sink.emit(PhaseSpan(self.trace_id, name, start_ns, max(duration_ns, 0)))

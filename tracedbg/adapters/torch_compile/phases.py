"""Where the time of a compile goes, from torch's own events, as `PhaseSpan` and cache hits.

Spans lie inside each other as the phases do; the time of an inner one is not the outer one's own.

    dynamo                    from the start of the trace to its end
      backend                 the call of the user's backend
        aot                   AOTAutograd, for a backend that uses it
          backend             inductor's compiler of the forward; that of another backend is in `aot`
          backward_backend    inductor's compiler of a backward that is compiled ahead
    backward_aot              after `TraceEnded`, when the backward first runs
      backward_backend        inductor's compiler of the backward
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from tracedbg.events import CacheHits, PhaseSpan

if TYPE_CHECKING:
    from tracedbg.hooks import Sink

_LATE_BACKWARD = "entire_backward_compile"
PHASES = {
    "backend_compile": "backend",
    "create_aot_dispatcher_function": "aot",
    "compile_fx.<locals>.fw_compiler_base": "backend",
    "compile_fx.<locals>.bw_compiler": "backward_backend",
    _LATE_BACKWARD: "backward_aot",
}
"""torch's events that count here (2.6-2.13), and our names for them."""
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
        self._hits: Counter[str] = Counter()

    def add(self, event: str, start_ns: int, end_ns: int, sink: Sink) -> None:
        """Take one of torch's events; the times are since the epoch, as torch has them."""
        now_ns = sink.now_ns()
        # By the wall clock, which may have been set meanwhile: no phase is longer than since the start.
        took_ns = min(max(end_ns - start_ns, 0), max(now_ns - self.start_ns, 0))
        began = min(max(start_ns + now_ns - time.time_ns(), self.start_ns), now_ns - took_ns)
        sink.emit(PhaseSpan(self.trace_id, PHASES[event], began, took_ns))
        if event == _LATE_BACKWARD and (hits := self.take_hits()):
            sink.emit(CacheHits(self.trace_id, hits))

    def add_cache_event(self, event: str) -> None:
        """A compiler cache was asked."""
        self._hits[CACHES[event]] += 1

    def take_hits(self) -> tuple[tuple[str, int], ...]:
        """What the caches said since this was last called."""
        hits = tuple(self._hits.items())
        self._hits.clear()
        return hits

    def end(self, end_ns: int, sink: Sink) -> None:
        """The trace has just ended."""
        sink.emit(PhaseSpan(self.trace_id, "dynamo", self.start_ns, end_ns - self.start_ns))

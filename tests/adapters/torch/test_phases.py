"""torch's own events, as spans that lie inside each other and counts of cache hits that are not lost."""

from __future__ import annotations

import time

from adapters.sink import ListSink
from tracedbg.adapters.torch_compile.phases import Timeline
from tracedbg.events import CacheHits, PhaseSpan


def test_cache_hits_of_a_backward_that_is_compiled_late_are_told_when_it_is():
    sink = ListSink()
    timeline = Timeline(7, "0/0", start_ns=1)
    timeline.add_cache_event("fx_graph_cache_miss")
    timeline.add_cache_event("autograd_cache_miss")
    assert timeline.take_hits() == (("fx_graph_miss", 1), ("aot_autograd_miss", 1)), (
        "those of the trace itself"
    )
    timeline.end(5, sink)
    timeline.add_cache_event("fx_graph_cache_hit")
    assert sink.of(CacheHits) == []
    timeline.add("entire_backward_compile", 10, 20, sink)
    assert sink.of(CacheHits) == [CacheHits(7, (("fx_graph_hit", 1),))]
    timeline.add("entire_backward_compile", 30, 40, sink)
    assert len(sink.of(CacheHits)) == 1, "and only once"


def test_times_since_the_epoch_become_those_of_the_run():
    class Clock(ListSink):
        def now_ns(self):
            return time.time_ns() - epoch_ns

    epoch_ns = time.time_ns() - 1_000_000_000
    sink = Clock()
    Timeline(7, "0/0", start_ns=1).add(
        "backend_compile", epoch_ns + 100_000_000, epoch_ns + 300_000_000, sink
    )
    (span,) = sink.of(PhaseSpan)
    assert (span.name, span.duration_ns) == ("backend", 200_000_000)
    assert abs(span.start_ns - 100_000_000) < 50_000_000

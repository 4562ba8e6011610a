"""What each phase has for itself, and that nothing is counted twice or lost."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings import Process, Run, Timeline, function
from tracedbg import events as ev
from tracedbg.explain import summarise
from tracedbg.explain.phases import OTHER, own_times

MS = 1_000_000


def with_phases(trace, *spans, late=()):
    """The trace with phases, told in milliseconds since its start."""
    start_ns = trace.started.start_ns
    made = tuple(
        ev.PhaseSpan(trace.started.id, name, start_ns + begin * MS, (end - begin) * MS)
        for name, begin, end in spans
    )
    caches = tuple(ev.CacheHits(trace.started.id, hits) for hits in late)
    return replace(trace, phases=made, late_caches=caches)


def told(function_summary):
    return [(p.name, round(p.seconds * 1000), p.count, p.later) for p in function_summary.phases]


def summary_of(*traces, **more):
    return summarise(Run(Process(list(traces), **more))).functions


def test_a_phase_inside_another_is_not_the_other_ones_own():
    trace = Timeline().trace(took_ms=10)
    (f,) = summary_of(
        with_phases(trace, ("backend", 4, 9), ("aot", 5, 8), ("backend", 6, 7), ("dynamo", 0, 10))
    )
    assert told(f) == [("dynamo", 5, 1, False), ("aot", 2, 1, False), ("backend", 3, 1, False)]


def test_what_no_phase_covers_is_told():
    (f,) = summary_of(with_phases(Timeline().trace(took_ms=10), ("parse", 2, 6)))
    assert told(f) == [("parse", 4, 1, False), ("other", 6, 1, False)]


def test_a_nested_trace_keeps_its_own_time():
    timeline = Timeline()
    outer = with_phases(timeline.trace(took_ms=10, start_ms=0), ("trace", 0, 10), ("autograph", 1, 2))
    inner = timeline.trace(function("inner", 3), took_ms=4, start_ms=3, parent_id=outer.started.id)
    by_name = {f.name: f for f in summary_of(outer, with_phases(inner, ("trace", 0, 4), ("autograph", 0, 1)))}
    assert told(by_name["step"]) == [("autograph", 1, 1, False), ("trace", 5, 1, False)]
    assert told(by_name["inner"]) == [("autograph", 1, 1, False), ("trace", 3, 1, False)]


def test_what_comes_after_the_trace_is_told_apart():
    trace = Timeline().trace(took_ms=10)
    spans = [("dynamo", 0, 10), ("backward_backend", 31, 33), ("backward_aot", 30, 35), ("first_run", 12, 15)]
    (f,) = summary_of(with_phases(trace, *spans))
    assert told(f) == [
        ("dynamo", 10, 1, False),
        ("backward_aot", 3, 1, True),
        ("backward_backend", 2, 1, True),
        ("first_run", 3, 1, True),
    ]
    assert f.self_seconds == pytest.approx(0.010)


def test_cache_hits_of_a_trace_and_of_its_late_backward_are_added_up():
    trace = Timeline().trace()
    trace = replace(trace, ended=replace(trace.ended, cache_hits=(("fx_graph_hit", 1), ("fx_graph_miss", 1))))
    (f,) = summary_of(with_phases(trace, late=[(("fx_graph_hit", 2),)]))
    assert f.caches == (("fx_graph_hit", 3), ("fx_graph_miss", 1))


def test_a_trace_that_never_ended_took_no_time():
    (f,) = summary_of(with_phases(Timeline().trace(ended=False), ("autograph", 0, 1)))
    assert f.phases == ()


def test_time_that_was_counted_but_not_kept_is_in_no_phase():
    from tracedbg.store.records import Tally

    tally = Tally(("tf.function", "step", "/home/me/train.py", 10), 2, 1, 7 * MS, 0)
    (f,) = summary_of(all_tallies=[tally])
    assert told(f) == [("other", 7, 1, False)]


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", ""]), st.integers(-5, 25), st.integers(0, 15)).map(
            lambda item: (item[0], item[1], item[1] + item[2])
        ),
        max_size=8,
    )
)
def test_the_parts_are_never_more_than_the_whole_nor_negative(stretches):
    named = [item for item in stretches if item[0]]
    own = own_times(0, 20, named)
    assert sum(own.values()) == 20, "without nested traces, the parts are the whole"
    assert all(spent > 0 for spent in own.values())
    covered = {at for _, begin, end in named for at in range(max(begin, 0), min(end, 20))}
    assert own[OTHER] >= 20 - len(covered)
    with_nested = own_times(0, 20, stretches)
    assert all(spent > 0 for spent in with_nested.values())
    assert sum(with_nested.values()) <= 20

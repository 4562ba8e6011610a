"""A run put together: what is counted, grouped, nested and sorted."""

from dataclasses import replace

import pytest

from recordings import CALL, FILE, PROCESS, Process, Run, Timeline, function, signature, tensor, value
from tracedbg import events as ev
from tracedbg.explain import summarise
from tracedbg.store.records import Tally

K = ev.CauseKind
TORCH = ev.Framework.TORCH_COMPILE


@pytest.fixture
def timeline():
    return Timeline()


def only(run):
    (found,) = summarise(run).functions
    return found


def test_retraces_of_one_cause_are_one_group_with_all_its_values(timeline):
    traces = [timeline.trace(signature=signature(n=value(n))) for n in range(6)]
    found = only(Run(Process(traces)))
    assert (found.traces, found.retraces, found.objects) == (6, 5, 1)
    (group,) = found.causes
    assert (group.kind, group.argument, group.before, group.after) == (K.PYTHON_VALUE, "n", "0", "5")
    assert (group.file, group.line, group.count, group.seconds) == (CALL.file, CALL.line, 5, 0.05)
    assert group.values == ("0", "1", "2", "3", "4", "5")
    assert group.message == "`n` took 6 Python values: 0, 1, 2, 3, ..."


def test_other_arguments_and_lines_are_other_groups_the_costliest_first(timeline):
    elsewhere = ev.Frame(FILE, 77)
    traces = [
        timeline.trace(signature=signature(n=value(0), k=value(0))),
        timeline.trace(signature=signature(n=value(1), k=value(0))),
        timeline.trace(signature=signature(n=value(1), k=value(1)), took_ms=90),
        timeline.trace(signature=signature(n=value(2), k=value(1)), call_stack=(elsewhere,)),
    ]
    groups = only(Run(Process(traces))).causes
    assert [(group.argument, group.line) for group in groups] == [("k", 30), ("n", 30), ("n", 77)]


def test_a_trace_with_two_causes_counts_for_both_but_is_one_retrace(timeline):
    traces = [timeline.trace(signature=signature(x=tensor(n), k=value(n))) for n in (2, 3)]
    found = only(Run(Process(traces)))
    assert found.retraces == 1
    assert [group.kind for group in found.causes] == [K.PYTHON_VALUE, K.SHAPE]


def test_a_function_made_in_a_loop_is_one_row(timeline):
    traces = [timeline.trace(function(object_id=n), signature(x=tensor(3))) for n in range(6)]
    found = only(Run(Process(traces)))
    assert (found.traces, found.retraces, found.objects) == (6, 5, 6)
    assert [(group.kind, group.count) for group in found.causes] == [(K.NEW_FUNCTION_OBJECT, 5)]
    assert found.causes[0].message == "the function was made 6 times: each object is traced anew"


def test_time_of_nested_traces_is_in_both_but_counted_once_in_all(timeline):
    outer = timeline.trace(function("outer"), start_ms=0, took_ms=100)
    inner = timeline.trace(function("inner", 20), start_ms=10, took_ms=30, parent_id=1)
    summary = summarise(Run(Process([outer, inner])))
    assert [(f.name, f.seconds, f.self_seconds) for f in summary.functions] == [
        ("outer", 0.1, 0.07),
        ("inner", 0.03, 0.03),
    ]
    assert summary.seconds == pytest.approx(0.1)


def test_a_function_that_is_traced_within_itself_takes_its_time_once(timeline):
    traces = [
        timeline.trace(start_ms=0, took_ms=100),
        timeline.trace(start_ms=10, took_ms=30, parent_id=1, signature=signature(n=value(1))),
    ]
    assert only(Run(Process(traces))).seconds == 0.1


def test_gradients_cost_time_and_are_no_traces(timeline):
    traces = [timeline.trace(), timeline.trace(role=ev.Role.BACKWARD)]
    found = only(Run(Process(traces)))
    assert (found.traces, found.retraces, found.seconds) == (1, 0, 0.02)


def test_traces_that_raised_are_counted_apart(timeline):
    traces = [timeline.trace(signature=signature(n=value(n)), outcome=ev.Outcome.FAILED) for n in (1, 2)]
    found = only(Run(Process(traces)))
    assert (found.traces, found.retraces, found.failed) == (0, 0, 2)


def test_a_trace_under_way_is_counted(timeline):
    assert only(Run(Process([timeline.trace(ended=False)]))).traces == 1


def test_resume_functions_stand_under_the_function_that_they_are_the_rest_of(timeline):
    resume = {"framework": TORCH, "owner": "f"}
    traces = [
        timeline.trace(function("f", 5, TORCH)),
        timeline.trace(function("f", 10, TORCH)),
        timeline.trace(function("resume_in_f_at_14", 14, **resume), role=ev.Role.RESUME),
        timeline.trace(function("resume_in_f_at_12", 12, **resume), role=ev.Role.RESUME),
    ]
    summary = summarise(Run(Process(traces)))
    nested = {function.line: [resume.line for resume in function.resumes] for function in summary.functions}
    assert nested == {5: [], 10: [12, 14]}
    assert summary.traces == 4


def test_a_resume_function_without_its_function_still_has_one(timeline):
    trace = timeline.trace(function("resume_in_f_at_14", 14, TORCH, owner="f"), role=ev.Role.RESUME)
    found = only(Run(Process([trace])))
    assert (found.name, found.traces, [resume.traces for resume in found.resumes]) == ("f", 0, [1])


def test_graph_breaks_are_counted_by_place_and_kind(timeline):
    f = function("f", 10, TORCH)
    rest = function("resume_in_f_at_12", 12, TORCH, owner="f")

    def graph_break(line, kind="print", of=f):
        return ev.GraphBreak("GB1", kind, "because", ev.Frame(FILE, line), of, ran_eager="print(x)")

    breaks = [graph_break(12), graph_break(12), graph_break(12, "call"), graph_break(15, of=rest)]
    summary = summarise(Run(Process([timeline.trace(f)], all_breaks=breaks)))
    assert [f.graph_breaks for f in summary.functions] == [3]
    assert [(b.line, b.kind, b.function, b.count) for b in summary.graph_breaks] == [
        (12, "call", "f", 1),
        (12, "print", "f", 2),
        (15, "print", "f", 1),
    ]


def test_a_recompile_limit_is_told_with_what_used_it_up(timeline):
    failures = tuple(
        ev.GuardFailure(f"0/{n}", f"L['n'] == {n}", "L['n']", str(n), "8") for n in reversed(range(8))
    )
    fallback = ev.Fallback(function("f", 10, TORCH), "recompile_limit", "limit", 0, failures)
    found = only(Run(Process(all_fallbacks=[fallback])))
    assert found.limit_hits == 1
    assert found.silent_eager.reason == (
        "recompile limit reached with 8 graphs cached:"
        " `n` changed from 7 to 8 (a Python int is part of the trace's key)"
    )
    assert found.silent_eager.since_call is None


def test_where_the_limit_raises_nothing_is_silent(timeline):
    f = function("f", 10, TORCH)
    fallback = ev.Fallback(f, "recompile_limit", "limit", 0)
    traces = [timeline.trace(f, options=(("fullgraph", "True"),))]
    found = only(Run(Process(traces, all_fallbacks=[fallback])))
    assert (found.limit_hits, found.silent_eager) == (1, None)


def test_a_function_that_was_skipped_is_told_in_the_first_line_of_the_reason():
    fallback = ev.Fallback(function("f", 10, TORCH), "skipped", "no ops traced\nFrame info: f", 0)
    found = only(Run(Process(all_fallbacks=[fallback])))
    assert (found.silent_eager.reason, found.limit_hits) == ("no ops traced", 0)


def test_a_function_is_eager_in_silence_if_the_rest_of_it_is(timeline):
    rest = function("resume_in_f_at_12", 12, TORCH, owner="f")
    fallback = ev.Fallback(rest, "recompile_limit", "because", 0)
    found = only(Run(Process([timeline.trace(function("f", 10, TORCH))], all_fallbacks=[fallback])))
    assert found.silent_eager.reason == "because"


def test_a_function_with_nothing_left_to_do_after_a_break_is_not_eager_in_silence(timeline):
    rest = function("resume_in_f_at_12", 12, TORCH, owner="f")
    fallback = ev.Fallback(rest, "skipped", "no operation was traced", 0)
    found = only(Run(Process([timeline.trace(function("f", 10, TORCH))], all_fallbacks=[fallback])))
    assert found.silent_eager is None


def test_each_construct_stands_with_the_conversion_that_it_is_in():
    conversions = [ev.Conversion("f", FILE, 10, 1_000_000), ev.Conversion("f", FILE, 10, 2_000_000)]
    conversions += [ev.Conversion("g", FILE, 20, 0, failure="no source")]
    constructs = [
        ev.Construct(FILE, 12, "for", "unrolled", "f"),
        ev.Construct(FILE, 12, "for", "unrolled", "f"),
        ev.Construct(FILE, 11, "if", "cond", "f"),
        ev.Construct("other.py", 3, "while", "while_loop", "h"),
    ]
    found = summarise(Run(Process(all_conversions=conversions, all_constructs=constructs))).conversions
    told = [(c.function, c.seconds, c.failure, [(x.line, x.became) for x in c.constructs]) for c in found]
    assert told == [
        ("f", 0.003, "", [(11, "cond"), (12, "unrolled")]),
        ("g", 0.0, "no source", []),
        ("h", 0.0, "", [(3, "while_loop")]),
    ]


def test_processes_are_explained_each_for_itself_and_added_up(timeline):
    one = Process([timeline.trace(signature=signature(n=value(1)))])
    two = Process([timeline.trace(signature=signature(n=value(2)))], info=replace(PROCESS, pid=8))
    found = only(Run(one, two))
    assert (found.traces, found.retraces, found.objects) == (2, 0, 2)


def test_what_was_counted_but_not_kept_is_in_the_numbers(timeline):
    tally = Tally(("tf.function", "step", FILE, 10), traces=3, retraces=2, duration_ns=10**9, graph_breaks=1)
    process = Process([timeline.trace()], all_tallies=[tally], all_dropped={"GraphMade": 3, "PhaseSpan": 0})
    summary = summarise(Run(process))
    (found,) = summary.functions
    assert (found.traces, found.retraces, found.seconds, found.graph_breaks) == (4, 2, 1.01, 1)
    assert summary.dropped == {"GraphMade": 3}


def test_a_fault_is_told_once():
    faults = [ev.Fault("x", "KeyError: 1", n) for n in range(2)]
    assert len(summarise(Run(Process(all_faults=faults))).faults) == 1


def test_functions_are_sorted_by_cost(timeline):
    traces = [timeline.trace(function(f"f{n}", n), took_ms=n) for n in (1, 3, 2)]
    assert [f.name for f in summarise(Run(Process(traces))).functions] == ["f3", "f2", "f1"]

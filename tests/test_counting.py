"""`tracedbg.count()`: what a recording would say, without one, in bounded memory."""

from __future__ import annotations

import os
import threading

import pytest

import tracedbg
from traced import SECOND_NS, traceable, traced
from tracedbg import counting, session
from tracedbg import events as ev
from tracedbg.errors import UsageError


@pytest.fixture
def counts():
    with tracedbg.count() as found:
        yield found


def test_a_retrace_is_told_with_its_cause(counts):
    for size in (2, 3, 3):
        traced(size)
    totals = counts.totals()
    assert (totals.traces, totals.retraces, totals.seconds) == (3, 2, 3.0)
    (function,) = totals.functions
    assert (function.framework, function.name, function.file, function.line) == (
        "torch.compile",
        "step",
        "train.py",
        5,
    )
    assert dict(function.causes) == {"shape": 1, "unknown": 1}
    assert totals.newest.function == "step"


def test_a_trace_before_the_counting_counts_for_nothing():
    traced(2)
    with tracedbg.count() as counts:
        traced(3)
    traced(4)
    assert (counts.totals().traces, counts.totals().retraces) == (1, 0)


def test_time_of_a_nested_trace_is_counted_once(counts):
    hub = session.hub()
    outer = hub.new_id()
    hub.emit(ev.TraceStarted(outer, traceable("outer", 1), 0, 1))
    traced(2, parent=outer, start_ns=SECOND_NS)
    hub.emit(ev.TraceEnded(outer, 3 * SECOND_NS, ev.Outcome.COMPILED))
    assert {one.name: one.seconds for one in counts.totals().functions} == {"outer": 2.0, "step": 1.0}


def test_what_a_trace_takes_later_is_counted_once_too(counts):
    traced(2, later=[(0, 1), (2, 3), (3, 1), (4, 2)])
    assert counts.totals().seconds == 1 + 4, "its phases are in it, those that overlap take 2 to 6"


@pytest.mark.parametrize(("role", "traces"), [("backward", 0), ("check", 0), ("variable_creation", 1)])
def test_what_no_call_asked_for_is_no_retrace(counts, role, traces):
    traced(2)
    traced(3, role=ev.Role(role))
    assert (counts.totals().traces, counts.totals().retraces) == (1 + traces, 0)


def test_a_trace_that_failed_is_counted_apart(counts):
    traced(2, outcome="failed")
    assert (counts.totals().traces, counts.totals().failed) == (0, 1)


def test_the_rest_after_a_graph_break_stands_under_its_function(counts):
    traced(2)
    hub = session.hub()
    number = hub.new_id()
    rest = traceable("torch_dynamo_resume_in_step", 9, owner="step")
    hub.emit(ev.TraceStarted(number, rest, 0, 1))
    hub.emit(ev.TraceEnded(number, SECOND_NS, ev.Outcome.COMPILED))
    ((name, line, traces),) = [(one.name, one.line, one.traces) for one in counts.totals().functions]
    assert (name, line, traces) == ("step", 5, 2)


def test_a_limit_of_traces_is_counted(counts):
    session.hub().emit(ev.Fallback(traceable(), "recompile_limit", "", 0))
    session.hub().emit(ev.Fallback(traceable(), "skipped", "", 0))
    assert counts.totals().limit_hits == 1


def test_functions_past_the_bound_are_counted_together():
    with tracedbg.count(max_functions=2) as counts:
        for number in range(5):
            traced(2, name=f"f{number}", line=number)
            traced(3, name=f"f{number}", line=number, cached_count=1)
    totals = counts.totals()
    assert [(one.name, one.traces, one.retraces) for one in totals.functions] == [
        ("f0", 2, 1),
        ("f1", 2, 1),
        (counting.OTHERS, 6, 3),
    ]
    assert dict(totals.functions[-1].causes) == {"unknown": 3}


def test_memory_is_bounded_in_a_function_that_is_traced_without_end(counts):
    for size in range(2, 500):
        traced(size)
    assert counts.totals().retraces == 497
    (function,) = counts._functions.values()
    assert len(function.traces) <= counting._KEPT
    assert function.explained <= 2 * counting._KEPT
    assert len(counts._open) <= counting._OPEN
    assert counts.totals().newest.causes[0].before == "float32[498]"


def test_what_nobody_asks_for_does_not_pile_up(counts):
    for _ in range(1000):
        traced(2)
    assert len(counts._waiting) < counting._MANY


def test_many_threads_lose_nothing(counts):
    threads = [threading.Thread(target=lambda n=n: [traced(n) for _ in range(50)]) for n in range(2, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts.totals().traces == 300


def test_a_forked_child_counts_for_itself(counts):
    traced(2)
    pid = os.fork()
    if not pid:
        traced(3)
        os._exit(counts.totals().traces)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
    assert counts.totals().traces == 1


def test_values_are_left_out_where_that_is_asked_for():
    with tracedbg.count(redact=True) as counts:
        for text in ("'secret'", "'hidden'"):
            traced(2, signature=ev.Signature((("name", ev.ValueSpec("str", text)),)))
    (cause,) = counts.totals().newest.causes
    assert cause.kind is ev.CauseKind.PYTHON_VALUE
    assert not {"secret", "hidden"} & set(cause.message.replace("'", " ").split())


def test_a_function_is_given_each_retrace():
    found = []
    with tracedbg.count(on_retrace=found.append) as counts:
        for size in (2, 3, 4):
            traced(size)
        counts.totals()
    assert [retrace.causes[0].after for retrace in found] == ["float32[3]", "float32[4]"]


def test_a_fault_of_ours_is_told_once_and_the_counting_goes_on(counts, capfd, monkeypatch):
    monkeypatch.setattr(counts, "_begin", lambda event: {}["nothing"])
    traced(2)
    traced(3)
    assert counts.totals().traces == 0
    monkeypatch.undo()
    traced(4)
    assert counts.totals().traces == 1
    err = capfd.readouterr().err
    assert (
        err == "tracedbg: counting.TraceStarted is off: KeyError: 'nothing'; the program and the rest go on\n"
    )


def test_a_bound_that_makes_no_sense_is_told():
    with pytest.raises(UsageError) as raised:
        tracedbg.count(max_functions=0)
    assert str(raised.value) == "max_functions is 0; it must be 1 or more"


def test_nothing_is_left_behind(counts):
    counts.stop()
    counts.stop()
    assert session._observers._observers == []


@pytest.mark.torch
def test_it_counts_what_a_recording_of_the_same_calls_says(tmp_path, counts):
    torch = pytest.importorskip("torch")

    @torch.compile(backend="aot_eager", dynamic=False)
    def double(x):
        return (x * 2).sum()

    with tracedbg.record(str(tmp_path / "run")) as run:
        for size in (2, 3, 3, 4):
            double(torch.ones(size, requires_grad=True)).backward()
    summary, totals = run.summary(), counts.totals()
    torch._dynamo.reset()
    later = sum(phase.seconds for one in summary.every_function() for phase in one.phases if phase.later)
    assert (totals.traces, totals.retraces) == (summary.traces, summary.retraces) == (3, 2)
    assert totals.seconds == pytest.approx(summary.seconds + later)
    assert totals.newest.causes[0].message == run.retraces[-1].causes[0].message

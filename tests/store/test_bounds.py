"""What a recording keeps has a bound, in memory and on the disk, however long the program runs."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from builders import FUNCTION, INFO, OP, STARTED

from tracedbg import events as ev
from tracedbg import ran
from tracedbg.hooks import Hub
from tracedbg.recorder import MAX_BATCH, MAX_WAITING, Recorder
from tracedbg.store import bounds, database, ran_writer
from tracedbg.store.reader import ProcessRecording, Run
from tracedbg.store.writer import Writer
from tui.recorded import Written

ROOT = Path(__file__).parents[2]


@pytest.fixture
def recording(tmp_path):
    """Makes a recording of batches of events, and reads it."""
    opened = []

    def make(*batches, max_bytes=10**9):
        path = str(tmp_path / f"p{len(opened) + 1}.db")
        one = Writer(path, INFO, max_bytes)
        for batch in batches:
            one.write(batch)
        one.close(1)
        opened.append(ProcessRecording.open(path))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def calls_of(number):
    return ev.Calls(replace(FUNCTION, object_id=number, owner=""), 1, 0)


def test_function_objects_beyond_the_bound_are_told_by_their_code(recording, monkeypatch):
    monkeypatch.setattr(bounds, "MAX_FUNCTIONS", 3)
    found = recording([calls_of(number) for number in range(1, 11)]).calls()
    assert [(one.function.object_id, one.compiled) for one in found] == [(1, 1), (2, 1), (3, 1), (0, 7)]


def test_code_beyond_the_bound_is_told_as_others(recording, monkeypatch):
    monkeypatch.setattr(bounds, "MAX_FUNCTIONS", 2)
    made_up = [
        ev.Calls(replace(FUNCTION, file=f"<made up {number}>", owner=""), 1, 0) for number in range(10)
    ]
    found = recording(made_up).calls()
    assert [(one.function.name, one.compiled) for one in found] == [
        *[("Model.forward", 1)] * 4, ("(others)", 6),
    ]  # fmt: skip


def test_functions_that_are_only_tallied_have_a_bound(recording, monkeypatch):
    monkeypatch.setattr(bounds, "MAX_FUNCTIONS", 2)
    traces = [
        replace(STARTED, id=number, traceable=replace(FUNCTION, line=number, owner="")) for number in range(5)
    ]
    found = recording(traces, max_bytes=1).tallies()
    assert sorted((one.function_key[1], one.traces) for one in found) == [
        ("(others)", 3), ("Model.forward", 1), ("Model.forward", 1),
    ]  # fmt: skip


def test_traces_that_never_end_have_a_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(bounds, "MAX_OPEN", 4)
    one = Writer(str(tmp_path / "p1.db"), INFO, 1)
    one.write([replace(STARTED, id=number) for number in range(10)])
    one.write([ev.TraceEnded(number, 200, ev.Outcome.COMPILED) for number in range(10)])
    one.close(1)
    process = ProcessRecording.open(one.path)
    (tally,) = process.tallies()
    process.close()
    assert (tally.traces, tally.duration_ns) == (10, 4 * 100)


def test_changes_of_graphs_beyond_the_bound_are_counted_as_of_unknown_graphs(recording, monkeypatch):
    monkeypatch.setattr(ran_writer, "MAX_CHANGES", 2)
    changes = [ran.StepChange(str(number), str(number + 1), 1, number) for number in range(5)]
    (steps,) = recording(
        [ran.StepsSeen(FUNCTION, "autograd", 5, 5, (one,), ()) for one in changes]
    ).ran.steps()
    assert [(one.before, one.after, one.count) for one in steps.changes] == [
        ("0", "1", 1),
        ("1", "2", 1),
        ("", "", 3),
    ]


def test_a_full_recording_adds_ops_and_samples_up_and_keeps_nothing_new_apart(recording):
    def told(number):
        op = ran.OpKind("torch", "aten::mm", f"float32[{number}]", OP.stack)
        total = ran.SampleTotal((), "waiting", "", number, False, 1, 10, 0)
        return [
            ran.OpsSeen("RecordFunction", (ran.OpTotal(op, number, 2, 20, 20, 10),)),
            ran.SamplesSeen(100, 0, number, 0, (total,)),
        ]

    found = recording(*map(told, range(1, 8)), max_bytes=1)
    (ops,), (samples,) = found.ran.ops(), found.ran.samples()
    assert [(one.kind.inputs, one.thread_id, one.count) for one in ops.totals] == [("", 0, 14)]
    assert [(one.thread_id, one.count) for one in samples.totals] == [(0, 7)]


def test_equal_kinds_of_op_are_one_row(recording):
    def told():
        op = ran.OpKind("torch", "aten::mm", "float32[2]", OP.stack)
        return [ran.OpsSeen("RecordFunction", (ran.OpTotal(op, 1, 2, 20, 20, 10),))]

    (ops,) = recording(told(), told()).ran.ops()
    assert [one.count for one in ops.totals] == [4]


def test_who_emits_faster_than_is_written_writes(tmp_path, monkeypatch):
    monkeypatch.setattr("tracedbg.recorder.LATE_S", 3600.0)
    recorder = Recorder(Writer(str(tmp_path / "p1.db"), INFO, 10**9), Hub(), print, interval_s=3600)
    most = 0
    for _ in range(MAX_WAITING + MAX_BATCH):
        recorder.emit(calls_of(1))
        most = max(most, len(recorder._queue))
    assert most == MAX_WAITING
    recorder.close()
    process = ProcessRecording.open(recorder.path)
    (calls,) = process.calls()
    process.close()
    assert calls.compiled == MAX_WAITING + MAX_BATCH


def test_few_databases_of_a_run_are_open_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "MAX_OPEN", 2)
    written = Written(tmp_path / "run")
    for rank in range(5):
        written.process(100 + rank, rank=rank)
    written.finish()
    with Run.open(str(tmp_path / "run")) as run:
        before = [process.changes() for process in run.processes]
        assert [process.info.rank for process in run.processes] == [0, 1, 2, 3, 4]
        assert sum(process.database.is_open for process in run.processes) == 2
        assert all(
            now != then for now, then in zip((p.changes() for p in run.processes), before, strict=True)
        )


@pytest.mark.serial
def test_a_day_of_events_keeps_to_the_bound_and_memory_is_flat(tmp_path):
    """A small one of `python -m benchmarks.day`: half a million events, in so small a recording that it is full."""
    program = ROOT / "benchmarks" / "programs" / "day.py"
    command = [sys.executable, str(program), "500000", str(tmp_path), "5", "--functions", "100"]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout)
    assert told["error"] == ""
    assert told["most_mb"] <= 5.3
    memory = told["memory_mb"]
    assert max(memory[len(memory) // 2 :]) - memory[len(memory) // 2] < 2

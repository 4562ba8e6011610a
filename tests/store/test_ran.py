"""What ran: totals add up, stacks are kept once, and a bound leaves out single executions first."""

from __future__ import annotations

import dataclasses
import sqlite3

import builders
import pytest

from tracedbg import ran
from tracedbg.store import ran_writer
from tracedbg.store.reader import ProcessRecording
from tracedbg.store.writer import Writer


def read(path):
    recording = ProcessRecording.open(str(path))
    try:
        return (
            recording.ran.ops(),
            list(recording.ran.op_rows()),
            recording.ran.steps(),
            recording.ran.samples(),
        )
    finally:
        recording.close()


def test_totals_of_one_kind_in_one_thread_add_up(tmp_path):
    path = builders.write(tmp_path / "p7.db", [builders.OPS, builders.OPS])
    ((ops,), rows, _, _) = read(path)
    assert [
        (one.kind.name, one.count, one.duration_ns, one.self_ns, one.longest_ns) for one in ops.totals
    ] == [
        ("aten::mm", 6, 1200, 1000, 300),
        ("aten::add", 2, 140, 140, 70),
    ]
    assert ops.left_out == 10
    assert [len(one) for one in rows] == [3, 3]


def test_steps_and_samples_add_up(tmp_path):
    events = [
        builders.STEPS,
        builders.STEPS,
        builders.SAMPLES,
        dataclasses.replace(builders.SAMPLES, end_ns=950),
    ]
    _, _, (steps,), (samples,) = read(builders.write(tmp_path / "p7.db", events))
    assert (steps.steps, steps.looked_at) == (20, 18)
    assert steps.changes == (ran.StepChange("ab12", "cd34", count=4, step=3),)
    assert steps.lines == (ran.StepLine(builders.FRAME, nodes=40, backward_ns=1800, saved_bytes=4096),)
    assert (samples.end_ns, samples.own_ns) == (950, 6)
    assert [(one.count, one.wall_ns, one.cpu_ns) for one in samples.totals] == [(40, 400, 380), (20, 200, 0)]


def test_near_the_bound_single_executions_are_left_out_and_counted(tmp_path):
    path = builders.write(tmp_path / "p7.db", [builders.OPS], max_bytes=1)
    ((ops,), rows, _, _) = read(path)
    assert rows == []
    assert ops.left_out == 5 + 3
    assert sum(one.count for one in ops.totals) == 4


def test_a_kind_past_the_bound_keeps_its_name_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(ran_writer, "MAX_KINDS", 1)
    ((ops,), _, _, _) = read(builders.write(tmp_path / "p7.db", [builders.OPS, builders.OPS]))
    first, other = (one.kind for one in ops.totals)
    assert (first.inputs, first.stack) == ("float32[2, 3]", (builders.FRAME,))
    assert (other.name, other.inputs, other.stack) == ("aten::add", "", ())


def test_after_a_transaction_that_failed_stacks_and_kinds_are_written_again(tmp_path):
    writer = Writer(str(tmp_path / "p7.db"), builders.INFO, 10**9)
    writer.write([builders.SAMPLES])
    bad = dataclasses.replace(builders.STARTED, thread_id=2**64)
    with pytest.raises((OverflowError, sqlite3.Error)):
        writer.write([builders.OPS, bad])
    writer.write([builders.OPS])
    writer.close(1000)
    ((ops,), (rows,), _, (samples,)) = read(tmp_path / "p7.db")
    assert [one.kind.stack for one in ops.totals] == [builders.OP.stack, builders.OTHER_OP.stack]
    assert [kind.name for kind in rows.kinds] == ["aten::mm", "aten::add"]
    assert samples.totals[0].stack == (builders.FRAME,)

"""Which executions are kept one by one; totals are of all, whatever the window."""

from __future__ import annotations

import sys

import pytest

torch = pytest.importorskip("torch")

from adapters.torch_ops.seen import ops  # noqa: E402
from tracedbg.adapters.torch_ops import recorder  # noqa: E402

pytestmark = pytest.mark.torch


def test_without_a_window_there_are_totals_alone():
    with ops() as seen:
        torch.ones(2).sin()
    assert seen.rows() == []
    assert seen.counts()["aten::sin"] == 1


def test_a_step_begins_with_a_backward_and_the_first_with_the_program():
    w = torch.ones(2, requires_grad=True)

    def step():
        w.sin().sum().backward()

    with ops("2:4") as seen:
        for _ in range(6):
            step()
    names = [name for name, _ in seen.rows()]
    assert names.count("SinBackward0") == 2
    assert names[0] == "aten::ones_like"
    assert seen.counts()["SinBackward0"] == 6
    with ops("1:2") as seen:
        for _ in range(3):
            step()
    assert seen.rows()[0][0] == "aten::sin"


def test_calls_of_compiled_functions_are_steps_where_there_is_no_backward():
    torch._dynamo.reset()
    with ops("3:5") as seen:
        compiled = torch.compile(lambda x: x.sin(), backend="eager")
        for _ in range(8):
            compiled(torch.ones(2))
    torch._dynamo.reset()
    assert [name for name, _ in seen.rows()].count("aten::sin") == 2


def test_calls_of_a_function_are_counted_by_its_frames():
    class Model:
        def train_step(self, x):
            for _ in range(3):
                x = x.sin()
            return x

    model = Model()
    with ops("train_step@2:4") as seen:
        for _ in range(6):
            model.train_step(torch.ones(2)).cos()
    names = [name for name, _ in seen.rows()]
    assert names.count("aten::sin") == 6
    assert names.count("aten::cos") == 2
    assert sys.gettrace() is None


def test_a_function_that_a_debugger_traces_is_counted_as_well():
    traced = []

    def tracer(frame, event, argument):
        traced.append(event)
        return tracer

    def train_step():
        return torch.ones(2).sin()

    before = sys.gettrace()
    with ops("train_step@1:3") as seen:
        sys.settrace(tracer)
        try:
            for _ in range(2):
                train_step()
        finally:
            sys.settrace(before)
        for _ in range(2):
            train_step()
    assert [name for name, _ in seen.rows()].count("aten::sin") >= 1
    assert "line" in traced


def test_seconds_count_from_the_import():
    with ops("0s:100s") as seen:
        torch.ones(2).sin()
    starts = [start for _, start in seen.rows()]
    assert starts == sorted(starts)
    with ops("100s:200s") as later:
        torch.ones(2).sin()
    assert later.rows() == []


def test_what_there_is_no_room_for_is_counted(monkeypatch):
    monkeypatch.setattr(recorder, "MAX_ROWS", 5)
    with ops("0s:100s") as seen:
        for _ in range(20):
            torch.sin(X)
    assert len(seen.rows()) == 5
    assert sum(event.left_out for event in seen.events) == 15
    assert seen.counts()["aten::sin"] == 20


X = torch.ones(2)

"""What is seen without the observer: a window, by torch.profiler, and said to be no more."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from adapters.torch_ops.nets import step_of  # noqa: E402
from adapters.torch_ops.seen import marked, ops  # noqa: E402
from tracedbg.adapters.torch_ops import building  # noqa: E402

pytestmark = pytest.mark.torch
MARKS = marked(__file__)


@pytest.fixture(autouse=True)
def _without_the_observer(monkeypatch):
    monkeypatch.setenv(building.OFF_VARIABLE, "profiler")


def test_a_window_of_steps_is_seen_with_lines_shapes_and_syncs():
    w = torch.ones(4, requires_grad=True)
    with ops("1:3") as seen:
        for _ in range(6):
            loss = w.sin().sum()  # @forward
            loss.backward()
            loss.item()  # @item
    (event,) = seen.events
    assert event.observer == "torch.profiler"
    assert event.note == "2 steps of the program, and no more: TRACEDBG_TORCH_OPS=profiler is set"
    assert seen.counts()["aten::cos"] == 2
    assert seen.lines(backward=True)["aten::cos", MARKS["forward"]] == 1  # the first forward was before it
    assert {kind.inputs for kind in seen.kinds("aten::sin")} == {"float32[4]"}
    assert {(sync, line) for sync, line, _ in seen.syncs()} == {("item", MARKS["item"])}
    assert [name for name, _ in seen.rows()].count("aten::cos") == 2
    own = sum(total.self_ns for total in seen.totals)
    assert own == sum(total.duration_ns for total in seen.totals if total.kind.is_outer)


def test_a_program_without_steps_is_told_why_nothing_was_seen():
    with ops() as seen:
        torch.ones(2).sin()
    (event,) = seen.events
    assert event.totals == ()
    assert event.note == (
        "0 ms of the program, and no more: TRACEDBG_TORCH_OPS=profiler is set;"
        " the program ended before any step, and within 2 seconds"
    )


def test_it_makes_room_for_the_programs_own_profiler():
    step = step_of("mlp")
    with ops() as seen:
        for _ in range(4):
            step()
        with torch.profiler.profile(acc_events=True) as profile:
            step()
    assert any(event.key == "aten::addmm" for event in profile.key_averages())
    assert seen.events[0].note.endswith("; the program's own torch.profiler took over")

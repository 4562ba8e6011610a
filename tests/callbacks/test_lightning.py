"""The Lightning callback: a real fit, compared with the same without it."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.torch
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "lightning_callback.py"
CALL = next(n for n, text in enumerate(EXAMPLE.read_text().splitlines(), 1) if text.endswith("# @call"))
CHANGED = "`x` changed shape from float32[4, 16, 8] to float32[4, 12, 8]"
ADVICE = "leave out dynamic=False: it asks for a graph per shape"


def test_losses_and_compiles_are_those_of_the_same_fit_without_it(ran):
    assert ran["observed"] == ran["plain"]
    assert ran["counts"] == ran["plain_counts"]
    assert ran["counts"]["breaks"] == 0


def test_the_loggers_get_the_totals_in_the_steps_of_the_loss(ran):
    steps = {
        name: [row["step"] for row in ran["rows"] if row[name]] for name in ("loss", "tracedbg/retraces")
    }
    assert set(steps["loss"]) == set(steps["tracedbg/retraces"]) == {"4", "9", "14", "19"}
    assert [row["tracedbg/retraces"] for row in ran["rows"] if row["tracedbg/retraces"]][:2] == ["0.0", "2.0"]


def test_the_metrics_of_the_trainer_have_what_a_recording_says(ran):
    assert ran["metrics"]["tracedbg/traces"] == ran["run"]["traces"] == 3
    assert ran["metrics"]["tracedbg/retraces"] == ran["run"]["retraces"] == 2
    assert ran["metrics"]["tracedbg/compile_seconds"] > 0


def test_another_callback_can_stop_the_training_by_them(ran):
    assert ran["epochs"] == 1, "of two"


def test_each_epoch_has_a_line_and_the_newest_retrace_one(ran):
    first, newest, second = ran["lines"]
    assert first.startswith("tracedbg: epoch 1: 10 steps, ")
    assert ", 3 traces, 2 retraces, " in first
    changed = "`x` changed shape from float32[4, 12, 8] to float32[4, 9, 8]"
    assert newest.endswith(f"/{EXAMPLE.name}:{CALL} Net.loss: {changed}")
    assert second.startswith("tracedbg: epoch 2: 10 steps, ")
    assert second.endswith(", no traces, no retraces, 0.000 s compiling")


def test_a_retrace_warns_once_for_each_cause_at_the_users_line(ran):
    place = f"lightning_callback.py:{CALL}"
    assert ran["warned"] == [f"{place}: Net.loss was traced again in step 7: {CHANGED}; {ADVICE}"]


def test_a_function_is_given_retraces_after_the_warm_up(ran):
    assert ran["answered"] == ["float32[4, 9, 8]"], "that of step 10; the warm-up is 9"


def test_an_error_ends_the_fit_and_leaves_nothing_behind(ran):
    head = "RetraceError: 1 retrace after the warm-up of 1 step, in step 7:"
    assert ran["error"] == f"{head}\n  {EXAMPLE}:{CALL}: {CHANGED}; {ADVICE}"
    assert ran["left"] == ran["left_after_error"] == ran["sinks"] == 0

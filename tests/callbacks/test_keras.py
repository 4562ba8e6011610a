"""The Keras callback: a real fit, compared with the same without it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.tensorflow
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "keras_callback.py"
CALL = next(n for n, text in enumerate(EXAMPLE.read_text().splitlines(), 1) if text.endswith("# @call"))
CHANGED = "`temperature` changed from 1.0 to 0.5 (a Python float is part of the trace's key)"


def test_losses_and_traces_are_those_of_the_same_fit_without_it(ran):
    assert ran["observed"] == ran["plain"]
    assert ran["traces"] == ran["plain_traces"] == 3


def test_the_logs_have_totals_that_agree_with_a_recording(ran):
    assert ran["logs"]["tracedbg/retraces"] == [0, 1, 2]
    assert ran["run"]["retraces"] == 2
    assert ran["logs"]["tracedbg/traces"][-1] <= ran["run"]["traces"], "pipelines are traced before the fit"
    seconds = ran["logs"]["tracedbg/compile_seconds"]
    assert 0 < seconds[0] < seconds[1] < seconds[2] <= ran["seconds"]


def test_each_epoch_has_a_line_and_the_newest_retrace_one(ran):
    heads = [line for line in ran["lines"] if line.startswith("tracedbg:")]
    known = [re.sub(r"[\d.e+-]+ (steps/s|s)\b", r"N \1", line) for line in heads]
    assert known[1:] == [
        f"tracedbg: epoch {epoch}: 10 steps, N steps/s, 1 trace, 1 retrace, N s compiling" for epoch in (2, 3)
    ]
    assert re.fullmatch(
        r"tracedbg: epoch 1: 10 steps, N steps/s, \d traces, no retraces, N s compiling", known[0]
    )
    assert ran["lines"][2].endswith(f"/{EXAMPLE.name}:{CALL} sample: {CHANGED}")


def test_a_retrace_warns_once_at_the_users_line(ran):
    (warning,) = ran["warned"]
    assert warning.startswith(f"keras_callback.py:{CALL}: sample was traced again in step 20: {CHANGED}; ")


def test_another_callback_that_logs_has_the_numbers(ran):
    assert {"tracedbg/traces", "tracedbg/retraces", "tracedbg/compile_seconds"} <= set(ran["columns"])


def test_a_function_is_given_retraces_after_the_warm_up(ran):
    assert ran["answered"] == ["sample", "sample"], "those of steps 20 and 30; the warm-up is 15"


def test_an_error_ends_the_fit_and_leaves_nothing_behind(ran):
    head = "RetraceError: 1 retrace after the warm-up of 1 step, in step 20:"
    assert ran["error"].startswith(f"{head}\n  {EXAMPLE}:{CALL}: {CHANGED}; ")
    assert ran["left"] == ran["sinks"] == 0


def test_evaluate_and_predict_are_shown_by_themselves(ran):
    assert [line.split(",")[0] for line in ran["alone"]] == ["tracedbg: evaluate: 3 steps"]
    assert [line.split(",")[0] for line in ran["predicted"]] == ["tracedbg: predict: 3 steps"]


def test_keras_dispatches_others_as_without_it(ran):
    without, with_it = ran["asynchronous"]
    assert with_it == without

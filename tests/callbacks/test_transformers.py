"""The transformers callback: a real training, compared with the same without it."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.torch
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "transformers_callback.py"
CALL = next(n for n, text in enumerate(EXAMPLE.read_text().splitlines(), 1) if text.endswith("# @call"))
NAME = "BertEmbeddings.forward"
CHANGED = "`input_ids` changed shape from int64[2, 12] to int64[2, 20]"
ADVICE = "leave out dynamic=False: it asks for a graph per shape"


def test_losses_and_compiles_are_those_of_the_same_training_without_it(ran):
    assert ran["observed"] == ran["plain"]
    assert ran["counts"] == ran["plain_counts"]


def test_the_history_of_logs_has_the_totals(ran):
    assert [log["tracedbg/retraces"] for log in ran["history"]] == [0, 1, 1, 1, 1]
    assert [log["tracedbg/traces"] for log in ran["history"]] == [1, 2, 2, 2, 2]


def test_what_reports_elsewhere_gets_them_although_it_was_there_before(ran):
    """`TraceCallback` finds the handler by a frame: see `_HANDLER_DEPTH`."""
    assert ran["order"] == ["DefaultFlowCallback", "TraceCallback", "Reporting", "PrinterCallback"]
    assert [log["tracedbg/retraces"] for log in ran["reported"]] == [0, 1, 1, 1, 1]


def test_each_epoch_has_a_line_and_the_newest_retrace_one(ran):
    first, newest, second = ran["lines"]
    assert first.startswith("tracedbg: epoch 1: 8 steps, ")
    assert ", 2 traces, 1 retrace, " in first
    assert newest.endswith(f"/{EXAMPLE.name}:{CALL} {NAME}: {CHANGED}")
    assert second.startswith("tracedbg: epoch 2: 8 steps, ")


def test_a_retrace_warns_at_the_users_line(ran):
    place = f"transformers_callback.py:{CALL}"
    assert ran["warned"] == [f"{place}: {NAME} was traced again in step 7: {CHANGED}; {ADVICE}"]


def test_an_error_ends_the_training_and_leaves_nothing_behind(ran):
    head = "RetraceError: 1 retrace after the warm-up of 1 step, in step 7:"
    assert ran["error"] == f"{head}\n  {EXAMPLE}:{CALL}: {CHANGED}; {ADVICE}"
    assert ran["sinks"] == 0

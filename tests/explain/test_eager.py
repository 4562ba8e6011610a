"""Functions that run eager: which calls, why, and when not to say so."""

from __future__ import annotations

from pathlib import Path

import pytest

from recordings import Process, Run, Timeline, function
from tracedbg import events as ev
from tracedbg.explain import CallCounts, summarise
from tracedbg.explain.eager import ADVICE

TORCH = ev.Framework.TORCH_COMPILE
F = function("f", 10, TORCH)


def only(*processes):
    (found,) = summarise(Run(*processes)).functions
    return found


def fallback(kind="skipped", reason="no ops traced"):
    return ev.Fallback(F, kind, reason, 0)


def test_calls_of_all_processes_and_function_objects_are_added_up():
    again = function("f", 10, TORCH, object_id=2)
    one = Process(all_calls=[ev.Calls(F, 8, 4, 9), ev.Calls(again, 1, 0)])
    found = only(one, Process(all_calls=[ev.Calls(F, 2, 0)]))
    assert found.calls == CallCounts(11, 4)


@pytest.mark.parametrize("calls", [[], [ev.Calls(F, None, None)], [ev.Calls(F, 1, 1), ev.Calls(F, 3, None)]])
def test_a_number_that_one_of_them_does_not_know_is_not_known(calls):
    found = only(Process([Timeline().trace(F)], all_calls=calls))
    assert found.calls.eager is None


def test_the_first_eager_call_of_any_process_is_the_one_that_is_told():
    one = Process(all_fallbacks=[fallback()], all_calls=[ev.Calls(F, 8, 4, 9)])
    two = Process(all_fallbacks=[fallback()], all_calls=[ev.Calls(F, 0, 4, 1)])
    assert only(one, two).silent_eager.since_call == 1


def test_a_fallback_without_a_count_is_told_all_the_same():
    silent = only(Process(all_fallbacks=[fallback()])).silent_eager
    assert (silent.kind, silent.since_call) == ("skipped", None)


def test_a_function_that_raised_where_it_would_have_fallen_back_is_not_eager():
    found = only(Process(all_fallbacks=[fallback("recompile_limit")], all_calls=[ev.Calls(F, 8, 0)]))
    assert found.silent_eager is None
    assert found.limit_hits == 1


def test_eager_calls_that_were_asked_for_are_told_even_of_a_function_that_is_to_raise():
    trace = Timeline().trace(F, options=(("fullgraph", "True"),))
    for kind, is_told in (("forced", True), ("recompile_limit", False)):
        found = only(Process([trace], all_fallbacks=[fallback(kind)], all_calls=[ev.Calls(F, 1, 1, 2)]))
        assert (found.silent_eager is not None) is is_told


def test_every_kind_of_fallback_has_advice_and_stands_in_the_documentation():
    assert list(ADVICE) == list(ev.FALLBACKS)
    page = (Path(__file__).parents[2] / "docs/reference/report-json.md").read_text(encoding="utf-8")
    for kind, says in ev.FALLBACKS.items():
        assert f"| `{kind}` | {says} |" in page

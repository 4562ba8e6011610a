"""Why a function was compiled again: real texts of torch, the value before and the value now."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path

import pytest

from tracedbg.events import TraceStarted
from tracedbg.source import line_text

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

FIXTURE = Path(__file__).with_name("guard_texts.json")
KNOWN = json.loads(FIXTURE.read_text())


def scenarios():
    from adapters.torch.guard_scenarios import SCENARIOS

    return SCENARIOS


def as_json(failure, function):
    frame = failure.user_frame
    return {
        "function": function,
        "entry": failure.entry,
        "guard": re.sub(r", \d{9,}\)", ", 140000000000000)", failure.guard),
        "source": failure.source,
        "before": failure.before,
        "now": re.sub(r"\.py:\d+\)", ".py:1)", failure.now),
        "user_line": line_text(frame.file, frame.line) if frame else "",
        "fixed": failure.fixed,
    }


def observed(sink):
    return [
        as_json(failure, event.traceable.name)
        for event in sink.of(TraceStarted)
        for failure in event.guard_failures
    ]


def test_the_fixture_has_every_scenario():
    assert sorted(KNOWN) == sorted(scenarios())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(KNOWN))
def test_guard_failures_are_those_of_the_fixture(name, sink):
    scenarios()[name](partial(torch.compile, backend="eager"))
    assert observed(sink) == KNOWN[name]


def test_reading_a_value_runs_nothing_of_the_users(sink):
    called = []

    class Loud:
        def __init__(self, n):
            self.n = n

        def __repr__(self):
            called.append("repr")
            return "loud"

        @property
        def doubled(self):
            called.append("property")
            return self.n * 2

        def __getattr__(self, name):
            called.append(name)
            raise AttributeError(name)

    f = torch.compile(lambda x, loud: x * loud.n, backend="eager")
    f(torch.ones(3), Loud(2))
    called.clear()
    f(torch.ones(3), Loud(3))
    (failure,) = sink.of(TraceStarted)[-1].guard_failures
    assert (failure.source, failure.before, failure.now) == ("L['loud'].n", "2", "3")
    assert called == []


def test_every_cached_entry_has_its_failure(sink):
    f = torch.compile(lambda x: x + 1, backend="eager", dynamic=False)
    for size in (3, 4, 5):
        f(torch.ones(size))
    last = sink.of(TraceStarted)[-1]
    assert last.cached_count == 2
    assert [failure.entry for failure in last.guard_failures] == ["0/1", "0/0"]

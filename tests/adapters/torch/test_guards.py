"""Why a function was compiled again: real texts of torch, the value before and the value now."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path

import pytest

from tracedbg.events import TraceEnded, TraceStarted
from tracedbg.source import line_text

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

FIXTURE = Path(__file__).with_name("guard_texts.json")
NEWER = Path(__file__).with_name("guard_texts_newer.json")
"""What torch says otherwise since a version."""
RELEASE = ".".join(torch.__version__.split(".")[:2])


def known() -> dict[str, list]:
    """The texts of the installed torch."""
    found = json.loads(FIXTURE.read_text())
    for since, texts in json.loads(NEWER.read_text()).items():
        if number(since) <= number(RELEASE):
            found |= texts
    return found


def number(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split("."))


KNOWN = known()


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


def test_what_was_left_open_is_named_and_what_the_code_pinned_is_not(sink):
    @torch.compile(backend="eager")
    def f(x, n, scale, pinned):
        return x * n * scale + torch.ones(4 if pinned == 5 else pinned)[0]

    f(torch.ones(3), 2, 0.5, 5)
    f(torch.ones(4), 3, 1.5, 5)
    first, second = (ended.symbolic for ended in sink.of(TraceEnded))
    assert first == ()
    assert set(second) == {"L['x'].size()[0]", "L['n']", "L['scale']"}


class Trainer:
    def __init__(self):
        self.net = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Dropout(0.5))
        self.step = torch.compile(self.net, backend="eager")

    def run(self, x):
        return self.step(x)


def test_the_module_and_its_arguments_are_named_as_the_user_does(sink):
    trainer = Trainer()
    trainer.run(torch.ones(2, 3))
    trainer.run(torch.ones(5, 3))
    trainer.net.eval()
    trainer.run(torch.ones(5, 3))
    _, of_size, of_mode = sink.of(TraceStarted)
    assert {trace.traceable.name for trace in sink.of(TraceStarted)} == {"Sequential.forward"}
    assert {failure.source for failure in of_size.guard_failures} == {"L['input']"}
    assert "L['self'].net._modules['1'].training" in {failure.source for failure in of_mode.guard_failures}
    (ended,) = sink.of(TraceEnded, id=of_size.id)
    assert ended.symbolic == ("L['input'].size()[0]",)

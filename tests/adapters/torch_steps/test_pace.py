"""Looking takes no more than its share of the time, and memory is bounded."""

from __future__ import annotations

import sys
from collections import Counter

import pytest

from adapters.sink import ListSink
from tracedbg.adapters import steps as counted
from tracedbg.adapters.steps import Place, Places
from tracedbg.adapters.torch_steps.recorder import SHARE, Pace, Steps
from tracedbg.events import Frame, Framework, OpSite, Traceable
from tracedbg.hooks import Hooks
from tracedbg.ran import StepChange, StepGraph, StepLine, StepsSeen

STEP = Traceable(Framework.AUTOGRAD, "step", "train.py", 3)
LINE = Frame("model.py", 7, "forward")


class Clock:
    now = 0

    def __call__(self):
        return self.now


def test_looking_waits_until_it_is_a_small_part_of_the_time():
    clock = Clock()
    pace = Pace(clock)
    began = pace.begin()
    clock.now += 1000
    pace.spent(began)
    assert not pace.has_time()
    clock.now = round(1000 / SHARE)
    assert pace.has_time()


class Interrupted:
    """A look in the midst of which a handler of the program's runs a backward."""

    is_fast = False
    looks = 0

    def fingerprint(self, outputs):
        self.looks += 1
        self.steps.step(outputs, sys._getframe())


@pytest.mark.torch
def test_a_step_in_the_midst_of_a_look_is_counted_and_not_looked_at():
    pytest.importorskip("torch")
    sink, looker = ListSink(), Interrupted()
    hooks = Hooks(sink, "torch_steps")
    looker.steps = Steps(hooks, looker)
    for _ in range(2):
        looker.steps.step((), sys._getframe())
    hooks.tell()
    assert looker.looks == 2
    assert sum(seen.steps for seen in sink.of(StepsSeen)) == 4


def place():
    return Place(STEP, "autograd")


def test_only_steps_in_a_row_are_compared():
    one = place()
    for fingerprint in ("a", None, "b", "b", None, "c", "a"):
        one.step(fingerprint)
    seen = one.news()
    assert (seen.steps, seen.looked_at) == (7, 3)
    assert seen.changes == (StepChange("c", "a", 1, 7),)


def test_only_what_is_new_is_told():
    one = place()
    one.kept["a"] = counted.Kept(Counter({LINE: 2}))
    one.save({LINE: 100})
    for fingerprint in ("a", "b", "a"):
        one.step(fingerprint)
    assert one.news() == StepsSeen(
        STEP,
        "autograd",
        3,
        3,
        (StepChange("a", "b", 1, 2), StepChange("b", "a", 1, 3)),
        (StepLine(LINE, 4, 0, 100),),
    )
    assert one.news() is None
    one.step("b")
    assert one.news() == StepsSeen(STEP, "autograd", 1, 1, (StepChange("a", "b", 1, 2),), ())
    one.save({LINE: 70})
    one.step("b")
    assert one.news() == StepsSeen(STEP, "autograd", 1, 1)


def test_changes_past_the_bound_are_one(monkeypatch):
    monkeypatch.setattr(counted, "MAX_CHANGES", 2)
    one = place()
    for number in range(6):
        one.step(str(number))
    assert one.news().changes == (
        StepChange("0", "1", 1, 2),
        StepChange("1", "2", 1, 3),
        StepChange("", "", 3, 4),
    )


def test_places_and_nodes_past_the_bounds_are_counted(monkeypatch):
    monkeypatch.setattr(counted, "MAX_PLACES", 2)
    monkeypatch.setattr(counted, "MAX_SITES", 3)
    sink = ListSink()
    places = Places(sink, "autograd")
    code = place.__code__
    found = [places.at((id(code), line), None) for line in range(5)]
    assert found[2] is found[3] is found[4]
    sites = (OpSite("a", "Mul"), OpSite("b", "Add"))
    for number in range(2):
        assert places.has_room(found[number])
        places.keep(found[number], "f", sites, Counter({LINE: 2}))
    assert not places.has_room(found[0])
    assert [(len(graph.sites), graph.left_out) for graph in sink.of(StepGraph)] == [(2, 0), (1, 1)]


def test_a_forked_child_begins_anew(monkeypatch):
    sink = ListSink()
    places = Places(sink, "autograd")
    for pid in (7, 8):
        monkeypatch.setattr(counted.os, "getpid", lambda pid=pid: pid)
        one = places.at((), None)
        assert "f" not in one.kept
        places.keep(one, "f", (), Counter())
        one.step("f")
        places.tell()
    assert [(seen.steps, seen.looked_at) for seen in sink.of(StepsSeen)] == [(1, 1), (1, 1)]
    assert [graph.step for graph in sink.of(StepGraph)] == [1, 1]


def test_graphs_of_one_place_are_bounded(monkeypatch):
    monkeypatch.setattr(counted, "MAX_GRAPHS", 1)
    places = Places(ListSink(), "autograd")
    one = places.at((), None)
    places.keep(one, "f", (), Counter())
    assert not places.has_room(one)

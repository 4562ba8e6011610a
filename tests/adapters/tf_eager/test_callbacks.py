"""Lines of Python functions that TensorFlow calls in threads of its own."""

from __future__ import annotations

import inspect
import sys
import threading

import pytest

from adapters.sink import ListSink
from tracedbg.adapters.python_lines import PythonLinesWalker
from tracedbg.adapters.tf_eager import TfEagerWalker
from tracedbg.adapters.tf_eager._compat import CALLED_BACK
from tracedbg.engine import Action, Breakpoint, Engine, Go
from tracedbg.events import Fault
from tracedbg.hooks import Hooks

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow


class Seen:
    """Notes the thread and the element of each stop."""

    def __init__(self):
        self.stops = []

    def interact(self, stop):
        self.stops.append((stop.thread_id, int(stop.view.frames()[0].variables()["x"])))
        return Action(Go.CONTINUE)

    def say(self, text, stop=None):
        raise AssertionError(text)


def double(x):
    return x * 2  # here


def values():
    data = tf.data.Dataset.range(3).map(lambda x: tf.py_function(double, [x], tf.int64))
    return [int(value) for value in data]


@pytest.fixture
def debugged():
    seen, sink = Seen(), ListSink()
    engine, hooks = Engine(seen), Hooks(sink, "walk")
    TfEagerWalker().attach(tf, hooks, engine)
    PythonLinesWalker().attach(sys, hooks, engine)
    try:
        yield engine, seen
    finally:
        hooks.remove()
    assert sink.of(Fault) == []


def test_they_stop_for_each_element(debugged):
    engine, seen = debugged
    lines, first = inspect.getsourcelines(double)
    at = next(first + index for index, text in enumerate(lines) if text.endswith("# here\n"))
    added = engine.breakpoints.add(Breakpoint(file=__file__, line=at))
    assert values() == [0, 2, 4]
    assert [element for _, element in seen.stops] == [0, 1, 2]
    assert threading.get_ident() not in {thread for thread, _ in seen.stops}
    engine.breakpoints.remove([added.id])
    seen.stops.clear()
    assert values() == [0, 2, 4]
    assert seen.stops == []


def test_a_tracer_of_somebody_else_is_not_taken_there(debugged):
    found = []
    data = tf.data.Dataset.range(1).map(
        lambda x: tf.py_function(lambda x: (found.append(sys.gettrace()), x)[1], [x], tf.int64)
    )
    before = threading.gettrace()
    threading.settrace(lambda *_: None)
    try:
        assert [int(value) for value in data] == [0]
    finally:
        threading.settrace(before)
    assert found == [None]


def test_nothing_of_it_is_left():
    owner, attribute = CALLED_BACK.owner()
    original = getattr(owner, attribute)
    hooks = Hooks(ListSink(), "walk")
    TfEagerWalker().attach(tf, hooks, Engine(Seen()))
    assert getattr(owner, attribute) is not original
    hooks.remove()
    assert getattr(owner, attribute) is original

"""Recording beside the debugger, callbacks on ops, and another recording: each sees what it would see alone."""

from __future__ import annotations

import pytest

from adapters.sink import ListSink
from adapters.tf_ops.conftest import recording
from tracedbg.adapters.tf_eager import TfEagerWalker
from tracedbg.engine import Action, Breakpoint, Engine, Go
from tracedbg.hooks import Hooks

tf = pytest.importorskip("tensorflow")
execute = pytest.importorskip("tensorflow.python.eager.execute")
pywrap_tfe = pytest.importorskip("tensorflow.python.pywrap_tfe")
op_callbacks = pytest.importorskip("tensorflow.python.framework.op_callbacks")
pytestmark = pytest.mark.tensorflow
X = tf.constant([1.0, 2.0])


class Stops:
    """Looks at values where it stops."""

    def __init__(self):
        self.seen = []

    def interact(self, stop):
        self.seen.append(stop.view.op.site.op)
        self.engine.evaluate("tf.cos(X)", stop.view)
        return Action(Go.CONTINUE)

    def say(self, text, stop=None):
        raise AssertionError(text)


def test_the_debugger_stops_and_the_ops_are_counted():
    before = pywrap_tfe.TFE_Py_FastPathExecute, execute.execute
    stops = Stops()
    engine, hooks = Engine(stops), Hooks(ListSink(), "walk")
    stops.engine = engine
    with recording() as recorded:
        TfEagerWalker().attach(tf, hooks, engine)
        engine.breakpoints.add(Breakpoint(op_pattern="Sin"))
        tf.sin(X)
        hooks.remove()
        tf.sin(X)
        assert recorded.names(name="Sin") == {"Sin": 2}
    assert stops.seen == ["Sin"]
    tf.sin(X)
    assert recorded.names(name="Sin") == {"Sin": 2}
    assert (pywrap_tfe.TFE_Py_FastPathExecute, execute.execute) == before


def test_callbacks_that_come_and_go_take_nothing_away():
    before = execute.execute, execute.quick_execute

    def note(op_type, inputs, attrs, outputs, op_name=None, graph=None):
        """Nothing."""

    @tf.function
    def traced(x):
        return x + 1.0

    traced(X)
    with recording() as recorded:
        op_callbacks.add_op_callback(note)
        traced(X)
        op_callbacks.remove_op_callback(note)
        traced(X)
        assert recorded.names(is_traced=True) == {"traced": 2}
    assert (execute.execute, execute.quick_execute) == before


def test_two_recordings_see_the_same():
    with recording() as one, recording() as other:
        with tf.GradientTape() as tape:
            tape.watch(X)
            loss = tf.reduce_sum(tf.square(X))
        tape.gradient(loss, X)
        assert one.names() == other.names()
        assert [site.op for site in one.graphs()[0].sites] == ["Square", "Sum"]
        assert [graph.fingerprint for graph in one.graphs()] == [
            graph.fingerprint for graph in other.graphs()
        ]


def test_a_second_recording_begins_anew():
    for _ in range(2):
        with recording() as recorded:
            tf.sin(X)
            assert recorded.names() == {"Sin": 1}

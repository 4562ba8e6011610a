"""A private name that TensorFlow has moved costs one part and one fault, and nothing else."""

from __future__ import annotations

import pytest

from adapters.sink import attached
from tracedbg.adapters.tf_common import _compat
from tracedbg.events import Calls, Construct, Conversion, Fault, GraphMade, PhaseSpan, Role, TraceStarted

tf = pytest.importorskip("tensorflow")
api = pytest.importorskip("tensorflow.python.autograph.impl.api")
pytestmark = pytest.mark.tensorflow

NAMES = (*_compat.TF_FUNCTION_NAMES, *_compat.AUTOGRAPH_NAMES)
PARTS = {
    _compat.TRACE_SPAN: {
        "traces",
        "graphs",
        "signatures",
        "lines",
        "call_stacks",
        "made",
        "backward",
        "first_run",
        "constructs",
    },
    _compat.TRACE_TYPES: {"signatures"},
    _compat.FUNCTION_MADE: {"made"},
    _compat.EAGER_SWITCH: {"calls"},
    _compat.EAGER_FLAG: {"calls"},
    _compat.RUNS_EAGERLY: {"calls"},
    _compat.TRACED_CALL: {"calls"},
    _compat.CALL_DETECTORS: {"calls"},
    _compat.BACKWARD_NAME: {"backward", "first_run"},
    _compat.BACKWARD_MADE: {"backward", "first_run"},
    _compat.OP_MADE: {"lines"},
    _compat.RUNNABLE: {"first_run"},
    _compat.TENSOR_SHAPE: {"graphs", "lines"},
    _compat.SOURCE_MAPS: {"constructs", "converted_lines"},
    _compat.TRANSPILER: {"conversions"},
    _compat.CONVERTED_CALL: set(),
    _compat.LEFT_AS_IS: {"failures"},
    _compat.FALL_BACK: {"failures"},
    _compat.CALL_UNCONVERTED: {"failures"},
}  # the rest: {"constructs"}


def run_program():
    """A program that has something for every part, as if it ran for the first time."""
    api._TRANSPILER._cache._cache.clear()
    names = {}
    exec("def helper(x):\n    return x + 1.0\n", names)

    @tf.function
    def f(x):
        if tf.reduce_sum(x) > 0:
            x = x + 1.0
        return names["helper"](x)

    x = tf.ones(2)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    return float(tape.gradient(y, x)[0])


def parts_that_report(sink):
    forward = sink.of(TraceStarted, role=Role.FORWARD)
    sites = [site for made in sink.of(GraphMade) for site in made.sites]
    found = {
        "traces": forward,
        "graphs": sites,
        "signatures": [trace for trace in forward if trace.signature],
        "lines": [site for site in sites if site.line],
        "call_stacks": [trace for trace in forward if trace.call_stack],
        "made": [trace for trace in forward if trace.traceable.created_at],
        "backward": sink.of(TraceStarted, role=Role.BACKWARD),
        "first_run": sink.of(PhaseSpan, name="first_run"),
        "calls": sink.of(Calls),
        "constructs": sink.of(Construct),
        "conversions": [event for event in sink.of(Conversion) if not event.failure],
        "failures": [event for event in sink.of(Conversion) if event.failure],
    }
    return {part for part, events in found.items() if events}


def adapters():
    from tracedbg.adapters.autograph import AutographAdapter
    from tracedbg.adapters.tf_function import TfFunctionAdapter

    return TfFunctionAdapter(), AutographAdapter()


ALL_PARTS = {
    "traces", "graphs", "signatures", "lines", "call_stacks", "made", "backward", "first_run",
    "calls", "constructs", "conversions", "failures",
}  # fmt: skip


def test_every_part_reports_on_this_tensorflow():
    with attached(tf, *adapters()) as sink:
        assert run_program() == 1.0
    assert parts_that_report(sink) == ALL_PARTS


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name.path)
def test_a_missing_name_takes_out_its_own_part_only(name, monkeypatch):
    def gone(self):
        raise AttributeError(f"no attribute {self.path}")

    owner = _compat.PrivateName.owner
    monkeypatch.setattr(_compat.PrivateName, "owner", lambda self: (gone if self is name else owner)(self))
    faults = 2 if name is _compat.SOURCE_MAPS else 1  # one for each adapter that wanted it
    with attached(tf, *adapters(), faults=faults) as sink:
        assert run_program() == 1.0
    assert parts_that_report(sink) == ALL_PARTS - PARTS.get(name, {"constructs"})
    assert all(name.path in fault.message for fault in sink.of(Fault))

"""A private name that TensorFlow has moved costs what needs it and a fault, and the program goes on."""

from __future__ import annotations

import pytest

from adapters.sink import ListSink
from adapters.tf_walk.support import Script, line_and_locals
from tracedbg.adapters.tf_common._compat import PrivateName
from tracedbg.adapters.tf_function.walk import TfFunctionWalker, _compat
from tracedbg.engine import Breakpoint, Engine
from tracedbg.events import Fault
from tracedbg.hooks import Hooks

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow

WITHOUT_LOCALS = {
    _compat.GRAPH_ENTERED,
    _compat.GRAPH_TRACED,
    _compat.GRAPH_IMPORTED,
    _compat.GRADIENT_BUILT,
    _compat.GRAPH_GRADIENT,
    _compat.TAPE_GRADIENT,
    _compat.TAPE,
    _compat.OP_MADE,
    _compat.SOURCE_MAPS,
}
"""Without them calls stop, at the lines that TensorFlow knows itself."""
UNNEEDED = {_compat.DATASET_DEBUG}
BESIDE_WALKS = {_compat.INSIDE_FUNCTION}
"""Without them something else is missing, and told."""


@pytest.mark.parametrize("name", _compat.NAMES, ids=lambda name: name.path)
def test_a_missing_name_costs_what_needs_it(name, monkeypatch, line):
    owner = PrivateName.owner

    def gone(self):
        if self is name:
            raise AttributeError(f"no attribute {self.path}")
        return owner(self)

    monkeypatch.setattr(PrivateName, "owner", gone)
    sink, script = ListSink(), Script(look=line_and_locals)
    engine, hooks = Engine(script), Hooks(sink, "tf_function")
    engine.breakpoints.add(Breakpoint(file=__file__, line=line()))

    @tf.function
    def f(x):
        y = x + 1
        return y * 2  # here

    try:
        TfFunctionWalker().attach(tf, hooks, engine)
        assert int(f(tf.constant(1))) == 4
    finally:
        hooks.remove()
    faults = sink.of(Fault)
    if name in UNNEEDED:
        assert faults == []
    else:
        assert faults
        assert all(name.path in fault.message for fault in faults)
    if name in WITHOUT_LOCALS:
        assert script.stops == [(line(), {})]
    elif name in UNNEEDED | BESIDE_WALKS:
        assert script.stops == [(line(), {"x": 1, "y": 2})]
    else:
        assert script.stops == []

"""A private name that has moved takes its own part away, with one fault, and no other."""

from __future__ import annotations

import pytest

from adapters.sink import ListSink
from tracedbg.adapters.tf_common._compat import PrivateName
from tracedbg.adapters.tf_ops import TfOps, _compat
from tracedbg.events import Fault
from tracedbg.hooks import Hooks
from tracedbg.op_window import OpWindow
from tracedbg.ran import OpsSeen, StepGraph

tf = pytest.importorskip("tensorflow")
pytest.importorskip("keras.src.layers.layer")
pytestmark = pytest.mark.tensorflow
PARTS = {
    "ops": _compat.OP_NAMES,
    "syncs": _compat.SYNC_NAMES,
    "tapes": _compat.TAPE_NAMES,
    "models": _compat.KERAS_NAMES,
}
CASES = [(part, name) for part, names in PARTS.items() for name in names]


@pytest.mark.parametrize(("part", "name"), CASES, ids=lambda value: getattr(value, "path", value))
def test_the_name_is_there(part, name):
    assert name.get() is not None


@pytest.mark.parametrize(("part", "name"), CASES, ids=lambda value: getattr(value, "path", value))
def test_a_name_that_moved_is_one_fault_and_the_program_goes_on(monkeypatch, part, name):
    owner = PrivateName.owner

    def gone(self):
        if self is name:
            raise AttributeError(f"no attribute {self.path}")
        return owner(self)

    monkeypatch.setattr(PrivateName, "owner", gone)
    sink = ListSink()
    hooks = Hooks(sink, "tf_ops")
    w = tf.Variable(2.0)
    try:
        with hooks.guarded("attach"):
            TfOps().attach(tf, hooks, OpWindow())
        with tf.GradientTape() as tape:
            loss = tf.math.softplus(w)
        assert float(tape.gradient(loss, w)) > 0
        hooks.tell()
    finally:
        hooks.remove()
    (fault,) = sink.of(Fault)
    assert fault.message == f"AttributeError: no attribute {name.path}"
    kinds = {total.kind for event in sink.of(OpsSeen) for total in event.totals}
    has = {
        "ops": any(kind.name == "Softplus" for kind in kinds),
        "syncs": any(kind.sync == "item" for kind in kinds),
        "tapes": bool(sink.of(StepGraph)),
    }
    assert has == {one: part not in {one, "ops"} for one in has}

"""Where the program waits for values."""

from __future__ import annotations

import warnings

import pytest

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.tensorflow


@pytest.mark.parametrize(
    ("read", "sync", "name"),
    [
        (lambda t: t.numpy(), "numpy", "EagerTensor.numpy"),
        (lambda t: bool(t), "bool", "EagerTensor.__bool__"),
        (lambda t: int(t), "item", "EagerTensor.__int__"),
        (lambda t: float(t), "item", "EagerTensor.__float__"),
        (lambda t: f"{t:.1f}", "numpy", "EagerTensor.__format__"),
        (lambda t: tf.RaggedTensor.from_row_lengths([t], [1]).to_list(), "tolist", "EagerTensor.to_list"),
    ],
)
def test_a_read_is_told_with_its_line(recorded, read, sync, name):
    t = tf.constant(1.5)
    for _ in range(3):
        read(t)
    found = [total for total in recorded.totals(sync=sync) if total.kind.name == name]
    assert {total.kind.stack[0].line for total in found} == {read.__code__.co_firstlineno}
    assert sum(total.count for total in found) % 3 == 0
    assert all(total.duration_ns > 0 for total in found)


def test_a_branch_on_a_tensor_is_told_at_its_line(recorded):
    def branch(t):
        return 1 if t > 0 else 0

    branch(tf.constant(1.0))
    (total,) = recorded.totals(sync="bool")
    assert (total.kind.stack[0].function.split(".")[-1], total.kind.inputs) == ("branch", "bool[]")


def test_a_copy_to_the_host_is_told(recorded):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tf.constant([1.0]).cpu()
    (total,) = recorded.totals(sync="cpu")
    assert (total.kind.name, total.kind.inputs) == ("EagerTensor.cpu", "float32[1]")


def test_what_the_framework_reads_of_shapes_is_no_wait(recorded):
    v = tf.Variable([[1.0, 2.0]])
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(v * v)
    tape.gradient(loss, v)
    assert [total for total in recorded.totals() if total.kind.sync] == []

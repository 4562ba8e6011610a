"""TensorFlow's tensors: the contract, and what only TensorFlow has."""

from __future__ import annotations

import pytest

import tensors_contract as contract

pytestmark = pytest.mark.tensorflow


@pytest.fixture
def tensors():
    from tracedbg.adapters.tf_common.tensors import TfTensors

    return TfTensors()


class TestContract(contract.TensorsContract):
    @pytest.fixture
    def tensors(self, tensors):
        return tensors

    def make(self, values, dtype="float32"):
        import tensorflow as tf

        return tf.constant(values, dtype=getattr(tf, dtype))


def odd_tensors():
    import tensorflow as tf

    yield "ragged", tf.ragged.constant([[1.0, 2.0], [3.0]]), "ragged: the shape is that of the longest rows"
    yield "sparse_coo", tf.sparse.eye(3), "sparse: 3 of 9 elements are stored"
    slices = tf.IndexedSlices(tf.ones([2, 3]), tf.constant([0, 2]), tf.constant([4, 3]))
    yield "slices", slices, "slices: 2 of 4 rows are stored"
    yield "", tf.constant(["a", "b"]), ""
    yield "", tf.Variable([1.0, 2.0]), ""
    yield "", tf.constant([1j]), ""


def test_every_kind_of_tensor_is_told_without_an_error(tensors):
    for layout, value, note in odd_tensors():
        found = tensors.summary(value)
        assert (found.layout, found.note) == (layout, note)
        assert not tensors.is_bad(value, infinite=True)
        tensors.items(value, 0, 2), tensors.bytes(value, 0, 8), tensors.histogram(value, 3)
        tensors.difference(value, value)


def test_a_symbolic_tensor_has_no_values(tensors):
    import tensorflow as tf

    found = []

    @tf.function
    def look(x):
        found.append(tensors.summary(x))
        return x

    look(tf.ones([3]))
    assert found[0].shape == (3,)
    assert found[0].note == "a symbolic tensor: it stands for a value in a graph that is being made"


def test_a_look_is_on_no_tape(tensors):
    import tensorflow as tf

    variable = tf.Variable([1.0, 2.0])
    with tf.GradientTape() as tape:
        tensors.summary(variable), tensors.is_bad(variable, infinite=False), tensors.items(variable, 0, 2)
    assert tape.watched_variables() == ()

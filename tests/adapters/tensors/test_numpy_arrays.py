"""NumPy's arrays: the contract, and what only NumPy has."""

from __future__ import annotations

import pytest

import tensors_contract as contract

np = pytest.importorskip("numpy")


@pytest.fixture
def tensors():
    from tracedbg.adapters.numpy_arrays import NumpyTensors

    return NumpyTensors()


class TestContract(contract.TensorsContract):
    @pytest.fixture
    def tensors(self, tensors):
        return tensors

    def make(self, values, dtype="float32"):
        if dtype == "bfloat16":
            return np.asarray(values, dtype=pytest.importorskip("ml_dtypes").bfloat16)
        return np.asarray(values, dtype=dtype)


def test_arrays_of_objects_text_and_records_are_left_to_their_repr(tensors):
    for value in (np.array([object()]), np.array(["a"]), np.zeros(2, dtype=[("x", "f4")]), np.float64(1)):
        assert not tensors.owns(value)


def test_a_view_is_told_by_its_own_elements(tensors):
    value = np.arange(6, dtype="int32").reshape(2, 3).T
    found = tensors.summary(value, first=3)
    assert (found.shape, found.strides, found.first) == ((3, 2), (1, 3), (0, 3, 1))


def test_the_walker_brings_it_and_installs_nothing():
    from tracedbg.adapters.numpy_arrays import NumpyArraysWalker
    from tracedbg.engine import Engine
    from tracedbg.hooks import Hooks, Hub

    engine, hooks = Engine(None), Hooks(Hub(), "walk.numpy_arrays")
    NumpyArraysWalker().attach(np, hooks, engine)
    assert engine.values.of(np.ones(2)).name == "numpy"
    hooks.remove()

"""torch's tensors: the contract, and what only torch has."""

from __future__ import annotations

import warnings

import pytest

import tensors_contract as contract

pytestmark = pytest.mark.torch


@pytest.fixture
def tensors():
    from tracedbg.adapters.torch_common.tensors import TorchTensors

    return TorchTensors()


class TestContract(contract.TensorsContract):
    @pytest.fixture
    def tensors(self, tensors):
        return tensors

    def make(self, values, dtype="float32"):
        import torch

        return torch.tensor(values, dtype=getattr(torch, dtype))


def odd_tensors():
    import torch
    from torch._subclasses import FakeTensorMode

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # prototypes and deprecated ones are tensors, too
        yield "sparse_coo", torch.eye(3).to_sparse(), "sparse: 3 of 9 elements are stored"
        yield "sparse_csr", torch.eye(3).to_sparse_csr(), "sparse: 3 of 9 elements are stored"
        yield (
            "nested",
            torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
            "nested: the rows differ in length",
        )
        quantized = torch.quantize_per_tensor(torch.ones(3), 0.5, 0, torch.qint8)
        yield "quantized", quantized, "quantized: the numbers are those that it stands for"
        yield "", torch.ones(3, device="meta"), "a meta tensor: it has a shape, and no values"
        with FakeTensorMode():
            fake = torch.ones(3)
        yield "", fake, "a fake tensor: it stands for a value in a graph that is being made"
        yield "", torch.ones(3).to(torch.float8_e4m3fn), ""
        yield "", torch.ones(3, dtype=torch.complex64).conj(), ""


def test_every_kind_of_tensor_is_told_without_an_error(tensors):
    for layout, value, note in odd_tensors():
        found = tensors.summary(value)
        assert (found.layout, found.note) == (layout, note)
        assert not tensors.is_bad(value, infinite=True)
        tensors.items(value, 0, 2), tensors.bytes(value, 0, 8), tensors.histogram(value, 3)
        tensors.difference(value, value)


def test_a_parameter_is_told_with_strides_and_gradient(tensors):
    import torch

    found = tensors.summary(torch.nn.Parameter(torch.ones(2, 3).t().contiguous().t()))
    assert (found.type_name, found.strides, found.requires_grad) == ("Parameter", (1, 2), True)


def test_a_look_leaves_no_trace(tensors):
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    seen = []

    class Watching(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            seen.append(func)
            return func(*args, **(kwargs or {}))

    x = torch.randn(4, requires_grad=True)
    y = x * 2
    state = torch.get_rng_state()
    with Watching():
        tensors.summary(y), tensors.is_bad(y, infinite=False), tensors.window(y, "0"), tensors.items(y, 0, 2)
    assert seen == []
    assert torch.equal(torch.get_rng_state(), state)
    assert y._version == 0
    y.sum().backward()
    assert x.grad.tolist() == [2.0] * 4


def test_values_inside_of_transformations_are_told(tensors):
    import torch

    found = []

    def look(x):
        found.append(tensors.summary(x))
        return (x * x).sum()

    assert torch.vmap(look)(torch.ones(2, 3)).tolist() == [3.0, 3.0]
    assert torch.func.grad(look)(torch.ones(3)).tolist() == [2.0] * 3
    batched, tracked = found
    assert batched.note == "inside of vmap: the numbers are those of the whole batch"
    assert (batched.shape, batched.count) == ((3,), 6)
    assert (tracked.maximum, tracked.note) == (1.0, "")


def test_a_subclass_is_not_asked(tensors):
    import torch

    class Loud(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            raise AssertionError(func)

    value = torch.ones(3).as_subclass(Loud)
    found = tensors.summary(value)
    assert (found.type_name, found.mean) == ("Loud", 1.0)
    assert not tensors.is_bad(value, infinite=False)


def test_the_private_names_are_there():
    from tracedbg.adapters.torch_common import _compat

    for name in _compat.NAMES:
        name.find()

"""TorchScript with the adapter attached, and as new for each test."""

from __future__ import annotations

import pytest

from adapters.sink import attached


@pytest.fixture
def fresh_torchscript():
    """Nothing is compiled yet."""
    torch = pytest.importorskip("torch")
    torch.jit._state._jit_caching_layer.clear()
    torch.jit._recursive.concrete_type_store = torch.jit._recursive.ConcreteTypeStore()
    return torch


@pytest.fixture
def sink(fresh_torchscript):
    from tracedbg.adapters.torch_script import TorchScriptAdapter

    with attached(fresh_torchscript, TorchScriptAdapter()) as found:
        yield found

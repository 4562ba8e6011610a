"""Dynamo with the adapter attached, and as new for each test."""

from __future__ import annotations

import pytest

from adapters.sink import attached


@pytest.fixture
def fresh_dynamo():
    dynamo = pytest.importorskip("torch._dynamo")
    dynamo.reset()
    dynamo.utils.clear_compilation_metrics()
    yield dynamo
    dynamo.reset()


@pytest.fixture
def sink(fresh_dynamo):
    from tracedbg.adapters.torch_compile import TorchCompileAdapter

    with attached(fresh_dynamo.convert_frame, TorchCompileAdapter()) as found:
        yield found

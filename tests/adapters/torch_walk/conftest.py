"""Dynamo with the walker attached to an engine, and as new for each test."""

from __future__ import annotations

import pytest

from adapters.torch_walk.walking import walking


@pytest.fixture
def fresh_dynamo():
    dynamo = pytest.importorskip("torch._dynamo")
    dynamo.reset()
    dynamo.utils.clear_compilation_metrics()
    dynamo.utils.counters.clear()
    yield dynamo
    dynamo.reset()


@pytest.fixture
def walked(fresh_dynamo):
    """An `Attached`: engine, frontend and faults."""
    with walking(fresh_dynamo.convert_frame) as found:
        yield found

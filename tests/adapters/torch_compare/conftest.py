"""torch with the comparer attached, and a report that keeps what it is told."""

from __future__ import annotations

import pytest

from adapters.sink import ListSink
from tracedbg.compare.comparer import CompareOptions
from tracedbg.events import Fault
from tracedbg.hooks import Hooks


class Told:
    def __init__(self):
        self.comparisons = []
        self.names = []

    def compared(self, comparison):
        self.comparisons.append(comparison)

    def called(self, function):
        self.names.append(function)


@pytest.fixture
def compare():
    """Attaches the comparer, with options, and gives what it tells."""
    torch = pytest.importorskip("torch")
    from torch._dynamo import convert_frame

    from tracedbg.adapters.torch_compile.compare import TorchComparer

    torch._dynamo.reset()
    sink = ListSink()
    hooks = Hooks(sink, "compare")

    def attach(**options):
        told = Told()
        TorchComparer().attach(convert_frame, hooks, CompareOptions(**options), told)
        return told

    yield attach
    hooks.remove()
    torch._dynamo.reset()
    assert sink.of(Fault) == []

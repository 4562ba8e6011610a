"""TensorFlow with the comparer attached, and what it reports."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from adapters.sink import ListSink
from tracedbg.compare.comparer import CompareOptions
from tracedbg.events import Fault
from tracedbg.hooks import Hooks


class Reported:
    def __init__(self):
        self.comparisons = []
        self.left_alone = []

    def compared(self, comparison):
        self.comparisons.append(comparison)

    def called(self, function):
        self.left_alone.append(function)

    def verdicts(self):
        return [one.verdict.value for one in self.comparisons]


@contextmanager
def comparing(options=None):
    tf = pytest.importorskip("tensorflow")
    from tracedbg.adapters.tf_function.compare import TfComparer

    sink, reported = ListSink(), Reported()
    hooks = Hooks(sink, "compare.tf_function")
    TfComparer().attach(tf, hooks, options or CompareOptions(), reported)
    try:
        yield reported
    finally:
        hooks.remove()
    assert sink.of(Fault) == []


@pytest.fixture
def reported():
    with comparing() as found:
        yield found


@pytest.fixture
def compare_with():
    return comparing

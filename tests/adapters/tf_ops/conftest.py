"""TensorFlow's ops, recorded into a list."""

from __future__ import annotations

import inspect
from collections import Counter
from contextlib import contextmanager

import pytest

from adapters.sink import ListSink
from tracedbg.events import Fault
from tracedbg.hooks import Hooks
from tracedbg.op_window import OpWindow
from tracedbg.ran import OpsSeen, StepGraph, StepsSeen


class Recorded:
    """What has been told so far; `tell` first."""

    def __init__(self, sink, hooks):
        self.sink, self.hooks = sink, hooks

    def totals(self, **wanted):
        """The totals of kinds with these fields."""
        self.hooks.tell()
        return [
            total
            for event in self.sink.of(OpsSeen)
            for total in event.totals
            if all(getattr(total.kind, name) == value for name, value in wanted.items())
        ]

    def names(self, **wanted):
        """How often each op was executed."""
        found = Counter()
        for total in self.totals(**wanted):
            found[total.kind.name] += total.count
        return found

    def lines(self, **wanted):
        """How often each op was executed on each innermost line of the user's."""
        found = Counter()
        for total in self.totals(**wanted):
            line = total.kind.stack[0].line if total.kind.stack else 0
            found[total.kind.name, line] += total.count
        return found

    def rows(self):
        """(name, start, duration) of single executions."""
        self.hooks.tell()
        return [
            (event.rows.kinds[kind].name, start, duration)
            for event in self.sink.of(OpsSeen)
            if event.rows is not None
            for kind, start, duration in zip(
                event.rows.kind, event.rows.start_ns, event.rows.duration_ns, strict=True
            )
        ]

    def graphs(self, kind="tape"):
        return [event for event in self.sink.of(StepGraph) if event.kind == kind]

    def steps(self, kind="tape"):
        self.hooks.tell()
        return [event for event in self.sink.of(StepsSeen) if event.kind == kind]


@contextmanager
def recording(window="", faults=0):
    import tensorflow as tf

    from tracedbg.adapters.tf_ops import TfOps

    sink = ListSink()
    hooks = Hooks(sink, "tf_ops")
    TfOps().attach(tf, hooks, OpWindow.parse(window))
    try:
        yield Recorded(sink, hooks)
    finally:
        hooks.tell()
        hooks.remove()
    found = sink.of(Fault)
    assert len(found) == faults, found


@pytest.fixture
def recorded():
    pytest.importorskip("tensorflow")
    with recording() as found:
        yield found


def line_of(function, marker):
    """The number of the line of `function` that ends in `# @marker`."""
    lines, first = inspect.getsourcelines(function)
    (found,) = [first + at for at, line in enumerate(lines) if line.rstrip().endswith(f"# @{marker}")]
    return found

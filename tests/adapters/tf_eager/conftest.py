"""An engine with eager TensorFlow attached to it, and a frontend that answers from a list."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from adapters.sink import ListSink
from tracedbg.engine import Action, Breakpoint, Engine, Go
from tracedbg.events import Fault
from tracedbg.hooks import Hooks


@dataclass
class Seen:
    """What a stop showed; read while the thread stands still."""

    reason: str
    text: str
    op: str
    line: int
    function: str
    is_backward: bool
    inputs: dict = field(default_factory=dict)
    outputs: dict = field(default_factory=dict)
    locals: dict = field(default_factory=dict)
    index: int = -1


class Script:
    """Answers stops from a list, and continues when it is at its end."""

    def __init__(self):
        self.answers = []
        self.seen = []
        self.at_stop = lambda stop: None

    def interact(self, stop):
        view, op = stop.view, stop.view.op
        frame = view.frames()[0]
        self.seen.append(
            Seen(
                stop.reason,
                stop.text,
                op.site.op if op else "",
                view.line,
                frame.function.split(".")[-1],
                view.is_backward,
                {name: read(value) for name, value in op.inputs()} if op else {},
                {name: read(value) for name, value in op.outputs()} if op else {},
                dict(frame.variables()),
                op.index if op else -1,
            )
        )
        self.at_stop(stop)
        return Action(self.answers.pop(0)) if self.answers else Action(Go.CONTINUE)

    def say(self, text, stop=None):
        raise AssertionError(text)

    def ops(self):
        return [one.op for one in self.seen]


def read(value):
    """A value as Python's own; a handle as None."""
    from tracedbg.adapters.tf_common.tensors import TfTensors

    tensors = TfTensors()
    if not tensors.owns(value):
        return value
    try:
        return tensors.window(value, "")
    except ValueError:
        return None


class Debugged:
    """What a test has in its hands."""

    def __init__(self, engine, script, hooks, sink):
        self.engine, self.script, self.hooks, self.sink = engine, script, hooks, sink

    def at(self, **wanted):
        return self.engine.breakpoints.add(Breakpoint(**wanted))

    @property
    def seen(self):
        return self.script.seen


@pytest.fixture
def debugged():
    tf = pytest.importorskip("tensorflow")
    from tracedbg.adapters.tf_eager import TfEagerWalker

    sink = ListSink()
    script = Script()
    engine, hooks = Engine(script), Hooks(sink, "walk.tf_eager")
    TfEagerWalker().attach(tf, hooks, engine)
    yield Debugged(engine, script, hooks, sink)
    hooks.remove()
    assert sink.of(Fault) == []

"""Composes an engine with the walker, and frontends that answer for a person."""

from __future__ import annotations

from contextlib import contextmanager

from adapters.sink import ListSink
from tracedbg.engine import Action, Breakpoint, Engine, Go
from tracedbg.events import Fault
from tracedbg.hooks import Hooks


class Script:
    """Answers stops from a list, and continues when that is at its end; `look` may read what is there."""

    def __init__(self, *answers, look=None):
        self.answers = list(answers)
        self.look = look
        self.stops = []
        """For each: what `look` has returned, or the line."""
        self.said = []

    def interact(self, stop):
        self.stops.append(self.look(stop) if self.look else stop.view.line)
        answer = self.answers.pop(0) if self.answers else Go.CONTINUE
        return answer if isinstance(answer, Action) else Action(answer)

    def say(self, text, stop=None):
        self.said.append(text)


class Everywhere:
    """Stops at every line and op, and reads everything there."""

    def __init__(self):
        self.lines = self.ops = self.values = 0
        self.errors = []

    def arm(self, engine):
        engine.breakpoints.add(Breakpoint(op_pattern="*"))
        engine.breakpoints.add(Breakpoint(filter="nan"))

    def interact(self, stop):
        try:
            self._read(stop)
        except Exception as error:
            self.errors.append(f"{type(error).__name__}: {error}")
        return Action(Go.INTO)

    def _read(self, stop):
        view = stop.view
        if view.op is None:
            self.lines += 1
        else:
            self.ops += 1
            assert view.walk.sites[view.op.index].name == view.op.site.name
            self.values += len(view.op.inputs()) + len(view.op.outputs())
        assert view.depth > 0
        frames = view.frames()
        assert (frames[0].file, frames[0].line) == (view.file, view.line)
        for frame in frames:
            if frame.is_traced:
                for value in frame.variables().values():
                    repr(value)
                    self.values += 1

    def say(self, text, stop=None):
        self.errors.append(text)


@contextmanager
def attached(frontend, faults=0):
    """An engine with the walker in TensorFlow; afterwards, everything is as it was."""
    import tensorflow as tf

    from tracedbg.adapters.tf_function.walk import TfFunctionWalker

    sink = ListSink()
    hooks = Hooks(sink, "tf_function")
    engine = Engine(frontend)
    try:
        TfFunctionWalker().attach(tf, hooks, engine)
        yield engine
    finally:
        hooks.remove()
    found = sink.of(Fault)
    assert len(found) == faults, found


def plain(value):
    """A tensor or variable as nested lists, and so inside of containers; anything else as it is."""
    import numpy as np
    import tensorflow as tf

    if isinstance(value, (tf.Tensor, tf.Variable)):
        return np.asarray(value).tolist()
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    return value


def locals_of(stop, frame=0):
    return {name: plain(value) for name, value in stop.view.frames()[frame].variables().items()}


def line_and_locals(stop):
    return stop.view.line, locals_of(stop)

"""Records the graphs of steps, with the observer of ops and without it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from adapters.sink import ListSink
from recordings import Process, Ran, Run
from tracedbg.events import Fault
from tracedbg.explain import summarise
from tracedbg.hooks import Hooks
from tracedbg.op_window import OpWindow
from tracedbg.ran import OpsSeen, StepGraph, StepsSeen


@dataclass
class Steps:
    """What was told of steps."""

    sink: ListSink

    @property
    def graphs(self):
        return self.sink.of(StepGraph)

    @property
    def seen(self):
        return self.sink.of(StepsSeen)

    @property
    def count(self):
        return sum(one.steps for one in self.seen)

    def summary(self):
        told = Ran(all_ops=self.sink.of(OpsSeen), all_step_graphs=self.graphs, all_steps=_added_up(self.seen))
        return summarise(Run(Process(ran=told))).steps

    def only(self):
        (found,) = self.summary()
        return found


def _added_up(seen):
    """As the store gives them back: one of each function."""
    return seen


@contextmanager
def recording(*recorders):
    """Attach recorders of ops; there must be no fault of ours."""
    import torch

    sink = ListSink()
    all_hooks = [Hooks(sink, recorder.name) for recorder in recorders]
    try:
        for recorder, hooks in zip(recorders, all_hooks, strict=True):
            recorder.attach(torch, hooks, OpWindow())
        yield Steps(sink)
    finally:
        for hooks in all_hooks:
            hooks.tell()
        for hooks in reversed(all_hooks):
            hooks.remove()
    assert sink.of(Fault) == []


@pytest.fixture(scope="session")
def observer():
    """The observer of ops, compiled; tests that need lines skip, visibly, where there is no compiler."""
    torch = pytest.importorskip("torch")
    from tracedbg.adapters.torch_ops import building

    try:
        building.load(building.Torch.of(torch), print)
    except building.UnbuildableError as error:
        pytest.skip(f"no observer of ops: {error}")


@pytest.fixture
def with_lines(observer):
    """Records with the observer: `with with_lines() as steps`."""
    from tracedbg.adapters.torch_ops import TorchOpRecorder
    from tracedbg.adapters.torch_steps import TorchSteps

    return lambda: recording(TorchOpRecorder(), TorchSteps())


@pytest.fixture
def without_lines(monkeypatch):
    """Records without the observer, as where there is no compiler."""
    pytest.importorskip("torch")
    from tracedbg.adapters.torch_steps import TorchSteps, recorder

    monkeypatch.setattr(recorder, "loaded", lambda: None)
    return lambda: recording(TorchSteps())


@pytest.fixture(params=["with_lines", "without_lines"])
def either(request):
    """Both ways, one after the other."""
    return request.getfixturevalue(request.param)

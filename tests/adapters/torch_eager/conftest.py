"""The walker of eager ops with an engine of its own, and a check that nothing remains."""

from __future__ import annotations

import pytest

from debugging_script import Script
from tracedbg.engine import Breakpoint, Engine
from tracedbg.events import Fault
from tracedbg.hooks import Hooks, Hub


class Faults:
    """A sink that keeps the faults of ours."""

    def __init__(self):
        self.all = []

    def emit(self, event):
        if isinstance(event, Fault):
            self.all.append(event)


@pytest.fixture
def debug():
    """`debug(script, *breakpoints)` attaches the walker; it is removed after the test."""
    import torch
    from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

    from tracedbg.adapters.torch_eager import TorchEagerWalker

    hub, faults = Hub(), Faults()
    hub.subscribe(faults)
    hooks = Hooks(hub, "walk.torch_eager")

    def attach(script, *breakpoints):
        engine = Engine(script)
        for one in breakpoints:
            engine.breakpoints.add(one if isinstance(one, Breakpoint) else Breakpoint(filter=one))
        TorchEagerWalker().attach(torch, hooks, engine)
        return engine

    attach.hooks = hooks
    yield attach
    hooks.remove()
    assert _get_current_dispatch_mode_stack() == []
    assert not {"tolist", "cpu", "numpy"} & set(vars(torch.Tensor))
    assert faults.all == []


@pytest.fixture
def script():
    """Continues from each stop, and notes (reason or filter, op, line, whether in the backward)."""
    return Script(
        look=lambda stop: (
            stop.filter or stop.reason,
            stop.view.op.site.op if stop.view.op else "",
            stop.view.line,
            stop.view.is_backward,
        )
    )

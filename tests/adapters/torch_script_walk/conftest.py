"""TorchScript with the walker attached to an engine that a script answers."""

from __future__ import annotations

import pytest

from adapters.torch_script_walk.answers import Answers
from tracedbg.engine import Engine
from tracedbg.hooks import Hooks, Hub


class Faults:
    """Fails a test in which something of ours went wrong."""

    def __init__(self):
        self.events = []

    def emit(self, event):
        self.events.append(event)

    def flush(self):
        pass


@pytest.fixture
def answers():
    return Answers()


@pytest.fixture
def with_dynamo(engine):
    """What keeps Dynamo off our code, attached as well."""
    import torch._dynamo
    from torch._dynamo import convert_frame

    from tracedbg.adapters.torch_compile.walk import TorchCompileWalker

    hooks = Hooks(Hub(), "torch_compile")
    TorchCompileWalker().attach(convert_frame, hooks, engine)
    yield
    hooks.remove()
    torch._dynamo.reset()


@pytest.fixture
def engine(answers):
    torch = pytest.importorskip("torch")
    from tracedbg.adapters.torch_script.walk import TorchScriptWalker

    made, hub, faults = Engine(answers), Hub(), Faults()
    hub.subscribe(faults)
    hooks = Hooks(hub, "torch_script")
    calls = torch._C.ScriptFunction.__call__, torch._C.ScriptMethod.__call__
    TorchScriptWalker().attach(torch, hooks, made)
    yield made
    hooks.remove()
    assert faults.events == []
    assert (torch._C.ScriptFunction.__call__, torch._C.ScriptMethod.__call__) == calls

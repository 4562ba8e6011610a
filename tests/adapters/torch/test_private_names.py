"""The private names that the adapter needs are there; and without one of them the rest still works."""

from __future__ import annotations

import dataclasses
import inspect

import pytest

from adapters.sink import attached
from adapters.torch.counts import from_events, from_torch
from tracedbg.adapters.torch_compile import TorchCompileAdapter, _compat
from tracedbg.adapters.versions import covers
from tracedbg.events import Fault, GraphBreak, GraphMade, PhaseSpan, TraceEnded, TraceStarted

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

CONSTANTS = {name: value for name, value in vars(_compat).items() if isinstance(value, _compat.Private)}
IN_USE = {
    name: value
    for name, value in CONSTANTS.items()
    if value in _compat.NAMES and covers(value.versions, torch.__version__)
}

STAND_INS = {"LOG_GRAPH_BREAK": "LOG_GRAPH_BREAK_FUNCTION", "IN_MODE": "IN_MODE_BEFORE"}
"""What older versions have in the place of a name."""


def program():
    def f(x):
        y = x + 1
        print(end="")
        return y.relu()

    compiled = torch.compile(f, backend="eager")
    return [compiled(torch.ones(size)).sum().item() for size in (3, 4)]


@pytest.mark.parametrize("name", sorted(IN_USE))
def test_the_name_is_there(name, fresh_dynamo):
    IN_USE[name].find()


def test_a_compile_takes_the_arguments_that_we_read(fresh_dynamo):
    parameters = inspect.signature(_compat.COMPILE.get()).parameters
    assert set(_compat.COMPILE_ARGUMENTS) <= set(parameters)


def test_the_objects_have_the_attributes_that_we_read(fresh_dynamo):
    def f(x):
        return x + 1

    torch.compile(f, backend="eager")(torch.ones(3))
    (entry,) = torch._dynamo.eval_frame._debug_get_cache_entry_list(f)
    manager = entry.guard_manager
    objects = {
        "CacheEntry": entry,
        "GuardManagerWrapper": manager,
        "GuardDebugInfo": manager.check_verbose({"x": torch.ones(4)}),
        "ConvertFrameReturn": torch._dynamo.types.ConvertFrameReturn(),
        "OutputGraph": torch._dynamo.output_graph.OutputGraph,
        "ShapeEnv": torch.fx.experimental.symbolic_shapes.ShapeEnv(),
    }
    missing = [
        f"{kind}.{name}"
        for kind, names in _compat.ATTRIBUTES.items()
        for name in names
        if not hasattr(objects[kind], name)
    ]
    assert missing == []


@pytest.mark.parametrize("name", sorted(IN_USE))
def test_without_a_name_the_program_runs_and_the_rest_reports(name, fresh_dynamo, monkeypatch):
    pytest.importorskip(_compat.AOT_FORWARD.module)  # loaded: what is to be hooked in it is looked for
    expected = program()
    fresh_dynamo.reset()
    fresh_dynamo.utils.clear_compilation_metrics()
    moved = dataclasses.replace(IN_USE[name], path="moved_elsewhere")
    monkeypatch.setattr(_compat, name, moved)
    if name in STAND_INS:
        monkeypatch.setattr(_compat, STAND_INS[name], moved)
    faults = 0 if name in ("UNSUPPORTED", "USER_ERROR") else 1
    if name == "CURRENT_COMPILE_ID":
        faults = 2  # phases and cache hits
    with attached(fresh_dynamo.convert_frame, TorchCompileAdapter(), faults=faults) as sink:
        assert program() == expected
    for fault in sink.of(Fault):
        assert "moved_elsewhere" in fault.message
    if name == "COMPILE":
        assert sink.of(TraceStarted) == []
        return
    assert from_events(sink) == from_torch()
    assert len(sink.of(TraceEnded)) == 4
    assert bool(sink.of(GraphMade)) == (name != "CALL_USER_COMPILER")
    assert bool(sink.of(GraphBreak)) == (name != "LOG_GRAPH_BREAK")
    assert bool(sink.of(PhaseSpan))

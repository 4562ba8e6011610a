"""The private names that the adapter needs are there; and without one of them the rest still works."""

from __future__ import annotations

import dataclasses
import importlib
import types

import pytest

from adapters.sink import attached
from adapters.torch_script.told import IGNORE_DEPRECATION, IGNORE_TRACER
from tracedbg.adapters.torch_script import TorchScriptAdapter, _compat
from tracedbg.events import Fault, Stale, TraceEnded, TraceStarted

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings(IGNORE_DEPRECATION),
    pytest.mark.filterwarnings(IGNORE_TRACER),
]

CONSTANTS = {name: value for name, value in vars(_compat).items() if isinstance(value, _compat.Private)}
FOUND_LATER = ("CACHED_FUNCTION", "COMPILED_TYPES", "SCRIPT_CLASSES", "PYTHON_UNIT")
"""Names that are looked up while something is compiled, and not when the hooks are installed."""


class Net(torch.nn.Module):
    def part(self, x):
        return x + 1 if x.sum() > 0 else x

    def forward(self, x):
        return self.part(x) * 2


def program():
    def f(x):
        return x * 2 if x.sum() > 0 else x

    class Point:
        def __init__(self, x: int):
            self.x = x

    torch.jit.script(Point)
    made = [
        torch.jit.script(f),
        torch.jit.trace(f, torch.ones(2)),
        torch.jit.trace(f, example_kwarg_inputs={"x": torch.ones(2)}),
        torch.jit.script(Net()),
        torch.jit.trace(Net(), torch.ones(2)),
        torch.jit.trace(Net(), example_kwarg_inputs={"x": torch.ones(2)}),
    ]
    return [one(torch.ones(2)).tolist() for one in made]


def test_every_name_is_in_the_list():
    assert set(CONSTANTS.values()) == set(_compat.NAMES)


@pytest.mark.parametrize("name", sorted(CONSTANTS))
def test_the_name_is_there(name):
    CONSTANTS[name].find()


@pytest.mark.parametrize("function", sorted(_compat.CALLERS))
def test_the_function_has_the_local_variables_that_we_read(function):
    code = code_of(function)
    assert set(_compat.CALLERS[function]) <= {*code.co_varnames, *code.co_freevars, *code.co_cellvars}


def code_of(path):
    module, _, rest = path.partition("._script.") if "._script." in path else path.partition("._recursive.")
    if not rest:
        module, _, rest = path.partition("._trace.")
    head, *inner = rest.split(".")
    part = path[len(module) : -len(rest)].strip(".")
    code = getattr(importlib.import_module(f"{module}.{part}"), head).__code__
    for name in inner:
        code = next(c for c in code.co_consts if isinstance(c, types.CodeType) and c.co_name == name)
    return code


def test_the_check_is_where_we_look_for_it():
    function = getattr(importlib.import_module(_compat.TRACE_MODULE), _compat.CHECK)
    assert function.__wrapped__.__code__.co_name == _compat.CHECK
    assert torch.Tensor.__len__.__globals__["__name__"] == _compat.TENSOR_MODULE


def test_the_whole_program_is_told_while_all_names_are_there(fresh_torchscript):
    program()
    fresh_torchscript.jit._state._jit_caching_layer.clear()
    fresh_torchscript.jit._recursive.concrete_type_store = torch.jit._recursive.ConcreteTypeStore()
    with attached(torch, TorchScriptAdapter()) as sink:
        program()
    forward = [event.traceable.name for event in sink.of(TraceStarted) if event.role.value == "forward"]
    assert sorted(forward) == sorted(
        ["program.Point"] + ["program.f"] * 3 + ["Net.forward"] * 3 + ["Net.part"]
    )
    assert len(sink.of(Stale)) == 4


@pytest.mark.parametrize("name", sorted(CONSTANTS))
def test_without_a_name_the_program_runs_and_the_rest_reports(name, fresh_torchscript, monkeypatch):
    expected = program()
    fresh_torchscript.jit._state._jit_caching_layer.clear()
    fresh_torchscript.jit._recursive.concrete_type_store = torch.jit._recursive.ConcreteTypeStore()
    monkeypatch.setattr(_compat, name, dataclasses.replace(CONSTANTS[name], path="moved_elsewhere"))
    before = vars(torch.Tensor).copy()
    faults = 2 if name == "PYTHON_UNIT" else 1  # one for each hook that needs it
    with attached(torch, TorchScriptAdapter(), faults=faults) as sink:
        assert program() == expected
        assert vars(torch.Tensor) == before
    assert all("moved_elsewhere" in fault.message for fault in sink.of(Fault))
    modes = {dict(event.options)["mode"] for event in sink.of(TraceStarted)}
    assert modes
    if name not in FOUND_LATER:
        assert modes == {"script", "trace"}
        assert len(sink.of(TraceEnded)) == len(sink.of(TraceStarted))
    assert bool(sink.of(Stale)) == (name != "TRACER_WARNING")

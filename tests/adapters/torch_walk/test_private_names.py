"""The private names that the walker needs are there; and without one of them the program runs as before."""

from __future__ import annotations

import dataclasses

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from adapters.torch_walk.walking import line_of, walking  # noqa: E402
from tracedbg.adapters.torch_compile.walk import _compat  # noqa: E402
from tracedbg.adapters.versions import covers  # noqa: E402
from tracedbg.engine import Breakpoint, Go  # noqa: E402

IN_USE = {
    name: value
    for name, value in vars(_compat).items()
    if isinstance(value, _compat.Private) and covers(value.versions, torch.__version__)
}
GRAPHS = {"CALL_USER_COMPILER", "INSTALL_GLOBAL", "COMPILE_ID"}
"""Without one of these no graph is known."""


def add_one(x):
    y = x + 1
    return y * 2


def f(x):
    y = add_one(x)
    return y.sum() + 1  # @sum


def program():
    compiled = torch.compile(f, backend="aot_eager")
    return [compiled(torch.ones(size)).item() for size in (2, 3, 3)]


@pytest.mark.parametrize("name", sorted(IN_USE))
def test_the_name_is_there(name, fresh_dynamo):
    IN_USE[name].find()


def test_the_objects_have_the_attributes_that_we_read(fresh_dynamo):
    from torch._dynamo import symbolic_convert, variables

    found = {}

    def look(translator, lineno):
        found["InstructionTranslatorBase"] = dir(translator)
        found["OutputGraph"] = dir(translator.output)
        found["SideEffects"] = dir(translator.output.side_effects)
        for variable in translator.symbolic_locals.values():
            if isinstance(variable, variables.LazyVariableTracker) and variable.is_realized():
                variable = variable.realize()
            found[type(variable).__name__] = found["VariableTracker"] = dir(variable)
        return original(translator, lineno)

    def g(x, n):
        k = 3
        size = x.shape[0]
        y = x * n
        return y + k + size

    base = symbolic_convert.InstructionTranslatorBase
    original = base.starts_line
    base.starts_line = look
    try:
        torch.compile(g, backend="eager", dynamic=True)(torch.ones(3), 2)
    finally:
        base.starts_line = original
    missing = [
        f"{kind}.{name}"
        for kind, names in _compat.ATTRIBUTES.items()
        for name in names
        if name not in found[kind]
    ]
    assert missing == []


def test_generated_code_is_known_by_the_names_in_it(fresh_dynamo):
    @torch.compiler.disable
    def tell():
        pass

    def g(x):
        y = x + 1
        tell()
        return y + 1

    torch.compile(g, backend="eager")(torch.ones(2))
    (entry,) = torch._dynamo.eval_frame._debug_get_cache_entry_list(g)
    assert _compat.is_generated(entry.code)
    assert not _compat.is_generated(g.__code__)
    assert any(name.startswith(_compat.RESUME) for name in entry.code.co_names)


@pytest.mark.parametrize("name", sorted(IN_USE))
def test_without_a_name_the_program_runs_and_the_rest_works(name, fresh_dynamo, monkeypatch):
    expected = program()
    fresh_dynamo.reset()
    monkeypatch.setattr(_compat, name, dataclasses.replace(IN_USE[name], path="moved_elsewhere"))
    faults = 2 if name == "COMPILE_ID" else 1  # of forwards and backwards
    with walking(fresh_dynamo.convert_frame, faults=faults) as found:
        found.engine.breakpoints.add(Breakpoint(op_pattern="*sum*"))
        found.script.otherwise = Go.CONTINUE
        assert program() == expected
        assert "moved_elsewhere" in found.faults[0].message
    stops = found.script.stops
    assert len(stops) == (0 if name in GRAPHS else 3)
    if name == "STARTS_LINE":
        assert [(stop.line, stop.variables) for stop in stops] == [(line_of(f, "sum"), {})] * 3
    elif stops:
        assert stops[0].variables["y"] == [4.0, 4.0]

"""Stops inside TorchScript: where, with which values, and how it goes on."""

# ruff: noqa: E701, RET504, SIM108  TorchScript is stopped in as it is written here

from __future__ import annotations

import re
import sys
import threading

import pytest

torch = pytest.importorskip("torch")
from adapters.torch_script_walk import programs  # noqa: E402
from adapters.torch_script_walk.answers import line_of  # noqa: E402
from tracedbg.debugging import CannotAssignError  # noqa: E402
from tracedbg.engine import Breakpoint, Go  # noqa: E402

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The TorchScript type system:UserWarning"),
]
FILE = __file__


def inner(a, k: int):
    b = a * k  # @inner first
    return b + 1  # @inner second


def outer(x, n: int):
    total = x  # @alias
    for i in range(n):  # @loop
        total = total + inner(x, i)  # @call
    y = total * 2  # @after
    return y  # @return


def branches(x):
    if bool(x.sum() > 0):  # @if
        y = x + 1  # @then
    else:
        y = x - 1  # @else
    return y * 2  # @joined


def one_line(x):
    for i in range(3): x = x + i  # fmt: skip  # @one line
    return x


def bad_shapes(x):
    y = x + 1
    return y @ y  # @bad


def raises(x):
    y = inner(x, 2)
    assert x.dim() == 3, "three dimensions"  # @assert
    return y


def raises_kind(x):
    if x.dim() == 2:
        raise ValueError("two dimensions")
    return x


def looks_up(x, name: str):
    table = {"a": x}
    return table[name]


def divides(x, n: int):
    return x * (3 // n)


def in_a_call(x):
    return bad_shapes(x)


def half_nan(x):
    y = x - 2  # @before nan
    z = torch.log(y)  # @nan
    return z + 1


def line(marker):
    return line_of(FILE, marker)


def at(engine, marker, **more):
    return engine.breakpoints.add(Breakpoint(file=FILE, line=line(marker), **more))


def test_a_breakpoint_stops_at_its_line_in_each_turn_with_the_locals(engine, answers):
    compiled = torch.jit.script(outer)
    x = torch.ones(2)
    expected = compiled(x, 3)
    at(engine, "call")
    assert torch.equal(compiled(x, 3), expected)
    assert answers.lines == [line("call")] * 3
    assert [seen.iteration for seen in answers.seen] == [0, 1, 2]
    assert [seen.variables["i"] for seen in answers.seen] == [0, 1, 2]
    assert [seen.variables["total"].tolist() for seen in answers.seen] == [[1, 1], [2, 2], [4, 4]]
    assert {seen.function for seen in answers.seen} == {"outer"}


def test_a_line_in_a_callee_has_its_own_locals_and_the_callers_frame(engine, answers):
    compiled = torch.jit.script(outer)
    at(engine, "inner second", condition="k == 1")
    compiled(torch.ones(2), 3)
    (seen,) = answers.seen
    assert seen.variables["k"] == 1
    assert seen.variables["b"].tolist() == [1, 1]
    assert seen.stack == [("inner", line("inner second")), ("outer", line("call"))]
    assert seen.iteration == 1


@pytest.mark.parametrize(
    ("go", "expected"),
    [
        (Go.INTO, ["inner first"]),
        (Go.OVER, ["loop"]),
        (Go.OUT, []),
    ],
)
def test_a_step_goes_into_a_call_or_over_it_or_out(go, expected, engine, answers):
    compiled = torch.jit.script(outer)
    at(engine, "call", hit_condition="3")
    answers.go = [go]
    compiled(torch.ones(2), 3)
    found = answers.lines[1:]
    if go is Go.OVER:
        expected = ["after"]
    assert found == [line(marker) for marker in expected]


def test_a_step_out_ends_at_the_callers_next_line(engine, answers):
    compiled = torch.jit.script(outer)
    at(engine, "inner first", hit_condition="3")
    answers.go = [Go.OUT]
    compiled(torch.ones(2), 3)
    assert answers.lines == [line("inner first"), line("after")]


def test_only_the_branch_that_is_taken_stops(engine, answers):
    compiled = torch.jit.script(branches)
    for marker in ("then", "else", "joined"):
        at(engine, marker)
    compiled(torch.ones(2))
    compiled(-torch.ones(2))
    assert answers.lines == [line("then"), line("joined"), line("else"), line("joined")]
    assert answers.seen[1].variables["y"].tolist() == [2, 2]


def test_a_loop_of_one_line_stops_in_each_turn(engine, answers):
    compiled = torch.jit.script(one_line)
    at(engine, "one line")
    compiled(torch.ones(2))
    assert [seen.variables.get("i") for seen in answers.seen if seen.iteration is not None] == [0, 1, 2]


def test_a_line_of_which_nothing_is_left_moves_the_breakpoint_to_the_next(engine, answers):
    compiled = torch.jit.script(outer)
    made = at(engine, "alias")
    assert compiled is not None
    assert made.is_bound
    assert made.line == line("loop")


def test_a_breakpoint_is_bound_when_the_function_is_scripted(engine, answers, fresh):
    made = at(engine, "after")
    assert not made.is_bound
    compiled = torch.jit.script(outer)
    assert compiled is not None
    assert made.is_bound


def test_a_breakpoint_is_bound_when_a_function_is_traced_or_a_module_scripted(engine, answers):
    made = at(engine, "inner first")
    compiled = torch.jit.trace(lambda x: inner(x, 2), torch.ones(2))
    assert compiled is not None
    assert made.is_bound
    other = engine.breakpoints.add(Breakpoint(file=programs.__file__, line=line_of(programs, "inner")))
    module = torch.jit.script(programs.Outer())
    assert module is not None
    assert other.is_bound


@pytest.fixture
def fresh():
    torch.jit._state._jit_caching_layer.clear()


def test_a_variable_can_be_set(engine, answers):
    compiled = torch.jit.script(outer)
    at(engine, "after")

    def set_it(stop):
        stop.view.frames()[0].assign("total", torch.full((2,), 10.0))

    answers.at_stop = set_it
    assert compiled(torch.ones(2), 3).tolist() == [20, 20]


def test_a_variable_of_another_type_cannot_be_set(engine, answers):
    compiled = torch.jit.script(outer)
    at(engine, "call", is_once=True)
    texts = []

    def set_it(stop):
        frame = stop.view.frames()[0]
        for name, value in (("i", "text"), ("nothing", 1)):
            with pytest.raises(CannotAssignError) as caught:
                frame.assign(name, value)
            texts.append(str(caught.value))

    answers.at_stop = set_it
    compiled(torch.ones(2), 3)
    assert texts == [
        "'i' has to be of type int: values() Expected a value of type 'int' for argument 'argument_0'"
        " but instead found type 'str'.",
        "no variable named 'nothing' in outer",
    ]


def test_an_int_can_be_set(engine, answers):
    compiled = torch.jit.script(outer)
    at(engine, "call")
    answers.at_stop = lambda stop: stop.view.frames()[0].assign("i", 0)
    assert compiled(torch.ones(2), 2).tolist() == [6, 6]


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (bad_shapes, (torch.ones(2, 3),)),
        (in_a_call, (torch.ones(2, 3),)),
        (raises, (torch.ones(2, 3),)),
        (raises_kind, (torch.ones(2, 3),)),
        (looks_up, (torch.ones(2, 3), "b")),
        (divides, (torch.ones(2, 3), 0)),
        (outer, (torch.ones(2, 3),)),
        (outer, (torch.ones(2, 3), "text")),
    ],
)
def test_an_error_is_as_without_a_debugger(function, args, engine, answers):
    compiled = torch.jit.script(function)
    with pytest.raises(Exception) as expected:  # noqa: PT011  whatever it is
        compiled(*args)
    answers.always = Go.INTO
    engine.pause(threading.get_ident())
    with pytest.raises(type(expected.value)) as found:
        compiled(*args)
    assert type(found.value) is type(expected.value)
    assert str(found.value) == str(expected.value)


def test_an_op_that_raises_stops_with_its_inputs(engine, answers):
    compiled = torch.jit.script(bad_shapes)
    at(engine, "bad")
    engine.breakpoints.add(Breakpoint(filter="error"))
    with pytest.raises(RuntimeError):
        compiled(torch.ones(2, 3))
    seen = answers.seen[-1]
    assert (seen.reason, seen.op, seen.line) == ("exception", "aten::matmul", line("bad"))
    assert seen.text.endswith("RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)")
    assert [tuple(value.shape) for value in seen.inputs.values()] == [(2, 3), (2, 3)]


@pytest.mark.parametrize("name", ["loops", "mlp", "forks", "traced_module"])
def test_an_abort_raises_in_the_program(name, engine, answers):
    called, args = programs.PROGRAMS[name]()
    engine.breakpoints.add(Breakpoint(op_pattern="aten::*"))
    answers.always = Go.ABORT
    with pytest.raises(KeyboardInterrupt):
        called(*args())
    assert len(answers.seen) in ({1, 2} if name == "forks" else {1})  # in the thread of the fork, too


def test_an_abort_in_a_walk_raises_in_the_program(engine, answers):
    compiled = torch.jit.script(outer)
    at(engine, "inner first")
    answers.always = Go.ABORT
    with pytest.raises(KeyboardInterrupt):
        compiled(torch.ones(2), 3)
    assert len(answers.seen) == 1


def test_ops_by_name_pause_torchs_own_interpreter_with_the_script_stack(engine, answers):
    compiled = torch.jit.script(outer)
    compiled(torch.ones(2), 3)
    compiled(torch.ones(2), 3)
    engine.breakpoints.add(Breakpoint(op_pattern="aten::mul*"))
    assert compiled(torch.ones(2), 2).tolist() == [8, 8]
    first = answers.seen[0]
    assert first.stack == [("inner", line("inner first")), ("outer", line("call"))]
    assert first.notes == ("torch's own interpreter runs, and keeps the variables to itself",)
    assert all(seen.op == seen.site for seen in answers.seen)
    assert {seen.line for seen in answers.seen} == {line("inner first"), line("after")}


def test_a_nan_is_found_at_its_op(engine, answers):
    compiled = torch.jit.script(half_nan)
    engine.add_tensors(Nans())
    engine.breakpoints.add(Breakpoint(filter="nan"))
    compiled(torch.ones(2))
    (seen,) = answers.seen
    assert (seen.op, seen.line, seen.function) == ("aten::log", line("nan"), "half_nan")


class Nans:
    """As much of `Tensors` as finding a NaN needs."""

    name = "torch"

    def owns(self, value):
        return isinstance(value, torch.Tensor)

    def is_bad(self, value, *, infinite):
        return bool(value.isinf().any() if infinite else value.isnan().any())


def test_a_fork_runs_in_torchs_own_interpreter_and_says_so(engine, answers):
    called, args = programs.PROGRAMS["forks"]()
    expected = called(*args())
    engine.breakpoints.add(Breakpoint(file=programs.__file__, line=line_of(programs, "beside")))
    torch.manual_seed(0)
    called(torch.ones(2, 3))
    assert isinstance(expected, torch.Tensor)
    (seen,) = answers.seen
    assert seen.variables == {}
    assert seen.notes == (
        "torch's own interpreter runs, and keeps the variables to itself",
        "prim::fork is run by torch's own interpreter only",
    )


def test_a_loaded_module_stops_at_the_lines_that_it_was_written_at(engine, answers):
    module, args = programs.PROGRAMS["loaded_outer"]()
    for marker in ("outer", "inner", "after"):
        engine.breakpoints.add(Breakpoint(file=programs.__file__, line=line_of(programs, marker)))
    module(*args())
    assert answers.lines[:2] == [line_of(programs, "outer"), line_of(programs, "inner")]
    assert answers.seen[1].stack[0][1] == line_of(programs, "inner")
    assert set(answers.seen[1].variables) == {"self", "x"}


def test_a_module_shows_self_as_python_knows_it(engine, answers):
    module = torch.jit.script(programs.Outer())
    engine.breakpoints.add(Breakpoint(file=programs.__file__, line=line_of(programs, "inner")))
    module(torch.ones(2, 3))
    (seen,) = answers.seen
    assert torch.equal(seen.variables["self"].linear.weight, module.inner.linear.weight)
    assert [name for name, _ in seen.stack] == ["Inner.forward", "Outer.forward"]


def test_a_method_called_from_a_module_in_python_stops(engine, answers):
    module, args = programs.PROGRAMS["submodule_of_python"]()
    engine.breakpoints.add(Breakpoint(file=programs.__file__, line=line_of(programs, "inner")))
    module(*args())
    assert len(answers.seen) == 1


def test_a_traced_function_has_the_lines_of_what_it_called(engine, answers):
    compiled = torch.jit.trace(lambda x: inner(x, 2) - 1, torch.ones(2))
    at(engine, "inner second")
    compiled(torch.ones(2))
    (seen,) = answers.seen
    assert seen.stack[0] == ("inner", line("inner second"))
    assert len(seen.stack) == 2


def test_the_branch_that_tracing_took_for_good_is_walked(engine, answers):
    with pytest.warns(torch.jit.TracerWarning):
        compiled = torch.jit.trace(branches, torch.ones(2), check_trace=False)
    at(engine, "then")
    assert at(engine, "else").line == line("joined")
    assert compiled(-torch.ones(2)).tolist() == [0, 0]
    assert answers.lines == [line("then"), line("joined")]


def test_a_step_op_by_op_stops_at_each(engine, answers):
    compiled = torch.jit.script(inner)
    at(engine, "inner first", is_once=True)
    answers.always = Go.OP
    compiled(torch.ones(2), 3)
    assert [(seen.op, seen.reason) for seen in answers.seen] == [
        ("", "breakpoint"),
        ("aten::mul", "step"),
        ("aten::add", "step"),
    ]


def test_a_step_to_the_next_graph_stops_where_it_begins(engine, answers):
    first, second = torch.jit.script(inner), torch.jit.script(branches)
    at(engine, "inner first", is_once=True)
    answers.go = [Go.GRAPH]
    first(torch.ones(2), 3)
    second(torch.ones(2))
    assert answers.lines == [line("inner first"), line("if")]


def test_nothing_stands_in_the_way_of_calls_while_nothing_is_armed(engine, answers):
    plain = torch._C.ScriptFunction.__call__, torch._C.ScriptMethod.__call__
    assert not hasattr(plain[0], "__tracedbg__")
    made = at(engine, "inner first")
    assert hasattr(torch._C.ScriptFunction.__call__, "__tracedbg__")
    assert hasattr(torch._C.ScriptMethod.__call__, "__tracedbg__")
    engine.breakpoints.remove([made.id])
    assert (torch._C.ScriptFunction.__call__, torch._C.ScriptMethod.__call__) == plain


def test_armed_on_another_file_a_call_is_torchs_own(engine, answers):
    compiled = torch.jit.script(outer)
    engine.breakpoints.add(Breakpoint(file="/elsewhere.py", line=3))
    assert compiled(torch.ones(2), 2).tolist() == [8, 8]
    assert answers.seen == []


def test_a_script_is_not_walked_while_something_else_traces_it(engine, answers):
    compiled = torch.jit.script(inner)
    at(engine, "inner first")
    traced = torch.jit.trace(lambda x: compiled(x, 2), torch.ones(2), check_trace=False)
    assert answers.seen == []
    assert traced(torch.ones(2)).tolist() == [3, 3]
    assert answers.lines == [line("inner first")]


def test_a_graph_with_constants_is_optimised_while_ops_are_asked_about(engine, answers):
    compiled = torch.jit.trace(lambda x: torch.relu(x * 2) + 1, torch.ones(2))
    engine.breakpoints.add(Breakpoint(op_pattern="*relu*"))
    for _ in range(3):
        assert compiled(torch.ones(2)).tolist() == [3, 3]
    assert [seen.op for seen in answers.seen] == ["aten::relu"] * 3


def test_an_op_by_its_number_stops(engine, answers):
    compiled = torch.jit.script(outer)
    at(engine, "after", is_once=True)
    answers.at_stop = lambda stop: numbers.append(
        [site.op for site in stop.view.walk.sites].index("aten::add", 8)
    )
    numbers = []
    compiled(torch.ones(2), 1)
    answers.at_stop = None
    graph = answers.seen[0].graph
    engine.breakpoints.add(Breakpoint(op_index=numbers[0], graph=graph))
    compiled(torch.ones(2), 1)
    assert answers.seen[1].op == "aten::add"


def test_dynamo_does_not_look_at_a_walk_below_a_compiled_function(engine, answers, with_dynamo):
    from torch._dynamo.utils import get_compilation_metrics

    module = torch.jit.script(programs.Outer())

    def calls_it(x):
        return module(x + 1) * 2  # a script module breaks the graph

    def run():
        torch._dynamo.reset()
        before = len(get_compilation_metrics())
        made = [torch.compile(calls_it, backend="eager")(torch.ones(2, 3)) for _ in range(2)]
        return made, [one.co_name for one in get_compilation_metrics()[before:]]

    expected, compiles = run()
    engine.breakpoints.add(Breakpoint(file=programs.__file__, line=line_of(programs, "inner")))
    made, compiles_armed = run()
    assert compiles_armed == compiles
    assert all(map(torch.equal, made, expected))
    assert len(answers.seen) == 2


@pytest.mark.parametrize("made", ["function", "module"])
def test_python_does_not_stop_while_it_is_traced(made, engine, answers):
    from tracedbg.adapters.python_lines import PythonLinesWalker
    from tracedbg.hooks import Hooks, Hub

    def traced():
        if made == "function":
            return torch.jit.trace(lambda x: inner(x, 2), torch.ones(2))
        return torch.jit.trace(programs.Outer(), torch.ones(2, 3))

    plain = str(traced().inlined_graph)
    hooks = Hooks(Hub(), "python_lines")
    PythonLinesWalker().attach(sys, hooks, engine)
    try:
        at(engine, "inner first")
        engine.breakpoints.add(Breakpoint(file=programs.__file__, line=line_of(programs, "inner")))
        compiled = traced()
        assert answers.seen == []
        inner(torch.ones(2), 2)
        assert answers.lines == [line("inner first")]
    finally:
        hooks.remove()
    names = re.compile(r"(___torch_mangle_\d+\.|, value=|0x\w+)")
    assert names.sub("", str(compiled.inlined_graph)) == names.sub("", plain)


def root_of_nothing(x):
    y = x * 0
    z = torch.sqrt(y)  # @sqrt
    return z * y


@pytest.mark.parametrize("is_walked", [False, True])
def test_an_op_of_the_backward_has_the_line_of_the_script(is_walked, engine, answers):
    from tracedbg.adapters.torch_eager import TorchEagerWalker
    from tracedbg.hooks import Hooks, Hub

    compiled = torch.jit.script(root_of_nothing)
    hooks = Hooks(Hub(), "torch_eager")
    engine.breakpoints.add(Breakpoint(filter="nan"))
    TorchEagerWalker().attach(torch, hooks, engine)
    try:
        if is_walked:
            at(engine, "sqrt")
        compiled(torch.ones(2, requires_grad=True)).sum().backward()
    finally:
        hooks.remove()
    seen = answers.seen[-1]
    assert (seen.reason, seen.line) == ("exception", line("sqrt"))
    assert seen.stack[0] == ("root_of_nothing", line("sqrt"))


def test_a_recording_tells_the_same_beside_the_debugger(engine, answers):
    from adapters.sink import attached
    from tracedbg.adapters.torch_script import TorchScriptAdapter
    from tracedbg.events import TraceStarted

    def told():
        torch.jit._state._jit_caching_layer.clear()
        types = torch.jit._recursive.concrete_type_store  # it knows what was compiled of a module's class
        types.type_store.clear()
        types.methods_compiled.clear()
        with attached(torch, TorchScriptAdapter()) as sink:
            torch.jit.script(outer)
            torch.jit.trace(lambda x: inner(x, 2), torch.ones(2))(torch.ones(2))
            torch.jit.script(programs.Outer())
        return [(one.traceable.name, one.traceable.line, one.role) for one in sink.of(TraceStarted)]

    at(engine, "inner first")
    beside = told()
    engine.breakpoints.clear()
    assert beside == told()
    assert len(beside) >= 4
    assert answers.lines == [line("inner first")]

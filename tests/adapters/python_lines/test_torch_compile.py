"""Python lines beside Dynamo: as many compiles as without, and no stop in what it has generated."""

from __future__ import annotations

import sys

import pytest

from adapters.python_lines.debugged import debugging
from tracedbg.adapters.torch_compile.apart import _compat, keep_apart
from tracedbg.engine import Action, Go

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


@pytest.fixture(autouse=True)
def fresh_dynamo():
    import torch._dynamo

    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    yield
    torch._dynamo.reset()


def make():
    """A compiled function with a graph break, and code below it that is left out of it."""

    def inner(z):
        t = z.cos()  # @inner
        return t + 1  # @inner returns

    @torch.compiler.disable(recursive=False)
    def left_out(y):
        k = y + 3  # @left out
        return inner(k)  # @left out returns

    @torch.compile(backend="eager")
    def f(x):
        y = x + 1  # @compiled
        torch._dynamo.graph_break()
        z = left_out(y)  # @after the break
        return z + 1  # @compiled returns

    return f


def program():
    f = make()
    total = 0.0
    for size in (3, 3, 4, 5):  # @loop
        total += f(torch.ones(size)).sum().item()
    return total


def counts():
    from torch._dynamo.utils import counters, get_compilation_metrics

    compiled = [metric.co_name for metric in get_compilation_metrics()]
    return {name: dict(counters[name]) for name in ("frames", "stats")}, compiled


def run_plain():
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    torch._dynamo.utils.clear_compilation_metrics()
    return program(), counts()


def run_debugged(*marks, answers=(), run=program):
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    torch._dynamo.utils.clear_compilation_metrics()
    with debugging(*answers) as debugged:
        keep_apart(debugged.hooks, debugged.engine)
        for mark in marks:
            debugged.stop_at(__file__, mark)
        result = run()
        debugged.engine.let_go()
    return (result, counts()), debugged.script.at


def test_lines_of_compiled_code_do_not_stop_and_lines_of_eager_code_do():
    plain = run_plain()
    marks = ("compiled", "after the break", "compiled returns", "left out", "inner")
    debugged, at = run_debugged(*marks)
    assert (
        at == ["after the break", "left out"] * 4
    )  # nothing is compiled up to that call: no graph has its line
    assert debugged == plain


def make_cut():
    """A compiled function that is cut in a callee, with nothing to compile before and behind."""

    def callee(y):
        torch._dynamo.graph_break()
        return y + 1

    @torch.compile(backend="eager")
    def f(x):
        a = callee(x)  # @cut
        torch._dynamo.graph_break()  # @cut again
        return a

    return f


def test_the_lines_around_a_cut_stop_once_each_in_the_users_function():
    def run():
        f = make_cut()
        return f(torch.ones(2)).sum().item() + f(torch.ones(2)).sum().item()

    stacks = []

    def step(stop):
        names = [one.function.rpartition(".")[2] for one in stop.view.frames() if one.file == __file__]
        stacks.append(names[: names.index("run") + 1])
        return Action(Go.OVER)

    def go_on(stop):
        step(stop)
        return Action(Go.CONTINUE)

    def counted():
        torch._dynamo.reset()
        torch._dynamo.utils.counters.clear()
        torch._dynamo.utils.clear_compilation_metrics()
        return run(), counts()

    plain = counted()
    with debugging(step, go_on, step, go_on) as debugged:
        keep_apart(debugged.hooks, debugged.engine)
        debugged.stop_at(__file__, "cut")
        result = counted()
    assert debugged.script.at == ["cut", "cut again"] * 2
    assert stacks == [["f", "run"]] * 4
    assert [sorted(names) for names in debugged.script.looks[::2]] == [["callee", "x"]] * 2
    assert {name for names in debugged.script.looks for name in names} <= {"callee", "x", "a"}
    assert result == plain


def test_stepping_through_compiled_calls_adds_no_compile():
    plain = run_plain()
    debugged, at = run_debugged("left out", answers=[Go.OVER, Go.OVER, Go.INTO, Go.OUT] * 8)
    assert at[:3] == ["left out", "left out returns", "loop"]
    assert debugged == plain


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="Dynamo sees no frame that sys.monitoring calls")
def test_without_being_kept_apart_dynamo_looks_at_our_frames():
    plain = run_plain()
    with debugging() as debugged:
        debugged.stop_at(__file__, "left out")
        for code in debugged.engine.own_code():
            torch._C._dynamo.eval_frame.reset_code(code)  # another test has had it left alone
        torch._dynamo.reset()
        torch._dynamo.utils.counters.clear()
        program()
        frames = torch._dynamo.utils.counters["frames"]["total"]
    assert frames > plain[1][0]["frames"]["total"]


@pytest.mark.parametrize("stance", ["force_eager", "limit"])
def test_a_compiled_function_that_runs_eager_stops_at_its_lines(stance):
    def run():
        f = make()
        f(torch.ones(3))
        if stance == "force_eager":
            with torch.compiler.set_stance("force_eager"):
                return f(torch.ones(3)).sum().item()
        with torch._dynamo.config.patch(recompile_limit=1):
            f(torch.ones(3, dtype=torch.float64))
            return f(torch.ones(3, dtype=torch.float64)).sum().item()

    _, at = run_debugged("compiled", run=run)
    assert "compiled" in at


def test_code_that_was_generated_before_is_known():
    f = make()
    f(torch.ones(3))
    with debugging() as debugged:
        keep_apart(debugged.hooks, debugged.engine)
        debugged.stop_at(__file__, "compiled")
        f(torch.ones(3))
    assert debugged.script.at == []


@pytest.mark.parametrize(
    "name", [name for name, value in vars(_compat).items() if isinstance(value, _compat.Private)]
)
def test_the_private_names_are_there(name):
    getattr(_compat, name).find()

"""Where a compiled function stops, and what is to be seen and done there."""

from __future__ import annotations

import gc
import re
import runpy
import threading
import weakref

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from adapters.torch_walk.walking import line_of, plain  # noqa: E402
from tracedbg.debugging import CannotAssignError  # noqa: E402
from tracedbg.engine import Action, Breakpoint, Go  # noqa: E402


def compiles(dynamo):
    return dynamo.utils.counters["stats"]["unique_graphs"]


def compiled_name(function):
    """The name of the global that holds what was compiled of `function`."""
    (entry,) = torch._dynamo.eval_frame._debug_get_cache_entry_list(function)
    (name,) = [name for name in entry.code.co_names if name.startswith("__compiled_fn")]
    return name


def inner(z):
    q = z + 1  # @inner
    return q * 2  # @inner_return


def outer(x, n):
    k = 3  # @constant
    a = x * n  # @a
    b = inner(a) + k  # @call
    c = b.sum()  # @c
    return c  # noqa: RET504  # @return


X = torch.tensor([1.0, 2.0])


@pytest.fixture
def compiled(walked):
    made = torch.compile(outer, backend="aot_eager")
    assert made(X, 2).item() == 22.0
    return made


def test_a_graph_that_is_compiled_stops_with_the_values_at_a_line(walked, compiled, fresh_dynamo):
    before = compiles(fresh_dynamo)
    walked.line(outer, "c")
    assert [compiled(X * turn, 2).item() for turn in (1, 2, 3)] == [22.0, 34.0, 46.0]
    seen = [(stop.reason, stop.variables["a"], stop.variables["b"]) for stop in walked.script.stops]
    assert seen == [
        ("breakpoint", [2.0, 4.0], [9.0, 13.0]),
        ("breakpoint", [4.0, 8.0], [13.0, 21.0]),
        ("breakpoint", [6.0, 12.0], [17.0, 29.0]),
    ]
    assert compiles(fresh_dynamo) == before


@pytest.mark.shared
def test_the_case_of_breakpoint_values_stops_in_each_call(walked, shared, capsys):
    case = shared / "cases" / "pt_breakpoint_values.py"
    (line,) = [at for at, text in enumerate(case.read_text().splitlines(), 1) if text.strip() == "return c"]
    walked.engine.breakpoints.add(Breakpoint(file=str(case), line=line))
    runpy.run_path(str(case), run_name="__main__")  # it checks its own number of compiles
    seen = [(stop.variables["a"], stop.variables["b"], stop.variables["c"]) for stop in walked.script.stops]
    assert seen == [([2.0, 4.0], [4.0, 16.0], 20.0)] * 3
    assert "CASE pt_breakpoint_values.py" in capsys.readouterr().out


def test_a_line_that_leaves_nothing_in_the_graph_stops_too(walked, compiled):
    walked.line(outer, "constant")
    walked.line(outer, "return")
    compiled(X, 2)
    first, last = walked.script.stops
    assert first.variables == {"x": [1.0, 2.0], "n": 2}
    assert last.variables == {
        "x": [1.0, 2.0], "n": 2, "k": 3, "a": [2.0, 4.0], "b": [9.0, 13.0], "c": 22.0,
    }  # fmt: skip


def test_an_inlined_callee_is_a_frame_on_its_caller(walked, compiled):
    walked.line(inner, "inner_return")
    compiled(X, 2)
    (stop,) = walked.script.stops
    assert stop.variables == {"z": [2.0, 4.0], "q": [3.0, 5.0]}
    here = "test_an_inlined_callee_is_a_frame_on_its_caller"
    assert [frame[0] for frame in stop.stack[:3]] == ["inner", "outer", here]
    assert [frame[2] for frame in stop.stack[:3]] == [True, True, False]
    assert stop.stack[1][1] == line_of(outer, "call")


@pytest.mark.parametrize(
    ("go", "marker", "function"),
    [(Go.INTO, "inner", inner), (Go.OVER, "c", outer)],
)
def test_a_step_goes_into_an_inlined_callee_or_over_it(go, marker, function, walked, compiled):
    walked.line(outer, "call")
    walked.script.answers = [go]
    compiled(X, 2)
    assert walked.script.lines == [line_of(outer, "call"), line_of(function, marker)]


def test_a_step_out_ends_in_the_caller(walked, compiled):
    walked.line(inner, "inner")
    walked.script.answers = [Go.OUT]
    compiled(X, 2)
    assert walked.script.lines == [line_of(inner, "inner"), line_of(outer, "c")]


def test_an_op_is_at_the_line_that_it_is_of_also_after_a_call(walked, compiled):
    walked.engine.breakpoints.add(Breakpoint(op_pattern="operator.add"))
    compiled(X, 2)
    seen = [(stop.function, stop.line) for stop in walked.script.stops]
    assert seen == [("inner", line_of(inner, "inner")), ("outer", line_of(outer, "call"))]
    assert list(walked.script.stops[0].inputs.values()) == [[2.0, 4.0]]


def test_an_op_is_found_by_its_number(walked, compiled):
    walked.engine.breakpoints.add(Breakpoint(op_index=1, graph="0/0 forward"))
    compiled(X, 2)
    assert [(stop.reason, stop.op) for stop in walked.script.stops] == [
        ("instruction breakpoint", "operator.add")
    ]


def test_a_condition_sees_locals_and_globals(walked, compiled):
    walked.line(outer, "c", condition="a.sum() > n * 4 and inner is not None")
    [compiled(X * turn, 2) for turn in (1, 2)]
    assert [stop.variables["a"] for stop in walked.script.stops] == [[4.0, 8.0]]
    assert walked.script.said == []


def test_what_is_set_at_a_stop_is_used_by_what_runs_later(walked, compiled):
    def set_a(stop):
        stop.view.frames()[0].assign("a", torch.tensor([10.0, 10.0]))

    walked.line(outer, "call")
    walked.script.at_stop = set_a
    assert compiled(X, 2).item() == 50.0
    walked.engine.breakpoints.clear()
    assert compiled(X, 2).item() == 22.0


def test_an_argument_that_is_set_is_used_by_the_graph_and_by_what_runs_after_it(walked):
    def f(x, later):
        y = x * 2  # @first
        torch._dynamo.graph_break()
        return y + x + later

    compiled = torch.compile(f, backend="aot_eager")
    assert compiled(X, X).tolist() == [4.0, 8.0]

    def set_both(stop):
        for name, number in [("x", 10.0), ("later", 100.0)]:
            stop.view.frames()[0].assign(name, torch.full((2,), number))

    walked.line(f, "first")
    walked.script.at_stop = set_both
    assert compiled(X, X).tolist() == [130.0, 130.0]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("k", "'k' is 3 in the graph: it was a constant when it was traced"),
        ("nope", "no variable named 'nope' in outer"),
    ],
)
def test_what_cannot_be_set_says_why(name, message, walked, compiled):
    said = []

    def set_it(stop):
        with pytest.raises(CannotAssignError) as caught:
            stop.view.frames()[0].assign(name, 5)
        said.append(str(caught.value))

    walked.line(outer, "c")
    walked.script.at_stop = set_it
    compiled(X, 2)
    assert said == [message]


def test_disarmed_the_very_same_callable_is_called(walked, compiled):
    name = compiled_name(outer)
    before = globals()[name]
    one = walked.line(outer, "c")
    assert globals()[name] is not before
    walked.engine.breakpoints.remove([one.id])
    assert globals()[name] is before
    walked.line(outer, "c")
    walked.hooks.remove()
    assert globals()[name] is before


def test_a_breakpoint_in_another_function_arms_nothing(walked, compiled):
    name = compiled_name(outer)
    before = globals()[name]
    walked.engine.breakpoints.add(Breakpoint(file=__file__, line=1))
    assert globals()[name] is before


def test_a_graph_lives_no_longer_than_what_was_compiled_of_it(walked):
    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(2))

        def forward(self, x):
            y = x * self.weight
            return y.sum()

    def run():
        model = Model()
        walked.engine.breakpoints.add(Breakpoint(op_pattern="*"))
        model_of = torch.compile(model, backend="aot_eager")
        x = torch.ones(2)
        model_of(x)
        walked.engine.breakpoints.clear()
        return weakref.ref(model), weakref.ref(model.weight), weakref.ref(x)

    refs = run()
    gc.collect()
    assert [ref() for ref in refs] == [None] * 3
    assert len(walked.script.stops) == 2


def test_a_reset_frees_the_graphs(walked, compiled, fresh_dynamo):
    seen = []
    walked.engine.breakpoints.add(Breakpoint(op_pattern="*sum*"))
    walked.script.at_stop = lambda stop: seen.append(weakref.ref(stop.view.walk))
    compiled(X, 2)
    assert seen[0]() is not None
    fresh_dynamo.reset()
    gc.collect()
    assert seen[0]() is None


def test_a_view_that_is_kept_keeps_no_tensors(walked, compiled):
    kept = []

    def keep(stop):
        value = stop.view.frames()[0].variables()["b"]
        kept.append((stop, weakref.ref(value)))

    walked.line(outer, "c")
    walked.script.at_stop = keep
    compiled(X, 2)
    gc.collect()
    assert kept[0][1]() is None
    assert kept[0][0].view.line == line_of(outer, "c")


def test_an_abort_raises_keyboard_interrupt_and_leaves_all_as_it_was(walked, fresh_dynamo):
    def f(x, w):
        with torch.autocast("cpu", dtype=torch.bfloat16), torch.no_grad():
            y = x @ w
            z = y * 2  # @inside
        return z.float()

    compiled, x = torch.compile(f, backend="aot_eager"), torch.ones(2, 2)
    expected = compiled(x, x)
    one = walked.line(f, "inside")
    walked.script.answers = [Go.ABORT]
    with pytest.raises(KeyboardInterrupt):
        compiled(x, x)
    assert not torch.is_autocast_enabled("cpu")
    assert torch.is_grad_enabled()
    before = compiles(fresh_dynamo)
    assert torch.equal(compiled(x, x), expected)
    walked.engine.breakpoints.remove([one.id])
    assert torch.equal(compiled(x, x), expected)
    assert compiles(fresh_dynamo) == before
    assert len(walked.script.stops) == 2


def test_an_abort_inside_of_vmap_leaves_no_level_of_it(walked):
    def f(x):
        def loss(v):
            return (v**2).sum()  # @loss

        return torch.func.vmap(torch.func.grad(loss))(x)

    compiled, x = torch.compile(f, backend="aot_eager"), torch.ones(3, 2)
    expected = compiled(x)
    walked.line(f, "loss")
    walked.script.answers = [Go.ABORT]
    with pytest.raises(KeyboardInterrupt):
        compiled(x)
    assert torch._C._functorch.peek_interpreter_stack() is None
    assert torch.equal(compiled(x), expected)


def test_an_op_that_raises_is_told_of_and_raises_the_same(walked):
    def f(x, i):
        y = x * 2
        return y[i]  # @fails

    compiled = torch.compile(f, backend="eager")
    compiled(X, torch.tensor([0]))
    with pytest.raises(IndexError) as alone:
        compiled(X, torch.tensor([7]))
    walked.engine.breakpoints.add(Breakpoint(filter="error"))
    with pytest.raises(IndexError) as caught:
        compiled(X, torch.tensor([7]))
    innermost = str(alone.value).partition("\n\nWhile executing")[0]
    assert str(caught.value) == innermost
    (stop,) = walked.script.stops
    assert (stop.reason, stop.line, stop.op) == ("exception", line_of(f, "fails"), "operator.getitem")
    assert compiled(X, torch.tensor([1])).tolist() == [4.0]


def test_three_threads_stop_each_in_its_own_call(walked, compiled):
    walked.line(outer, "c")
    all_stand_still = threading.Barrier(3)
    walked.script.at_stop = lambda stop: all_stand_still.wait(timeout=60)
    made = {}
    threads = [
        threading.Thread(target=lambda turn=turn: made.update({turn: compiled(X * turn, 2).item()}))
        for turn in (1, 2, 3)
    ]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert made == {1: 22.0, 2: 34.0, 3: 46.0}
    assert len({stop.thread_id for stop in walked.script.stops}) == 3
    assert sorted(stop.variables["a"] for stop in walked.script.stops) == [
        [2.0, 4.0],
        [4.0, 8.0],
        [6.0, 12.0],
    ]


def test_a_loop_that_is_unrolled_stops_in_each_turn(walked):
    def f(x):
        h = x
        for turn in range(3):
            h = h + turn
            kept = h * 2  # @body
        return kept

    compiled = torch.compile(f, backend="aot_eager")
    compiled(X)
    walked.line(f, "body")
    compiled(X)
    seen = [(stop.variables["turn"], stop.variables["h"]) for stop in walked.script.stops]
    assert seen == [(0, [1.0, 2.0]), (1, [2.0, 3.0]), (2, [4.0, 5.0])]


def test_a_loop_of_the_graph_stops_in_each_turn_with_its_number(walked):
    from torch._higher_order_ops.while_loop import while_loop

    def f(x):
        def goes_on(i, v):
            return i < 3  # @condition

        def body(i, v):
            w = v * 2
            return i + 1, w + 1  # @body

        return while_loop(goes_on, body, (torch.tensor(0), x))[1]

    compiled = torch.compile(f, backend="aot_eager")
    compiled(X)
    walked.line(f, "body")
    walked.line(f, "condition")
    assert compiled(X).tolist() == [15.0, 23.0]
    bodies = [stop for stop in walked.script.stops if stop.function.endswith("body")]
    assert [(stop.iteration, stop.variables["v"]) for stop in bodies] == [
        (0, [1.0, 2.0]),
        (1, [3.0, 5.0]),
        (2, [7.0, 11.0]),
    ]
    conditions = [stop.iteration for stop in walked.script.stops if stop not in bodies]
    assert conditions == [0, 1, 2, 3]
    assert bodies[0].stack[1][0].endswith(".f")


def test_only_the_branch_that_is_taken_stops(walked):
    def f(x):
        def positive(x):
            q = x * 2
            return q.sin()  # @positive

        def negative(x):
            return x - 1  # @negative

        return torch.cond(x.sum() > 0, positive, negative, (x,)) + 1

    compiled = torch.compile(f, backend="aot_eager")
    [compiled(X * sign) for sign in (1, -1)]
    walked.line(f, "positive")
    walked.line(f, "negative")
    [compiled(X * sign) for sign in (1, -1)]
    assert walked.script.lines == [line_of(f, "positive"), line_of(f, "negative")]
    assert walked.script.stops[0].variables["q"] == [2.0, 4.0]


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # torch's own
def test_bodies_of_checkpoints_and_autograd_functions_stop(walked):
    from torch.utils.checkpoint import checkpoint

    class Scaled(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            return y * 2  # @forward

        @staticmethod
        def backward(ctx, g):
            return g * 7

    def block(x):
        y = x.sin()
        return y.cos()  # @block

    def f(x):
        return Scaled.apply(checkpoint(block, x, use_reentrant=False)).sum()

    compiled, x = torch.compile(f, backend="aot_eager"), torch.zeros(2, requires_grad=True)
    compiled(x)
    walked.line(block, "block")
    walked.line(Scaled.forward, "forward")
    compiled(x).backward()
    assert walked.script.lines == [line_of(block, "block"), line_of(Scaled.forward, "forward")]
    assert walked.script.stops[0].variables["y"] == [0.0, 0.0]


def test_after_a_graph_break_the_function_is_one_frame_and_steps_go_on(walked):
    @torch.compiler.disable
    def tell():
        pass

    def f(x):
        y = x * 2  # @before
        tell()  # @break
        z = y + 1  # @after
        return z.sum()  # @end

    compiled = torch.compile(f, backend="aot_eager")
    compiled(X)
    walked.line(f, "before")
    walked.script.answers = [Go.OVER, Go.OVER, Go.OVER]
    compiled(X)
    assert walked.script.lines == [line_of(f, marker) for marker in ("before", "break", "after", "end")]
    assert len({stop.depth for stop in walked.script.stops}) == 1
    walked.script.take()
    walked.engine.breakpoints.clear()
    walked.line(f, "end")
    compiled(X)
    (stop,) = walked.script.stops
    assert stop.variables == {"y": [2.0, 4.0], "z": [3.0, 5.0], "tell": "function"}
    assert [re.sub(r".*\.", "", frame[0]) for frame in stop.stack[:2]] == [
        "f",
        "test_after_a_graph_break_the_function_is_one_frame_and_steps_go_on",
    ]


def test_variables_of_all_kinds_are_shown(walked):
    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.lin = torch.nn.Linear(2, 2)

        def forward(self, x, options):
            n = x.shape[0]
            parts = [x, x + 1]
            named = {"one": parts[0], "n": n}
            pair = (n, "text")
            layer = self.lin
            made = layer(parts[1]) * options["scale"]
            return made.sum() + named["one"].sum() + pair[0]  # @end

    model = Model()
    compiled = torch.compile(model, backend="aot_eager", dynamic=True)
    given = torch.ones(3, 2)
    compiled(given, {"scale": 2.0})
    walked.line(Model.forward, "end")
    objects = {}

    def look(stop):
        variables = stop.view.frames()[0].variables()
        objects.update(self=variables["self"] is model, layer=variables["layer"] is model.lin)
        objects.update(x=variables["x"] is given)

    walked.script.at_stop = look
    compiled(given, {"scale": 2.0})
    (stop,) = walked.script.stops
    assert objects == {"self": True, "layer": True, "x": True}
    assert stop.variables["n"] == 3
    assert stop.variables["parts"] == [plain(given), plain(given + 1)]
    assert stop.variables["named"] == {"one": plain(given), "n": 3}
    assert stop.variables["pair"] == (3, "text")
    assert stop.variables["options"] == {"scale": 2.0}


def test_a_run_to_a_line_stops_there(walked, compiled):
    walked.line(outer, "constant")
    walked.script.answers = [Action(Go.TO, __file__, line_of(inner, "inner_return"))]
    compiled(X, 2)
    assert walked.script.lines == [line_of(outer, "constant"), line_of(inner, "inner_return")]


class Shifted(torch.nn.Module):
    def forward(self, x):
        return x + 1  # @shifted


def test_a_compiled_module_of_torchs_own_has_its_forwards_name(walked):
    named = []
    walked.script.at_stop = lambda stop: named.append(stop.view.walk.function)
    walked.line(Shifted.forward, "shifted")
    torch.compile(torch.nn.Sequential(Shifted()), backend="eager")(torch.ones(2))
    assert named == ["Sequential.forward"]

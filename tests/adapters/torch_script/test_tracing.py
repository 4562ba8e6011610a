"""`torch.jit.trace`: each tracing, the check told apart, and what it took for good."""

from __future__ import annotations

import contextlib
import random
import warnings

import pytest

from adapters.torch_script.told import (
    IGNORE_DEPRECATION,
    IGNORE_TRACER,
    causes,
    ended,
    line_of,
    names,
    sites,
    started,
)
from tracedbg.events import CauseKind, Outcome, Role, Stale, TensorSpec, TraceEnded, TraceStarted

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings(IGNORE_DEPRECATION),
    pytest.mark.filterwarnings(IGNORE_TRACER),
]


def scale(x):  # @scale
    return x * 2 + 1  # @scale_body


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = torch.nn.Linear(3, 3)

    def helper(self, x):
        return x + 1

    def forward(self, x):  # @forward
        return self.helper(self.lin(x))  # @call_of_lin


def test_a_function_is_told_with_what_it_was_traced_for(sink):
    torch.jit.trace(scale, torch.ones(2), check_trace=False)  # @trace_call
    event = started(sink, "scale")
    assert (event.traceable.file, event.traceable.line) == (__file__, line_of(__file__, "scale"))
    assert event.call_stack[0].line == line_of(__file__, "trace_call")
    assert event.options == (("mode", "trace"), ("check_trace", "False"), ("strict", "True"))
    ((name, spec),) = event.signature.arguments
    assert name == "x"
    assert isinstance(spec, TensorSpec)
    assert (spec.dtype, spec.shape) == ("float32", (2,))
    assert ended(sink, "scale").outcome is Outcome.COMPILED


def test_the_graph_of_a_module_has_the_lines_of_the_users_own_code(sink):
    torch.jit.trace(Net(), torch.ones(2, 3), check_trace=False)
    (linear,) = [site for site in sites(sink, "Net.forward") if site.op == "aten::linear"]
    assert (linear.file, linear.line) == (__file__, line_of(__file__, "call_of_lin"))
    assert linear.output == "float32[2, 3]"
    assert ended(sink, "Net.forward").op_count == 2


@pytest.mark.parametrize(
    "trace",
    [
        lambda: torch.jit.trace(scale, torch.ones(2)),
        lambda: torch.jit.trace(scale, example_kwarg_inputs={"x": torch.ones(2)}),
        lambda: torch.jit.trace(Net(), torch.ones(2, 3)),
        lambda: torch.jit.trace(Net(), example_kwarg_inputs={"x": torch.ones(2, 3)}),
        lambda: torch.jit.trace_module(Net(), {"helper": torch.ones(2)}),
    ],
    ids=["function", "function by name", "module", "module by name", "method"],
)
def test_the_check_is_a_role_of_its_own_and_no_retrace(sink, trace):
    trace()
    assert [event.role for event in sink.of(TraceStarted)] == [Role.FORWARD, Role.CHECK]
    first, check = sink.of(TraceStarted)
    assert first.traceable == check.traceable
    assert check.parent_id is None
    assert causes(sink) == [[CauseKind.FIRST_CALL]] * 2


def test_a_function_that_raises_is_a_failed_trace(sink):
    def bad(x):
        return x.no_such_attribute

    with pytest.raises(AttributeError):
        torch.jit.trace(bad, torch.ones(2))
    (end,) = sink.of(TraceEnded)
    assert end.outcome is Outcome.FAILED
    torch.jit.trace(scale, torch.ones(2), check_trace=False)
    assert started(sink, "scale").parent_id is None


def test_a_scripted_function_that_is_first_used_while_tracing_is_inside(sink):
    @torch.jit.script_if_tracing
    def loop(x, n: int):
        for _ in range(n):
            x = x + 1
        return x

    torch.jit.trace(lambda x: loop(x, 2), torch.ones(2), check_trace=False)
    (outer, inner) = sink.of(TraceStarted)
    assert inner.parent_id == outer.id
    assert inner.options == (("mode", "script"),)


def test_tracing_the_same_for_the_same_again_is_a_new_function_object(sink):
    net = Net()
    for _ in range(2):
        torch.jit.trace(scale, torch.ones(2))
        torch.jit.trace(net, torch.ones(2, 3), check_trace=False)
    first, again = [CauseKind.FIRST_CALL], [CauseKind.NEW_FUNCTION_OBJECT]
    assert causes(sink) == [first, first, first, again, first, again]


def test_tracing_for_another_shape_mode_or_module_is_done_for_a_reason(sink):
    net = Net()
    torch.jit.trace(scale, torch.ones(2), check_trace=False)
    torch.jit.trace(scale, torch.ones(3), check_trace=False)
    for module, is_training in ((net, True), (net, False), (Net(), False)):
        torch.jit.trace(module.train(is_training), torch.ones(2, 3), check_trace=False)
    assert causes(sink) == [[CauseKind.FIRST_CALL]] * 5


# --- what tracing takes for good ----------------------------------------------------------------


def branches(x):
    n = int(x.sum())  # @int
    rows = [row for row in x]  # @loop
    while x.sum() < 10:  # @while
        x = x + 1
    if x.sum() > 0:  # @if
        return rows[0] * n
    return -x


def told(sink):
    return [(s.kind, s.name, s.frame.line, s.then) for s in sink.of(Stale)]


def test_each_value_and_branch_that_is_baked_in_is_told_with_its_line_and_value(sink):
    torch.jit.trace(branches, torch.ones(2))
    assert told(sink) == [
        ("baked_branch", "int(x.sum())", line_of(__file__, "int"), "2"),
        ("baked_branch", "[row for row in x]", line_of(__file__, "loop"), ""),
        ("baked_branch", "x.sum() < 10", line_of(__file__, "while"), "True, True, True, True, False"),
        ("baked_branch", "x.sum() > 0", line_of(__file__, "if"), "True"),
    ]
    for stale in sink.of(Stale):
        assert (stale.function, stale.frame.file) == (sink.of(TraceStarted)[0].traceable, __file__)
        assert stale.trace_id == sink.of(TraceStarted)[0].id


def test_a_function_without_such_values_is_told_nothing_of(sink):
    torch.jit.trace(scale, torch.ones(2))
    torch.jit.trace(torch.nn.TransformerEncoderLayer(4, 2, 8).eval(), torch.rand(3, 1, 4), check_trace=False)
    assert told(sink) == []


def test_a_tensor_that_is_made_of_literals_is_the_same_in_each_call(sink):
    size = 3

    def f(x):
        y = x + torch.tensor([1.0, 2.0], dtype=x.dtype)
        return y * torch.tensor(size)  # @constructed

    torch.jit.trace(f, torch.ones(2))
    assert told(sink) == [("baked_branch", "torch.tensor(size)", line_of(__file__, "constructed"), "")]


def baked_if(x):
    if x.sum() > 0:  # @baked_if
        return x
    return -x


@pytest.mark.parametrize("action", ["ignore", "once", "always", "error"])
def test_it_is_told_whatever_the_users_filters_say(sink, action):
    for _ in range(2):
        with warnings.catch_warnings(record=True):
            warnings.simplefilter(action, torch.jit.TracerWarning)
            try:
                torch.jit.trace(baked_if, torch.ones(2), check_trace=False)
            except SystemError:  # torch goes on with the warning raised
                assert action == "error"
    then = "" if action == "error" else "True"
    assert told(sink) == [("baked_branch", "x.sum() > 0", line_of(__file__, "baked_if"), then)] * 2


def test_a_check_that_sees_another_result_is_told_unless_the_trace_is_random_itself(sink):
    def python_random(x):
        return x * random.random()

    def torch_random(x):
        return x + torch.rand(2)

    for function in (python_random, torch_random):
        with contextlib.suppress(torch.jit.TracingCheckError):
            torch.jit.trace(function, torch.ones(2))
    ((kind, name, line, _),) = told(sink)
    assert (kind, name) == ("mismatch", "output 1")
    assert line == sink.of(TraceStarted)[0].traceable.line


def test_a_tensor_that_is_used_outside_of_a_trace_is_not_listened_to(sink):
    kept = vars(torch.Tensor).get("__bool__")
    assert bool(torch.ones(1))
    torch.jit.trace(baked_if, torch.ones(2), check_trace=False)
    assert vars(torch.Tensor).get("__bool__") is kept is None
    assert names(sink) == ["baked_if"]

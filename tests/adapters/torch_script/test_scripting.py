"""`torch.jit.script`: what was compiled, once each, where, how long, with which graph."""

from __future__ import annotations

import pytest

from adapters.torch_script.told import IGNORE_DEPRECATION, causes, ended, line_of, names, sites, started
from tracedbg.events import (
    CauseKind,
    Framework,
    GraphMade,
    Outcome,
    PhaseSpan,
    Role,
    TraceEnded,
    TraceStarted,
)

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings(IGNORE_DEPRECATION)]


def helper(x):
    return x * 2 + 1  # @helper_body


def outer(x, n: int):  # @outer
    y = helper(x)
    for _ in range(n):
        if y.sum() > 0:  # @condition
            y = y.relu()
    return y


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = torch.nn.Linear(3, 3)
        self.act = torch.nn.ReLU()

    def shift(self, x):
        return x + 1

    @torch.jit.export
    def double(self, x):
        return x * 2

    def forward(self, x):  # @forward
        return self.act(self.shift(self.lin(x)))


def test_a_function_is_told_with_its_place_time_and_caller(sink):
    torch.jit.script(outer)  # @script_call
    event, end = started(sink, "outer"), ended(sink, "outer")
    assert (event.traceable.framework, event.traceable.file) == (Framework.TORCH_JIT, __file__)
    assert event.traceable.line == line_of(__file__, "outer")
    assert event.traceable.is_user
    assert event.call_stack[0].line == line_of(__file__, "script_call")
    assert (event.role, event.parent_id, event.options) == (Role.FORWARD, None, (("mode", "script"),))
    assert end.outcome is Outcome.COMPILED
    assert end.end_ns > event.start_ns
    (parse,) = sink.of(PhaseSpan, trace_id=event.id)
    assert parse.name == "parse"
    assert event.start_ns <= parse.start_ns < parse.start_ns + parse.duration_ns < end.end_ns


def test_the_start_is_on_disk_before_torch_compiles(sink):
    torch.jit.script(helper)
    at = sink.events.index(started(sink, "helper"))
    assert sink.flushed[0] == at + 1


def test_a_helper_is_inside_the_function_that_calls_it(sink):
    torch.jit.script(outer)
    assert started(sink, "helper").parent_id == started(sink, "outer").id


def test_the_graph_has_torchs_nodes_with_the_users_lines(sink):
    compiled = torch.jit.script(outer)
    found = sites(sink, "outer")

    def nodes(block):
        for node in block.nodes():
            yield node.kind()
            for inner in node.blocks():
                yield from nodes(inner)

    assert [site.op for site in found] == list(nodes(compiled.graph))
    lines = {site.op: site.line for site in found if site.file == __file__}
    assert lines["aten::gt"] == line_of(__file__, "condition")
    computing = [site.op for site in found if site.op not in ("prim::Constant", "prim::GetAttr")]
    assert ended(sink, "outer").op_count == len(computing)


def test_the_nodes_of_loops_and_branches_are_inside_the_node_that_runs_them(sink):
    torch.jit.script(outer)
    (outer_graph,) = [made for made in sink.of(GraphMade) if any("Loop" in site.op for site in made.sites)]
    found = {site.op: site for site in outer_graph.sites}
    loop, branch = found["prim::Loop"], found["prim::If"]
    assert (loop.inside, branch.inside) == ("", f"{loop.name}/body")
    assert found["aten::relu"].inside == f"{branch.name}/then"


def test_what_torch_has_compiled_before_is_no_compile(sink):
    assert torch.jit.script(outer).qualified_name == torch.jit.script(outer).qualified_name
    torch.jit.script(Net())
    count = len(sink.of(TraceStarted))
    torch.jit.script(Net())
    assert len(sink.of(TraceStarted)) == count
    assert sorted(names(sink, parent_id=None)) == ["Net.forward", "outer"]


def test_each_method_of_a_module_is_told_and_its_submodules_are_inside(sink):
    torch.jit.script(Net())
    top = started(sink, "Net.forward")
    assert top.traceable.line == line_of(__file__, "forward")
    inside = {event.traceable.name: event for event in sink.of(TraceStarted, parent_id=top.id)}
    assert set(inside) == {"Net.double", "Linear.forward", "ReLU.forward", "Net.shift"}
    assert [name for name, event in inside.items() if event.traceable.is_user] == ["Net.double", "Net.shift"]
    assert all(end.outcome is Outcome.COMPILED for end in sink.of(TraceEnded))
    graphs = {event.trace_id for event in sink.of(GraphMade)}
    assert graphs == {event.id for event in sink.of(TraceStarted) if event.traceable.is_user}
    assert all(end.op_count > 0 for end in sink.of(TraceEnded)), "those of the library's are counted"
    assert ended(sink, "Net.double").end_ns < ended(sink, "Net.forward").end_ns


def test_a_class_is_told_by_its_own_line(sink):
    class Point:  # @point
        def __init__(self, x: int):
            self.x = x

    torch.jit.script(Point)
    event = started(sink, "test_a_class_is_told_by_its_own_line.Point")
    assert event.traceable.line == line_of(__file__, "point")
    assert ended(sink, event.traceable.name).outcome is Outcome.COMPILED


def test_code_that_cannot_be_compiled_is_a_failed_trace(sink):
    def unknown_name(x):
        return no_such_function(x)  # noqa: F821

    def unknown_syntax(x):
        try:
            return x
        finally:
            pass

    class Bad(torch.nn.Module):
        def forward(self, x):
            return self.part(x) + self.rest()

        def part(self, x):
            return x + 1

        def rest(self):
            return no_such_function()  # noqa: F821

    for bad in (unknown_name, unknown_syntax, Bad()):
        with pytest.raises((RuntimeError, torch.jit.frontend.NotSupportedError)):
            torch.jit.script(bad)
    outcomes = {event.traceable.name.rpartition(".")[2]: None for event in sink.of(TraceStarted)}
    for event in sink.of(TraceStarted):
        (end,) = sink.of(TraceEnded, id=event.id)
        outcomes[event.traceable.name.rpartition(".")[2]] = end.outcome
    assert outcomes == {
        "unknown_name": Outcome.FAILED,
        "unknown_syntax": Outcome.FAILED,
        "forward": Outcome.FAILED,
        "part": Outcome.COMPILED,
        "rest": Outcome.FAILED,
    }


def test_after_a_failure_the_next_compile_is_inside_nothing(sink):
    def bad(x):
        return no_such_function(x)  # noqa: F821

    with pytest.raises(RuntimeError):
        torch.jit.script(bad)
    torch.jit.script(helper)
    assert started(sink, "helper").parent_id is None


def over_nothing():
    def made(x):
        return x + 1

    return torch.jit.script(made)


def over(helper):
    def made(x):
        return helper(x)

    return torch.jit.script(made)


def test_a_function_that_is_made_and_scripted_again_and_again_is_a_new_function_object(sink):
    for _ in range(3):
        over_nothing()
    again = [CauseKind.NEW_FUNCTION_OBJECT]
    assert causes(sink) == [[CauseKind.FIRST_CALL], again, again]
    assert [event.cached_count for event in sink.of(TraceStarted)] == [0, 1, 2]


def test_functions_over_other_functions_are_made_for_a_reason(sink):
    for function in (torch.relu, torch.tanh):
        over(function)
    assert causes(sink) == [[CauseKind.FIRST_CALL]] * 2

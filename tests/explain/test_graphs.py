"""Which graph is meant, and which ops belong to which line."""

from __future__ import annotations

import pytest

from recordings import Process, Ran, Timeline, function
from tracedbg import events as ev
from tracedbg.errors import UsageError
from tracedbg.explain.graphs import STAGES, by_line, choose, graphs_of
from tracedbg.ran import StepGraph
from tracedbg.store.records import GraphInfo

SITES = (ev.OpSite("x", "placeholder", (), "", "train.py", 11),)


class WithGraphs(Process):
    """A process whose traces made graphs of some stages."""

    stages: dict[int, tuple[str, ...]]

    def graph_infos(self):
        return [
            GraphInfo(10 * trace + at, trace, stage, 1)
            for trace, stages in self.stages.items()
            for at, stage in enumerate(stages)
        ]

    def graph(self, number):
        return ev.GraphMade(number // 10, "", SITES)


def process(*traces, stages=None, steps=()):
    made = WithGraphs(list(traces), ran=Ran(all_step_graphs=list(steps)))
    made.stages = stages or {trace.started.id: ("dynamo",) for trace in traces}
    return made


def traced(*functions, **more):
    timeline = Timeline()
    return process(*(timeline.trace(of) for of in functions), **more)


def chosen(graphs, name, **more):
    found = choose(graphs, name, **more)
    return found.function.name, found.stage, found.number


def test_the_last_trace_is_meant_unless_another_is_named():
    graphs = graphs_of([traced(function(), function(), function())])
    assert chosen(graphs, "step") == ("step", "dynamo", 3)
    assert chosen(graphs, "step#1") == chosen(graphs, "step", number=1) == ("step", "dynamo", 1)


def test_a_trace_that_made_no_graph_keeps_its_number():
    graphs = graphs_of([traced(function(), function(), function(), stages={1: ("dynamo",), 3: ("dynamo",)})])
    assert [one.number for one in graphs] == [1, 3]
    with pytest.raises(UsageError) as caught:
        choose(graphs, "step#2")
    assert str(caught.value) == "step has no dynamo graph number 2; it has 1, 3"


def test_numbers_go_on_in_the_next_process():
    graphs = graphs_of([traced(function(), function()), traced(function())])
    assert [one.number for one in graphs] == [1, 2, 3]
    with pytest.raises(UsageError) as caught:
        choose(graphs, "step", number=4)
    assert str(caught.value) == "step has no dynamo graph number 4; it has 1 to 3"


@pytest.mark.parametrize(
    "name",
    [
        "Model.forward",
        "forward",
        "train.Model.forward",
        "me.train.Model.forward",
        "train.py:20",
        "me/train.py:20",
    ],
)
def test_a_function_is_named_by_the_end_of_its_whole_name_or_by_its_line(name):
    graphs = graphs_of([traced(function("Model.forward", 20), function("step", 10))])
    assert chosen(graphs, name) == ("Model.forward", "dynamo", 1)


def test_an_exact_name_goes_before_the_end_of_another():
    graphs = graphs_of([traced(function("Model.forward", 20), function("forward", 10))])
    assert choose(graphs, "forward").function.line == 10


def test_a_name_of_several_functions_is_refused_with_all_of_them():
    graphs = graphs_of([traced(function("A.forward", 20), function("B.forward", 30), function("other", 5))])
    with pytest.raises(UsageError) as caught:
        choose(graphs, "forward")
    assert str(caught.value) == (
        "'forward' is the name of 2 functions: name one as FILE:LINE; there are graphs of\n"
        "  A.forward  /home/me/train.py:20  1 dynamo\n"
        "  B.forward  /home/me/train.py:30  1 dynamo"
    )


def test_a_name_that_no_function_has_is_told_with_what_there_is():
    functions = [function(f"f{at}", at) for at in range(1, 24)]
    with pytest.raises(UsageError) as caught:
        choose(graphs_of([traced(*functions)]), "nope")
    first, *rest = str(caught.value).splitlines()
    assert first == "no graph was recorded of a function 'nope'; there are graphs of"
    assert (len(rest), rest[0], rest[-1]) == (21, "  f1  /home/me/train.py:1  1 dynamo", "  and 3 more")


def test_a_run_without_graphs_is_told():
    with pytest.raises(UsageError) as caught:
        choose([], "step")
    assert str(caught.value) == "no graph was recorded of a function 'step': there are no graphs in this run"


def test_a_stage_is_the_functions_own_unless_another_is_named():
    made = traced(function(), stages={1: ("aot_backward", "aot_forward", "dynamo")})
    graphs = graphs_of([made])
    assert chosen(graphs, "step") == ("step", "dynamo", 1)
    assert chosen(graphs, "step", stage="aot_backward") == ("step", "aot_backward", 1)
    with pytest.raises(UsageError) as caught:
        choose(graphs, "step", stage="tape")
    assert (
        str(caught.value) == "step has no graph of the stage tape; it has dynamo, aot_forward, aot_backward"
    )


def test_a_trace_that_is_named_twice_is_refused():
    graphs = graphs_of([traced(function())])
    with pytest.raises(UsageError) as caught:
        choose(graphs, "step#2", number=1)
    assert str(caught.value) == "--graph step#2 names another trace than --trace 1: leave out one of them"


def test_the_gradient_of_a_graph_is_a_stage_of_its_function():
    timeline = Timeline()
    traces = [timeline.trace(), timeline.trace(role=ev.Role.BACKWARD)]
    graphs = graphs_of([process(*traces, stages={1: ("func_graph",), 2: ("func_graph",)})])
    assert chosen(graphs, "step") == ("step", "func_graph", 1)
    assert chosen(graphs, "step", stage="backward") == ("step", "backward", 1)


def test_the_graphs_of_eager_steps_are_among_them():
    of = function("train", 60, ev.Framework.AUTOGRAD)
    steps = [StepGraph(of, "autograd", str(at), SITES, step=3 * at, time_ns=0, left_out=at) for at in (1, 2)]
    graphs = graphs_of([process(steps=steps)])
    found = choose(graphs, "train", stage="autograd")
    assert (found.number, found.label, found.left_out, found.read()) == (2, "step 6", 2, SITES)


def test_the_parts_that_a_backend_cuts_a_graph_in_are_told_apart():
    graphs = graphs_of([traced(function(), stages={1: ("dynamo", "aot_forward", "aot_forward")})])
    parts = [choose(graphs, f"step{end}", stage="aot_forward") for end in ("", "#1", "#1.1", "#1.2")]
    assert [one.part for one in parts] == [1, 1, 1, 2]
    with pytest.raises(UsageError) as caught:
        choose(graphs, "step#1.3", stage="aot_forward")
    assert str(caught.value) == "step has no aot_forward graph number 1.3: leave out the .3"


def test_what_is_left_of_a_function_after_a_graph_break_is_known_to_be_its_rest():
    rest = function("torch_dynamo_resume_in_step_at_12", 12, ev.Framework.TORCH_COMPILE, owner="step")
    whole, part, other = graphs_of([traced(function(), rest, function("other", 40))])
    assert (part.is_rest_of(whole), whole.is_rest_of(part), part.is_rest_of(other)) == (True, False, False)


def test_every_stage_that_can_be_asked_for_is_known():
    from tracedbg.cli.report_graph import STAGES as ASKED

    assert tuple(STAGES) == ASKED


# --- by line ----------------------------------------------------------------------------------


def test_bodies_stand_below_the_op_that_runs_them():
    sites = (
        ev.OpSite("while", "While", (), "", "a.py", 2),
        ev.OpSite("while/cond/lt", "Less", (), "", "a.py", 2, "while/cond"),
        ev.OpSite("while/body/if", "If", (), "", "b.py", 7, "while/body"),
        ev.OpSite("while/body/if/then/x", "Sin", (), "", "b.py", 8, "while/body/if/then"),
        ev.OpSite("add", "Add", (), "", "a.py", 3),
    )
    lines = by_line(sites)
    assert {file: [*numbers] for file, numbers in lines.files.items()} == {"a.py": [2, 3]}
    (loop,) = lines.files["a.py"][2]
    assert [*loop.bodies] == ["cond", "body"]
    (condition,) = loop.bodies["body"].files["b.py"][7]
    assert condition.bodies["then"].files["b.py"][8][0].site.op == "Sin"


def test_ops_inside_of_one_that_is_not_there_are_not_lost():
    lines = by_line([ev.OpSite("gone/body/x", "Sin", (), "", "a.py", 2, "gone/body")])
    assert [op.site.op for op in lines.files["a.py"][2]] == ["Sin"]

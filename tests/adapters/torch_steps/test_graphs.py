"""Changes of graphs are told with the lines where they begin; steps that are alike are no changes."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from adapters.torch_steps import programs  # noqa: E402

SOURCE = Path(programs.__file__)
HERE = Path(__file__)


def line(marker, file=SOURCE):
    """The line with that marker at its end."""
    lines = file.read_text(encoding="utf-8").splitlines()
    (found,) = [number for number, text in enumerate(lines, 1) if text.endswith(f"# @{marker}")]
    return found


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def branching():
    """A model with its first layer such that signs of batches decide."""
    model = programs.Branching()
    torch.nn.init.eye_(model.first.weight)
    torch.nn.init.zeros_(model.first.bias)
    return model


def test_a_branch_that_a_tensor_decides_is_told_with_both_lines(with_lines):
    with with_lines() as steps:
        programs.train(branching(), programs.signs(1, 1, -1, 1))
    found = steps.only()
    (change,) = found.changes
    assert change.message == (
        f"diverges at node 2: MulBackward0 (programs.py:{line('mul')}) ->"
        f" AddBackward0 (programs.py:{line('add')})"
    )
    assert (change.file, change.line) == (str(SOURCE), line("if"))
    assert (change.count, change.back, change.step, change.graphs) == (2, 1, 3, 2)
    assert (found.name, found.file, found.line) == ("train", str(SOURCE), line("backward"))
    assert (found.steps, found.looked_at, found.graphs, found.nodes) == (4, 4, 2, 4)


def test_without_the_observer_the_same_is_told_without_lines(without_lines):
    with without_lines() as steps:
        programs.train(branching(), programs.signs(1, 1, -1, 1))
    (change,) = steps.only().changes
    assert change.message == "diverges at node 2: MulBackward0 -> AddBackward0"
    assert (change.count, change.back, change.step) == (2, 1, 3)


def test_branches_of_the_same_ops_are_two_graphs_by_their_lines(with_lines):
    with with_lines() as steps:
        programs.train(programs.SameOps(), programs.signs(1, -1))
    (change,) = steps.only().changes
    assert change.message == (
        f"diverges at node 0: TBackward0 (programs.py:{line('first')}) ->"
        f" TBackward0 (programs.py:{line('second')})"
    )
    assert change.line == line("if same")


def test_branches_that_call_one_class_are_told_by_their_calls(with_lines):
    with with_lines() as steps:
        programs.train(programs.Experts(), programs.signs(1, -1))
    (change,) = steps.only().changes
    node = f"TBackward0 (programs.py:{line('linear')})"
    assert change.message == (
        f"diverges at node 0: {node} from programs.py:{line('first expert')} ->"
        f" {node} from programs.py:{line('second expert')}"
    )
    assert change.line == line("if expert")


def test_a_dropped_block_is_told_by_the_loop_that_calls_it(with_lines):
    x = torch.ones(2, 4)
    with with_lines() as steps:
        programs.train(programs.Experts(), [(x, ()), (x, (1,)), (x, (0, 2)), (x, ())])
    (change,) = steps.only().changes
    assert change.message == f"the loop at programs.py:{line('blocks')} ran 1, 2 or 3 times"
    assert (change.count, change.line) == (3, line("blocks"))


def test_two_graphs_that_alternate_are_one_change(either):
    with either() as steps:
        programs.train(branching(), programs.signs(*(1, -1) * 4))
    (change,) = steps.only().changes
    assert (change.count, change.back, change.graphs) == (7, 3, 2)


def test_a_loop_over_varying_lengths_is_one_change(with_lines):
    with with_lines() as steps:
        programs.train(programs.Recurrent(), [torch.randn(length, 4) for length in (3, 3, 5, 2, 7)])
    (change,) = steps.only().changes
    assert change.message == f"the loop at programs.py:{line('loop')} ran 2, 3, 5 or 7 times"
    assert (change.kind, change.count, change.turns) == ("turns", 3, (2, 3, 5, 7))


def test_a_dropped_layer_is_a_turn_less(with_lines):
    x = torch.randn(2, 4)
    with with_lines() as steps:
        programs.train(programs.LayerDrop(), [(x, ()), (x, (2,)), (x, (2,)), (x, (0, 5)), (x, ())])
    (change,) = steps.only().changes
    assert change.message == f"the loop at programs.py:{line('layers')} ran 4, 5 or 6 times"
    assert change.count == 3


def test_equal_steps_are_no_change(either):
    with either() as steps:
        programs.train(programs.LayerDrop(), [torch.randn(size, 4) for size in (2, 3, 2, 5)])
    found = steps.only()
    assert (found.steps, found.graphs, found.changes) == (4, 1, ())


def test_leaves_of_another_shape_are_another_graph(either):
    with either() as steps:
        for size in (2, 3):
            x = torch.ones(size, requires_grad=True)
            x.exp().sum().backward()
    (change,) = steps.only().changes
    assert (change.kind, change.message.partition(" takes ")[2]) == (
        "inputs",
        "leaf0[3] instead of leaf0[2]",
    )


def test_each_line_that_calls_backward_is_a_place_of_its_own(either):
    x = torch.ones(3, requires_grad=True)
    with either() as steps:
        for _ in range(3):
            x.exp().sum().backward()  # @exp
            torch.autograd.grad(x.sin().cos().sum(), x)  # @grad
    found = {one.line: (one.steps, one.graphs, one.changes) for one in steps.summary()}
    assert found == {line("exp", HERE): (3, 1, ()), line("grad", HERE): (3, 1, ())}


def test_calls_of_one_helper_are_compared_among_themselves(either):
    def step(loss):
        loss.backward()

    x = torch.ones(3, requires_grad=True)
    with either() as steps:
        for _ in range(3):
            step(x.exp().sum())
            step(x.sin().cos().sum())
    assert [(one.name.rpartition(".")[2], one.changes) for one in steps.summary()] == [("step", ())]
    assert steps.count == 6


def test_one_graph_that_is_built_from_two_lines_is_one_graph(either):
    x = torch.ones(3, requires_grad=True)

    def step():
        y = x.exp()
        y.sum().backward()

    with either() as steps:
        for _ in range(2):
            step()
        for _ in range(2):
            step()
    found = steps.only()
    assert (found.steps, found.graphs, found.changes) == (4, 1, ())


def test_threads_are_told_together_and_compared_apart(either):
    x = torch.ones(3, requires_grad=True)

    def work(function):
        for _ in range(5):
            torch.autograd.grad(function(x).sum(), x)

    with either() as steps:
        threads = [threading.Thread(target=work, args=(one,)) for one in (torch.exp, torch.sin)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = steps.only()
    assert (found.steps, found.graphs, found.changes) == (10, 2, ())


def test_a_second_derivative_is_a_step_with_a_larger_graph(either):
    x = torch.ones(3, requires_grad=True)
    with either() as steps:
        for _ in range(2):
            (slope,) = torch.autograd.grad(x.exp().sum(), x, create_graph=True)  # @slope
            slope.sum().backward()  # @curve
    nodes = {one.line: (one.steps, one.nodes, one.changes) for one in steps.summary()}
    assert nodes[line("slope", HERE)] == (2, 2, ())
    assert nodes[line("curve", HERE)][0::2] == (2, ())
    assert nodes[line("curve", HERE)][1] > 2


def test_a_graph_that_is_used_twice_counts_twice(either):
    x = torch.ones(3, requires_grad=True)
    with either() as steps:
        loss = x.exp().sum()
        for _ in range(2):
            loss.backward(retain_graph=True)
    assert (steps.only().steps, steps.only().graphs) == (2, 1)


def test_a_gradient_edge_is_read_as_well(either):
    x = torch.ones(3, requires_grad=True)
    with either() as steps:
        y = x.exp().sin()
        edge = torch.autograd.graph.get_gradient_edge(y)
        torch.autograd.grad(edge, x, grad_outputs=torch.ones(3))
    (graph,) = steps.graphs
    assert [site.op for site in graph.sites] == ["ExpBackward0", "SinBackward0"]


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x * 2)
        return x * 2

    @staticmethod
    def backward(ctx, gradient):
        (_,) = ctx.saved_tensors
        return gradient * 2


class Tripled(Doubled):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x * 3)
        return x * 3


def test_custom_functions_are_nodes_by_their_names(either):
    x = torch.ones(3, requires_grad=True)
    with either() as steps:
        for function in (Doubled, Tripled):
            function.apply(x).sum().backward()
    (change,) = steps.only().changes
    assert (change.node, change.before.op, change.after.op) == (0, "DoubledBackward", "TripledBackward")
    assert [one.saved_bytes for one in steps.only().costs] == [12]


def test_nodes_of_a_graph_name_what_they_come_from(either):
    x, y = torch.ones(2, requires_grad=True), torch.ones(2)
    with either() as steps:
        (x.exp() * y + x).sum().backward()
    (graph,) = steps.graphs
    assert [(site.name, site.op, site.inputs) for site in graph.sites] == [
        ("ExpBackward_0", "ExpBackward0", ("leaf0[2]",)),
        ("MulBackward_1", "MulBackward0", ("ExpBackward_0", "no gradient")),
        ("AddBackward_2", "AddBackward0", ("MulBackward_1", "leaf0[2]")),
        ("SumBackward_3", "SumBackward0", ("AddBackward_2",)),
    ]


def test_a_compiled_function_is_one_node(either):
    torch._dynamo.reset()
    compiled = torch.compile(lambda x: x.exp().sin().sum(), backend="aot_eager")
    x = torch.ones(3, requires_grad=True)
    with either() as steps:
        for _ in range(3):
            compiled(x).backward()
    found = steps.only()
    assert (found.steps, found.changes) == (3, ())
    assert [site.op for site in steps.graphs[0].sites] == ["CompiledFunctionBackward"]


def test_a_tensor_without_a_graph_is_a_step_of_nothing(either):
    x = torch.ones((), requires_grad=True)
    with either() as steps:
        x.backward()
    assert (steps.count, steps.graphs) == (1, [])

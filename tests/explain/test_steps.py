"""Changes of graphs, grouped by where they begin, and what lines cost."""

from __future__ import annotations

from textwrap import dedent

import pytest

from recordings import Process, Ran, Run, function
from tracedbg import ran
from tracedbg.events import Frame, Framework, OpSite
from tracedbg.explain import summarise

MODEL = dedent(
    """\
    def forward(x, n):
        if x.sum() > 0:
            x = x * 2
        else:
            x = x + 2
        for turn in range(n):
            x = step(
                x
            )
        if n:
            x = x.exp()
        return x
    """
)


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.py"
    path.write_text(MODEL, encoding="utf-8")
    return str(path)


def graph(file, fingerprint, text, of=None, kind="autograd", **more):
    sites = tuple(
        OpSite(f"n{at}", op, (f"n{at - 1}",) if at else (), "", file, int(line))
        for at, (op, line) in enumerate(word.split(":") for word in text.split())
    )
    return ran.StepGraph(of or TRAIN, kind, fingerprint, sites, 1, 0, **more)


TRAIN = function("train", 60, Framework.AUTOGRAD)


def steps(*changes, of=TRAIN, kind="autograd", lines=(), count=10):
    told = tuple(ran.StepChange(before, after, times, step) for before, after, times, step in changes)
    return ran.StepsSeen(of, kind, count, count, told, tuple(lines))


def summary(*told, ops=()):
    graphs = [one for one in told if isinstance(one, ran.StepGraph)]
    seen = [one for one in told if isinstance(one, ran.StepsSeen)]
    return summarise(Run(Process(ran=Ran(all_step_graphs=graphs, all_steps=seen, all_ops=list(ops))))).steps


def test_a_branch_is_told_by_its_if_and_both_ways_are_one_change(model):
    (found,) = summary(
        graph(model, "a", "Mm:1 Mul:3 Sum:12"),
        graph(model, "b", "Mm:1 Add:5 Sum:12"),
        steps(("a", "b", 4, 2), ("b", "a", 3, 3)),
    )
    (change,) = found.changes
    assert change.message == "diverges at node 1: Mul (model.py:3) -> Add (model.py:5)"
    assert (change.kind, change.count, change.back, change.step, change.graphs) == ("other", 7, 3, 2, 2)
    assert (change.file, change.line) == (model, 2)
    assert change.advice == (
        "if it is to be compiled: a Python branch is a retrace for each side, or a graph break where a tensor"
        " decides; torch.where or torch.cond keep both sides in one graph"
    )
    assert (found.steps, found.graphs, found.nodes, found.changed) == (10, 2, 3, 7)


def test_a_loop_is_told_by_its_for_and_all_numbers_of_turns_are_one_change(model):
    told = [graph(model, str(n), "Mm:1 " + "Mul:8 Add:8 " * n + "Sum:12") for n in (2, 3, 5)]
    (found,) = summary(*told, steps(("2", "3", 1, 2), ("3", "5", 1, 3), ("5", "2", 1, 4)))
    (change,) = found.changes
    assert change.message == "the loop at model.py:6 ran 2, 3 or 5 times"
    assert (change.kind, change.count, change.turns, change.line) == ("turns", 3, (2, 3, 5), 6)


def test_one_change_of_a_loop_says_what_then_what(model):
    told = [graph(model, str(n), "Mm:1 " + "Mul:8 " * n + "Sum:12") for n in (3, 5)]
    (found,) = summary(*told, steps(("3", "5", 1, 2)))
    assert found.changes[0].message == "the loop at model.py:6 ran 3 times, then 5"


def test_many_numbers_of_turns_are_told_as_a_range(model):
    told = [graph(model, str(n), "Mm:1 " + "Mul:8 " * n + "Sum:12") for n in range(1, 9)]
    (found,) = summary(*told, steps(*((str(n), str(n + 1), 1, n + 1) for n in range(1, 8))))
    assert found.changes[0].message == "the loop at model.py:6 ran 1 to 8 times: 8 different numbers"


def test_the_loop_that_does_the_steps_is_not_the_one_that_changed(tmp_path):
    path = tmp_path / "train.py"
    path.write_text("for batch in data:\n    loss = model(batch)\n    loss.backward()\n", encoding="utf-8")
    of = function("<module>", 3, Framework.AUTOGRAD, file=str(path))
    told = [graph(str(path), str(n), "Mm:2 Add:2 " * n + "Sum:2", of) for n in (3, 4)]
    (found,) = summary(*told, steps(("3", "4", 1, 2), of=of))
    assert found.changes[0].message == "2 nodes from Mm (train.py:2) on ran 3 times, then 4"


def test_a_line_that_two_branches_call_is_told_with_its_callers(model):
    told = []
    for fingerprint, caller in (("a", 3), ("b", 5)):
        site = OpSite("n0", "Mul", (), "", "layer.py", 7, callers=(Frame(model, caller, "forward"),))
        told.append(ran.StepGraph(TRAIN, "autograd", fingerprint, (site,), 1, 0))
    (found,) = summary(*told, steps(("a", "b", 2, 2), ("b", "a", 1, 3)))
    (change,) = found.changes
    assert change.message == (
        "diverges at node 0: Mul (layer.py:7) from model.py:3 -> Mul (layer.py:7) from model.py:5"
    )
    assert (change.file, change.line, change.count, change.back) == (model, 2, 3, 1)


def test_a_loop_around_the_call_of_a_layer_is_found_by_its_callers(model):
    def graph_of(turns):
        layer = OpSite("", "Mul", (), "", "layer.py", 7, callers=(Frame(model, 7, "forward"),))
        last = OpSite("", "Sum", (), "", model, 12, callers=(Frame(TRAIN.file, 59, "train"),))
        return ran.StepGraph(TRAIN, "autograd", str(turns), (*(layer,) * turns, last), 1, 0)

    (found,) = summary(graph_of(4), graph_of(3), steps(("4", "3", 1, 2)))
    assert found.changes[0].message == "the loop at model.py:6 ran 4 times, then 3"


def test_a_loop_that_ran_once_or_not_at_all_is_told_as_a_loop(model):
    told = [graph(model, str(n), "Mm:1 " + "Mul:8 Exp:8 " * n + "Sum:12") for n in (0, 1, 2)]
    (found,) = summary(*told, steps(("0", "1", 2, 2), ("1", "0", 1, 3), ("1", "2", 1, 9)))
    (change,) = found.changes
    assert change.message == "the loop at model.py:6 ran 0, 1 or 2 times"
    assert (change.kind, change.count, change.turns) == ("turns", 4, (0, 1, 2))


def test_nodes_that_come_and_go_are_told_by_the_if_above_them(model):
    (found,) = summary(
        graph(model, "a", "Mm:1 Sum:12"),
        graph(model, "b", "Mm:1 Exp:11 Sum:12"),
        steps(("a", "b", 1, 2)),
    )
    (change,) = found.changes
    assert change.message == "diverges at node 1: Sum (model.py:12) -> Exp (model.py:11)"
    assert (change.kind, change.line) == ("extra", 10)


def test_a_graph_that_was_not_kept_is_said_to_be_unknown(model):
    (found,) = summary(graph(model, "a", "Mm:1"), steps(("a", "z", 2, 2), ("y", "z", 1, 5)))
    (change,) = found.changes
    assert (change.kind, change.count, change.advice) == ("unknown", 3, "")
    assert change.message == "the graphs were not kept: there were too many"


def test_lines_that_are_not_known_are_left_out_of_the_message():
    (found,) = summary(graph("", "a", "Mm:0 Mul:0"), graph("", "b", "Mm:0 Add:0"), steps(("a", "b", 1, 2)))
    (change,) = found.changes
    assert change.message == "diverges at node 1: Mul -> Add"
    assert (change.file, change.line) == (TRAIN.file, TRAIN.line)


def test_a_tape_has_advice_for_tensorflow(model):
    (found,) = summary(
        graph(model, "a", "Mul:3", kind="tape"),
        graph(model, "b", "Add:5", kind="tape"),
        steps(("a", "b", 1, 2), kind="tape"),
    )
    assert found.changes[0].advice.startswith("if it is to be a tf.function: a Python branch is a retrace")


def test_processes_are_told_together(model):
    told = Ran(
        all_step_graphs=[graph(model, "a", "Mul:3"), graph(model, "b", "Add:5")],
        all_steps=[steps(("a", "b", 1, 2))],
    )
    (found,) = summarise(Run(Process(ran=told), Process(ran=told))).steps
    assert (found.steps, found.changes[0].count, found.graphs) == (20, 2, 2)


def test_places_without_changes_come_last(model):
    other = function("other", 5, Framework.AUTOGRAD)
    found = summary(
        steps(of=other, count=100),
        graph(model, "a", "Mul:3"),
        graph(model, "b", "Add:5"),
        steps(("a", "b", 1, 2)),
    )
    assert [one.name for one in found] == ["train", "other"]


def backward_op(frame, duration_ns, **more):
    kind = ran.OpKind("torch", "aten::mm", stack=(frame,), is_backward=True, **more)
    return ran.OpsSeen("RecordFunction", (ran.OpTotal(kind, 1, 1, duration_ns, duration_ns, 1),))


def test_backward_time_of_a_line_comes_from_the_ops_of_its_backward():
    line = Frame("m.py", 3, "forward")
    lines = [ran.StepLine(line, nodes=5, backward_ns=0, saved_bytes=100)]
    (found,) = summary(
        steps(lines=lines),
        ops=[backward_op(line, 5_000_000), backward_op(line, 1_000_000, is_outer=False)],
    )
    (cost,) = found.costs
    assert (cost.nodes, cost.saved_bytes, cost.backward_seconds) == (5, 100, 0.005)


def test_functions_that_share_a_line_share_its_time_by_their_nodes():
    line, other = Frame("m.py", 3, "forward"), function("other", 5, Framework.AUTOGRAD)
    found = summary(
        steps(lines=[ran.StepLine(line, 30, 0, 10)]),
        steps(of=other, lines=[ran.StepLine(line, 10, 0, 10)]),
        ops=[backward_op(line, 8_000_000)],
    )
    assert {one.name: one.backward_seconds for one in found} == {"train": 0.006, "other": 0.002}


def test_time_that_was_measured_by_step_is_taken_as_it_is():
    line = Frame("m.py", 3, "forward")
    (found,) = summary(
        steps(lines=[ran.StepLine(line, 5, 2_000_000, 100)]), ops=[backward_op(line, 5_000_000)]
    )
    assert found.backward_seconds == 0.002


def test_a_sequence_has_no_part_in_the_backward_of_its_lines():
    frame = Frame("model.py", 3, "forward")
    line = ran.StepLine(frame, 10, 0, 0)
    called, trained = summary(
        steps(kind="tape", lines=[line]),
        steps(kind="sequence", lines=[line]),
        ops=[backward_op(frame, 5_000_000)],
    )
    assert [cost.backward_seconds for cost in trained.costs] == [0.005]
    assert called.costs == ()

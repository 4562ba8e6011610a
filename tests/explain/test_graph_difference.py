"""Where two graphs part: graphs are written as `Op:line Op:line`, each node takes the one before it."""

import time

import pytest

from tracedbg.events import OpSite
from tracedbg.explain.graph_difference import Graph, difference

HEAD, TURN, TAIL = "Add:1 Mm:2 ", "Mm:5 Tanh:6 Add:7 ", "Sum:9"


def graphs(*texts):
    keys = {}
    return [
        Graph(
            [
                OpSite(f"n{at}", op, (f"n{at - 1}",) if at else (), "", "m.py", int(line))
                for at, (op, line) in enumerate(word.split(":") for word in text.split())
            ],
            keys,
        )
        for text in texts
    ]


def compared(before, after):
    return difference(*graphs(before, after))


def at(site):
    return None if site is None else f"{site.op}:{site.line}"


def test_the_same_graph_does_not_differ():
    assert compared(HEAD + TURN * 3 + TAIL, HEAD + TURN * 3 + TAIL) is None


@pytest.mark.parametrize(
    ("before", "after", "kind", "node", "nodes"),
    [
        ("Mul:10 ", "Add:12 ", "other", 2, ("Mul:10", "Add:12")),
        ("Mul:10 ", "Mul:12 ", "other", 2, ("Mul:10", "Mul:12")),
        ("Mul:10 Mm:11 ", "Add:12 Sub:13 Exp:14 ", "other", 2, ("Mul:10", "Add:12")),
        ("", "Mul:10 ", "extra", 2, ("Sum:9", "Mul:10")),
        ("Mul:10 Mul:11 ", "Mul:10 ", "extra", 3, ("Mul:11", "Sum:9")),
    ],
)
def test_the_first_node_that_differs_is_told(before, after, kind, node, nodes):
    found = compared(HEAD + before + TAIL, HEAD + after + TAIL)
    assert (found.kind, found.node, (at(found.before), at(found.after))) == (kind, node, nodes)


def test_a_graph_that_ends_earlier_differs_where_it_ends():
    found = compared(HEAD + "Exp:3", HEAD)
    assert (found.kind, at(found.before), found.after) == ("extra", "Exp:3", None)


@pytest.mark.parametrize(
    ("before", "after", "turns"),
    [
        (HEAD + TURN * 3 + TAIL, HEAD + TURN * 5 + TAIL, (3, 5)),
        (HEAD + TURN * 5 + TAIL, HEAD + TURN * 3 + TAIL, (5, 3)),
        (HEAD + TURN * 1 + TAIL, HEAD + TURN * 2 + TAIL, (1, 2)),
        (HEAD + TAIL, HEAD + TURN * 4 + TAIL, (0, 4)),
        (HEAD + TURN * 3, HEAD + TURN * 4, (3, 4)),
        # the first turn has a node less: the state that it takes needs no gradient
        (HEAD + "Mm:5 Add:7 " + TURN * 2 + TAIL, HEAD + "Mm:5 Add:7 " + TURN * 4 + TAIL, (3, 5)),
        # the last turn ends by a `break` in the middle
        (HEAD + TURN * 2 + "Mm:5 " + TAIL, HEAD + TURN * 4 + "Mm:5 " + TAIL, (3, 5)),
        # a second loop has changed as well: the first one is told
        (
            HEAD + TURN * 3 + "Exp:8 " + TURN * 2 + TAIL,
            HEAD + TURN * 4 + "Exp:8 " + TURN * 3 + TAIL,
            (3, 4),
        ),
        # and what comes after the loop is something else
        (HEAD + TURN * 3 + "Exp:8 Sum:9", HEAD + TURN * 4 + "Sin:8 Cos:8", (3, 4)),
        # a loop in a loop: the inner one has run once more
        (HEAD + (TURN + "Mul:8 Mul:8 ") * 3 + TAIL, HEAD + (TURN + "Mul:8 Mul:8 ") * 4 + TAIL, (3, 4)),
    ],
)
def test_a_loop_that_ran_another_number_of_times_is_told_as_one(before, after, turns):
    found = compared(before, after)
    assert (found.kind, found.turns) == ("turns", turns)
    assert {site.line for site in found.body} <= {5, 6, 7, 8}


def test_the_same_nodes_joined_otherwise_differ_in_their_inputs():
    keys = {}
    chain = [OpSite("a", "Mm", ("leaf0[2, 2]",)), OpSite("b", "Exp", ("a",)), OpSite("c", "Add", ("a", "b"))]
    before, after = Graph(chain, keys), Graph([*chain[:2], OpSite("c", "Add", ("b", "b"))], keys)
    found = difference(before, after)
    assert (found.kind, found.node, found.before.inputs, found.after.inputs) == (
        "inputs", 2, ("a", "b"), ("b", "b"),
    )  # fmt: skip


def test_names_of_nodes_do_not_matter():
    keys = {}
    before = Graph([OpSite("a", "Mm"), OpSite("b", "Exp", ("a",))], keys)
    after = Graph([OpSite("x", "Mm"), OpSite("y", "Exp", ("x",))], keys)
    assert difference(before, after) is None


def test_the_time_to_compare_grows_as_the_graphs_do():
    def cost(turns):
        before, after = graphs(HEAD + TURN * turns + TAIL, HEAD + TURN * (turns + 1) + TAIL)
        took = []
        for _ in range(5):
            start = time.thread_time()
            assert difference(before, after).turns == (turns, turns + 1)
            took.append(time.thread_time() - start)
        return min(took)

    assert cost(3000) < 40 * cost(300)  # ten times as much; each node with each would be a hundred times

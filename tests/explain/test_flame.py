"""The tree of calls of a process: it adds up to its ledger, and stays within bounds."""

from __future__ import annotations

from dataclasses import replace

import shown

from recordings import PROCESS, Process, Ran, Run
from tracedbg import ran
from tracedbg.explain import summarise
from tracedbg.explain.flame import MAX_DEPTH, MAX_PROCESSES, flames_of

MS = 1_000_000


def sampled(*totals, **info):
    wall_ns = sum(total.wall_ns for total in totals)
    return Process(
        info=replace(PROCESS, **info), ran=Ran(all_samples=[ran.SamplesSeen(100, 0, wall_ns, 0, totals)])
    )


def told(nodes):
    """Each node in a word, with what stands below it."""
    return [
        (
            f"{node.frame.function}:{node.frame.line}" if node.frame else node.activity,
            round(node.seconds * 1e3),
            told(node.inner),
        )
        for node in nodes
    ]


def test_callers_stand_above_what_they_called_and_what_was_done_below():
    (flame,) = flames_of(
        Run(
            sampled(
                shown.sampled((12, 30), "python", 640),
                shown.sampled((14, 30), "waiting", 700),
                shown.sampled((30,), "compiled", 300),
                shown.sampled((), "unknown", 10),
            ),
            info=replace(shown.RUN, exit_code=None),
        )
    )
    assert told(flame.nodes) == [
        ("main:30", 1640, [
            ("step:14", 700, [("waiting", 700, [])]),
            ("step:12", 640, [("python", 640, [])]),
            ("compiled", 300, []),
        ]),
        ("unknown", 10, []),
    ]  # fmt: skip


def test_it_adds_up_to_the_ledger_and_comes_in_its_order():
    run = shown.with_ledger()
    flames, ledgers = flames_of(run), summarise(run).ledgers
    assert [(flame.pid, flame.seconds) for flame in flames] == [(one.pid, one.seconds) for one in ledgers]
    assert [round(sum(node.seconds for node in flame.nodes), 9) for flame in flames] == [4.0, 1.0]


def test_calls_beyond_the_depth_are_a_part_of_the_last_one():
    deep = tuple(range(2000, 0, -1))
    (flame,) = flames_of(Run(sampled(shown.sampled(deep, "python", 100))))
    depth, nodes = 0, [node for node in flame.nodes if node.frame]
    while nodes[0].inner:
        depth, nodes = depth + 1, nodes[0].inner
    assert (depth, round(nodes[0].seconds, 9)) == (MAX_DEPTH, 0.1)
    assert nodes[0].activity == "python"


def test_of_many_ranks_the_first_are_drawn():
    ranks = [
        sampled(shown.sampled((30,), "python", 10), pid=100 + number, rank=number)
        for number in range(MAX_PROCESSES + 3)
    ]
    flames = flames_of(Run(*reversed(ranks)))
    assert [flame.rank for flame in flames] == list(range(MAX_PROCESSES))


def test_a_run_that_was_not_sampled_has_none():
    assert flames_of(shown.healthy()) == ()

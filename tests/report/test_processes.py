"""The processes of a run, as a tree: who has started whom, and which of them are ranks."""

from __future__ import annotations

import sys
from dataclasses import replace

from recordings import PROCESS, RUN
from tracedbg.explain import Summary, process_tree
from tracedbg.report.text import render

SCRIPT = replace(PROCESS, argv=("python", "-u", "/home/me/train.py", "--lr", "0.1"), stopped_ns=2_500_000_000)
SPAWNED = (
    "python",
    "-c",
    "from multiprocessing.spawn import spawn_main; spawn_main()",
    "--multiprocessing-fork",
)
SERVED = ("python", "-c", "from multiprocessing.forkserver import main; main(3, 4)")


def process(pid, ppid=1, **more):
    return replace(SCRIPT, pid=pid, ppid=ppid, started_wall_ns=SCRIPT.started_wall_ns + pid, **more)


def rank(number, pid, **more):
    """A rank of torchrun."""
    more = {
        "ppid": 1,
        "rank": number,
        "world_size": 2,
        "launcher": "torchrun",
        "generation": 0,
        "rank_pid": pid,
    } | more
    return process(pid, **more)


def shape(nodes):
    return [(node.info.pid, node.way, *([shape(node.children)] if node.children else [])) for node in nodes]


def shown(*infos, traces=(), **how):
    traces = traces or (0,) * len(infos)
    text = render(Summary(RUN, tuple(infos), process_traces=traces), folder="/home/me", **how)
    return text.partition("Processes\n")[2].splitlines()


def test_each_way_of_starting_a_process_is_told():
    infos = [
        process(7),
        process(8, 7),
        process(9, 7, argv=SPAWNED),
        process(10, 9, argv=SPAWNED),
        process(
            11, 7, argv=("python", "-m", "joblib.externals.loky.backend.popen_loky_posix", "--process-name")
        ),
        process(12, 7, argv=("python", "tool.py")),
    ]
    assert shape(process_tree(infos)) == [
        (7, "", [(8, "fork"), (9, "spawn", [(10, "fork")]), (11, "loky"), (12, "subprocess")])
    ]


def test_what_a_fork_server_has_started_stands_below_the_process_that_the_program_began_with():
    infos = [process(7, rank_pid=7), process(9, 8, argv=SERVED, rank_pid=7)]
    assert shape(process_tree(infos)) == [(7, "", [(9, "forkserver")])]


def test_a_number_on_another_machine_is_another_process():
    infos = [process(7), process(8, 7, host="other")]
    assert shape(process_tree(infos)) == [(7, ""), (8, "")]


def test_numbers_that_came_again_make_no_circle():
    infos = [process(7, 8), process(8, 7)]
    (node,) = process_tree(infos)
    assert shape([node]) == [(7, "", [(8, "fork")])]


def test_a_child_stands_below_the_one_that_had_its_parents_number_at_that_time():
    infos = [
        process(7),
        process(20, 7),
        replace(process(7), started_wall_ns=SCRIPT.started_wall_ns + 30, argv=("x",)),
    ]
    assert [shape(node.children) for node in process_tree(infos)] == [[(20, "fork")], []]


def test_thousands_of_processes_one_below_the_other_are_told():
    infos = [process(number, number - 1) for number in range(2, sys.getrecursionlimit() + 2)]
    lines = shown(*infos)
    assert len(lines) < 100


def test_one_process_has_no_section():
    assert shown(process(7)) == []


def test_ranks_come_in_their_order_with_their_children():
    lines = shown(
        rank(1, 71),
        rank(0, 70, job="9"),
        process(72, 70, rank=0, rank_pid=70, stopped_ns=None),
        traces=(2, 1, 0),
    )
    assert lines == [
        "  torchrun job 9: 2 ranks on 1 machine",
        "  rank 0                            pid 70                    1 trace    2.500 s",
        "    └ forked                        pid 72",
        "  rank 1                            pid 71                   2 traces    2.500 s",
    ]


def test_ranks_that_are_missing_are_told():
    assert shown(rank(0, 70))[0] == "  torchrun: 1 rank of 2 on 1 machine"


def test_a_worker_of_tensorflow_has_its_name():
    lines = shown(
        rank(0, 70, launcher="tf_config", task="chief 0"), rank(1, 71, launcher="tf_config", task="worker 0")
    )
    assert [" ".join(line.split()[:4]) for line in lines] == [
        "TF_CONFIG: 2 ranks on",
        "rank 0, chief 0",
        "rank 1, worker 0",
    ]


def test_generations_are_told_apart():
    lines = shown(rank(0, 70), rank(0, 80, generation=1), rank(1, 71), rank(1, 81, generation=1))
    assert lines[0] == "  torchrun: 2 ranks on 1 machine, started 2 times"
    assert [" ".join(line.split()[:4]) for line in lines[1:]] == [
        "rank 0, generation 0",
        "rank 1, generation 0",
        "rank 0, generation 1",
        "rank 1, generation 1",
    ]


def test_machines_are_told_apart():
    lines = shown(rank(0, 70, host="a"), rank(1, 70, host="b"))
    assert [" ".join(line.split()[:4]) for line in lines[1:]] == ["rank 0, on a", "rank 1, on b"]


def test_processes_that_are_alike_share_a_row():
    lines = shown(process(7), *(process(number, 7) for number in range(10, 16)), traces=(1, 1, 1, 1, 1, 1, 1))
    assert lines == [
        "  train.py --lr 0.1                 pid 7                     1 trace    2.500 s",
        "    └ 6 forked                      pids 10, 11, 12, …       6 traces    2.500 s",
    ]


def test_of_a_thousand_ranks_the_first_are_shown():
    lines = shown(*(rank(number, 100 + number, world_size=1000) for number in range(1000)))
    assert (len(lines), lines[-1]) == (18, "  984 more ranks: see --format json")

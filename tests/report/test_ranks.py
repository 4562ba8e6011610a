"""The report on ranks that differ, in full, and as data."""

import json
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest
import shown

from recordings import RUN
from tracedbg.explain import summarise
from tracedbg.explain.ranks.compare import compare_ranks
from tracedbg.explain.ranks.model import ODD
from tracedbg.report.json import to_json
from tracedbg.report.ranks.json import ranks_data
from tracedbg.report.ranks.text import to_text
from tracedbg.report.ranks.words import ranks_words, spans
from tracedbg.report.style import Style
from tracedbg.report.text import render

PAGE = (Path(__file__).parents[2] / "docs/reference/report-json.md").read_text(encoding="utf-8")
STYLE = Style(folder="/home/me")


def report(run):
    return compare_ranks(run.info, run.processes)


def text(run):
    return to_text(report(run), STYLE)


def test_ranks_that_differ_are_told_with_what_differs():
    assert text(shown.with_ranks()) == dedent(
        """\
        tracedbg: generation 0: 8 ranks, 3 traces not on all of them, 1 slow on some, 1
        different graph
        killed, or still running: rank 2
        train.py --lr 0.1, exit 0, run 20231114-221320-ab12

        traces  seconds  ranks             function
             1    2.000  0, 1, 3-7         step  train.py:10
             2    0.200  2                 step  train.py:10
             1    0.010  0, 4-7            loss  train.py:40
             0    0.000  2, 3              loss  train.py:40
             2    0.020  1                 loss  train.py:40
          1 trace of all ranks alike

        What not all ranks traced
          train.py:30 in main                                                     rank 2
            trace 2 of `step`, 1.500 s after the start, under way for at least 2.500 s
            when the recording of rank 2 ended
            `x` changed shape from float32[4, 16] to float32[4, 17]
              x on ranks 0, 1, 3-7: traced for float32[4, 16] alone
            ranks 0, 1, 3-7 waited up to 2.300 s meanwhile, as far as is known, by
            samples of the main thread:
              1.500 s  ranks 0, 1, 7 in train.py:31 (collective)
              0.800 s  ranks 0, 1, 7 in no line of yours (waiting)
            ▸ @tf.function(reduce_retracing=True)

          train.py:30 in main                                            ranks 0, 1, 4-7
            trace 1 of `loss`, 2.500 s after the start, took 0.010 s
            the first call
            ranks 2, 3 waited for nothing that lasted, by samples of the main thread

          train.py:30 in main                                                     rank 1
            trace 2 of `loss`, 2.700 s after the start, took 0.010 s
            the first call
            rank 1 had traced it before, and nothing of that was left: the cache was
            emptied, or it is another function object
            `y` is float32[9]
              y on ranks 0, 4-7: traced for float32[4] alone
            ranks 0, 2-7 waited for nothing that lasted, by samples of the main thread

            ▸ trace each kind of input on all ranks before the loop, then let them wait
              for each other once

            ▸ until that is mended, let all ranks compile at once instead of one after
              the other: torch.compiler.set_enable_guard_collectives(True) costs a
              collective at each call

        What took much longer on some ranks
          train.py:30 in main                                                     rank 5
            trace 1 of `step`, 0.100 s after the start, took 2.000 s; 0.200 s on ranks
            0-4, 6, 7
            the first call
            compiler caches: fx_graph_miss here, fx_graph_hit on the others
            ranks 0-4, 6, 7 waited up to 1.100 s meanwhile, by samples of the main
            thread:
              1.100 s  ranks 0, 1, 7 in train.py:31 (collective)

            ▸ give all ranks the same compiler cache, or compile on all of them before
              the loop, then a barrier

        Graphs that differ between ranks
          train.py:13 in step                                                     rank 6
            trace 1 of `step`, beside ranks 0-5, 7: diverges at node 1: Sum
            (train.py:13) → Exp (train.py:13)

        tracedbg: generation 1: 7 of 8 ranks, all traced alike: 1 function, 1 trace on
        each
        nothing is recorded of rank 7
        """
    )


def test_ranks_that_are_alike_are_told_in_a_line():
    assert text(shown.Run(*(shown.one_rank(n, [], world_size=2) for n in range(2)))) == dedent(
        """\
        tracedbg: 2 ranks, all traced alike: no functions, no traces on each
        train.py --lr 0.1, exit 0, run 20231114-221320-ab12
        """
    )


def test_a_run_without_ranks_says_so():
    assert text(shown.example()) == dedent(
        """\
        tracedbg: no ranks: no process of this run says which rank of a distributed job
        it is
        train.py --lr 0.1, exit 0, run 20231114-221320-ab12
        """
    )


def test_lines_keep_to_the_width():
    for width in (80, 120):
        found = to_text(report(shown.with_ranks()), Style(width=width, folder="/home/me"))
        assert max(map(len, found.splitlines())) <= width


def test_the_report_of_a_run_has_a_line_for_each_function_that_ranks_traced_unlike():
    found = render(summarise(shown.with_ranks()), folder="/home/me")
    assert found.split("\n\n")[0].startswith(
        "tracedbg: 2 functions, 23 traces in 15 processes, 1 retrace, 2 functions not\ntraced alike by all ranks;"
    )
    assert found.split("\n\n")[2] + "\n" == dedent(
        """\
        Ranks that traced more than others
          generation 0: rank 2 traced step (train.py:10) twice, ranks 0, 1, 3-7 once
          generation 0: rank 1 traced loss (train.py:40) twice, ranks 2, 3 not at all,
          ranks 0, 4-7 once
          ▸ tracedbg report 20231114-221320-ab12 --ranks shows why, and who waited
        """
    )


def test_ranks_that_were_not_sampled_have_no_known_waits():
    run = shown.with_ranks()
    for process in run.processes:
        process.ran.all_samples.clear()
    assert "how long ranks 0, 1, 3-7 waited is not known: threads were not sampled" in " ".join(
        text(run).split()
    )


def test_names_of_the_program_are_cleaned():
    run = shown.with_ranks()
    run.info = replace(RUN, argv=("a\x1b[2J.py",))
    assert "\x1b" not in text(run)


@pytest.mark.parametrize(
    ("ranks", "words"),
    [
        ((), "no rank"),
        ((3,), "rank 3"),
        ((0, 1), "ranks 0, 1"),
        ((5, 0, 4, 3), "ranks 0, 3-5"),
        ([*range(512), *range(513, 1024)], "ranks 0-511, 513-1023"),
        (range(0, 1000, 2), "ranks 0, 2, 4, 6, 8, 10, ... (500 in all)"),
    ],
)
def test_ranks_are_told_in_stretches(ranks, words):
    assert ranks_words(ranks) == words
    assert spans(()) == ""


def test_every_key_is_documented_and_survives_a_round_trip():
    data = ranks_data(report(shown.with_ranks()))
    assert json.loads(json.dumps(data)) == data
    assert {
        key for key in keys([data, to_json(summarise(shown.with_ranks()))["ranks"]]) if f"`{key}`" not in PAGE
    } <= {"schema"}
    assert {kind for kind in ODD if f"`{kind}`" not in PAGE} == set()


def keys(found):
    if isinstance(found, dict):
        yield from found
        found = list(found.values())
    if isinstance(found, list):
        for inner in found:
            yield from keys(inner)


def test_the_data_says_what_the_text_says():
    first, second = ranks_data(report(shown.with_ranks()))["generations"]
    assert (first["ranks"], first["ended"], first["missing"], second["missing"]) == (
        list(range(8)),
        [2],
        [],
        [7],
    )
    assert [(odd["kind"], odd["ranks"]) for odd in first["odd"]] == [
        ("slow", [5]),
        ("alone", [2]),
        ("alone", [0, 1, 4, 5, 6, 7]),
        ("alone", [1]),
    ]
    (cause,) = first["odd"][1]["causes"]
    assert (cause["argument"], cause["before"], cause["after"]) == ("x", "float32[4, 16]", "float32[4, 17]")
    assert cause["on_others"] == [{"ranks": [0, 1, 3, 4, 5, 6, 7], "values": ["float32[4, 16]"]}]
    assert [graph["ranks"] for graph in first["graphs"]] == [[6]]
    assert (second["odd"], second["graphs"], second["functions"]) == ([], [], [])

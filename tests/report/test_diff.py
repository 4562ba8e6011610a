"""How two runs differ, in full for people and for programs, and what holds for every comparison."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from textwrap import dedent

import pytest
from compared import AFTER, BEFORE

from tracedbg.explain.compare import compare
from tracedbg.report.diff_json import to_json
from tracedbg.report.diff_text import render, write

PAGE = (Path(__file__).parents[2] / "docs/reference/diff-json.md").read_text(encoding="utf-8")
PAIRS = [(BEFORE, AFTER), (AFTER, BEFORE), (BEFORE, BEFORE)]


def test_a_run_that_is_worse_in_many_ways():
    assert render(compare(BEFORE, AFTER)) == dedent(
        """\
        tracedbg: worse: 2 more retraces, 1 new cause, 1 new graph break, 1 function
        newly eager in silence, 1 new use of a stale trace; tracing took longer
        A: train.py --lr 0.1, exit 0, run 20231114-221320-ab12
        B: train.py --lr 0.1, exit 0, run 20231114-221325-cd34

                             A         B
        traces               4         6        +2
        retraces             1         3        +2
        graph breaks         1         1
        failed               0         0
        seconds          0.600     0.900      +50%

        Functions
        ~ train.py:10 in step                                                    changed
            traces 2 → 4, retraces 1 → 3, seconds 0.200 → 0.500
            - 1 retrace from train.py:30: `x` changed shape from float32[3] to
              float32[4]
            + 3 retraces from train.py:30: `n` took 4 Python values: 0, 1, 2, 3
              ▸ pass `n` as a tensor: tf.constant(n)
            + `scale` was 1.0 while tracing, and is 2.0
              ▸ pass it

        ~ train.py:50 in f                                                       changed
            + eager in silence: recompile limit reached with 8 graphs cached

        - train.py:70 in old                                                        gone
            traces 1, seconds 0.100

        + train.py:90 in more                                                        new
            traces 1, seconds 0.100

        Graph breaks
        - train.py:52 in f                                                  GB0170  gone
            print
        + train.py:57 in f                                                   GB0170  new
            Data-dependent branching
        """
    )


def test_a_run_that_is_the_same():
    assert render(compare(BEFORE, BEFORE)) == dedent(
        """\
        tracedbg: no difference
        A: train.py --lr 0.1, exit 0, run 20231114-221320-ab12
        B: train.py --lr 0.1, exit 0, run 20231114-221320-ab12

                             A         B
        traces               4         4
        retraces             1         1
        graph breaks         1         1
        failed               0         0
        seconds          0.600     0.600       +0%
        """
    )


@pytest.mark.parametrize("fail_on_cost", [False, True])
def test_slower_tracing_is_told_and_counts_only_if_asked_to(fail_on_cost):
    step = BEFORE.functions[0]
    slow = type(BEFORE)(BEFORE.run, BEFORE.processes, (type(step)(**vars(step) | {"self_seconds": 0.9}),))
    fast = type(BEFORE)(BEFORE.run, BEFORE.processes, (step,))
    lines = render(compare(fast, slow, fail_on_cost=fail_on_cost)).splitlines()
    assert (
        lines[0] == f"tracedbg: {'worse: slower' if fail_on_cost else 'no difference; tracing took longer'}"
    )
    assert lines[-2:] == [
        "~ train.py:10 in step                                                    changed",
        "    seconds 0.200 → 0.900",
    ]


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("width", [72, 80, 120])
def test_no_line_is_wider_than_asked(pair, width):
    assert max(map(len, render(compare(*pair), width=width).splitlines())) <= width


@pytest.mark.parametrize("pair", PAIRS)
def test_colour_changes_nothing_but_colour(pair):
    coloured = render(compare(*pair), color=True)
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == render(compare(*pair))
    assert coloured != render(compare(*pair))


def test_it_is_written_in_characters_that_the_stream_has():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    write(compare(BEFORE, AFTER), stream)
    stream.flush()
    assert "traces 2 -> 4" in raw.getvalue().decode("ascii")


def test_the_example_in_the_documentation_is_real_output():
    example = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)[1]
    assert json.loads(example) == json.loads(json.dumps(to_json(compare(BEFORE, AFTER))))


def test_every_key_is_documented():
    def keys(found):
        if isinstance(found, dict):
            for key, inner in found.items():
                yield key
                yield from keys(inner)
        elif isinstance(found, list):
            for inner in found:
                yield from keys(inner)

    assert {key for key in keys(to_json(compare(BEFORE, AFTER))) if f"`{key}`" not in PAGE} == set()

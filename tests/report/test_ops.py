"""The ops of a run for people: the section, the long form, and the lines that wait."""

from __future__ import annotations

from dataclasses import replace
from textwrap import dedent

import pytest
import shown

from recordings import Process, Ran, Run
from tracedbg import ran
from tracedbg.explain import OpLevel, summarise
from tracedbg.explain.op_totals import OpTotals
from tracedbg.ran import OpsSeen
from tracedbg.report.ops import many, ops_by_line, to_text
from tracedbg.report.style import ASCII, Style
from tracedbg.report.syncs import host_syncs

STYLE = Style(folder="/home/me")


def run_of(*totals):
    return summarise(Run(Process(ran=Ran([OpsSeen("RecordFunction", totals)]))))


def shown_text(lines):
    return "\n".join(lines) + "\n"


def test_the_section_of_ops():
    assert shown_text(ops_by_line(summarise(shown.with_ops()), STYLE)) == dedent(
        """\
        Ops by line
          12.0M ops in 92.0 ms of 2 threads: 95% on lines of yours, 22% backward, 20% in
          compiled graphs; seen by RecordFunction
          RecordFunction: no shapes were asked for
          RecordFunction: 5 executions of the window had no room on the timeline; they
          are counted here

              time  share           bwd  traced    calls  line
           60.0 ms  65.2%  ██████   33%             1000  train.py:12 in step
              aten::addmm 60%, aten::mm 33%, aten::linear 6.7%
           18.0 ms  19.6%  █▊              100%    12.0M  train.py:16 in step
              graph_0 100%
            9.0 ms   9.8%  ▉                        1000  train.py:14 in step
              aten::item 89%, aten::is_nonzero 11%
            5.0 ms   5.4%  ▌                           7  (no line of yours is known)
              aten::add_ 100%
          0.010 ms   0.0%  ▏                           1  train.py:15 in step
              aten::item 100%

              time  share           bwd  traced    calls      mean  op
           36.0 ms  39.1%  ██████                   1000  36.00 us  aten::addmm
              (float32[64], float32[32, 64])
           20.0 ms  21.7%  ███▍    100%             2000  10.00 us  aten::mm
              (float32[32, 64])
           18.0 ms  19.6%  ███             100%    12.0M   0.00 us  graph_0
            8.0 ms   8.7%  █▍                       1000   8.00 us  aten::item
              (bool[])
            5.0 ms   5.4%  ▉                           7  0.713 ms  aten::add_
            5.0 ms   5.4%                           2001            3 more rows

          all of them: tracedbg report --ops, and --ops --by op
        """
    )


def test_the_section_of_waits():
    assert shown_text(host_syncs(summarise(shown.with_ops()), STYLE)) == dedent(
        """\
        Host waits for the device, and hidden copies
          train.py:14 in step                                  called 1000 times  9.0 ms
            a tensor decides a Python condition (aten::is_nonzero)
            ▸ torch.where(condition, a, b) needs no look at the value; or look once in
              many steps

          and 1 line of less than 10 calls: see --format json
        """
    )


def test_a_single_wait_that_takes_long_is_told():
    summary = run_of(shown.total(shown.op("aten::item", line=5, sync="item"), 1, 5_000))
    assert host_syncs(summary, STYLE)[1] == (
        "  train.py:5 in step                                         called once  5.0 ms"
    )


def test_waits_that_are_few_and_short_have_no_section():
    wait = shown.total(shown.op("aten::item", line=5, sync="item"), 9, 9)
    assert host_syncs(run_of(wait, shown.total(shown.op("aten::mm", line=6), 1, 100_000)), STYLE) == []


def test_many_waits_are_cut_and_counted():
    waits = [shown.total(shown.op("aten::item", line=at, sync="item"), 10, 100) for at in range(1, 14)]
    assert host_syncs(run_of(*waits), STYLE)[-1] == "  and 3 more: see --format json"


def test_a_first_execution_that_took_most_of_the_time_is_told_beside_the_mean():
    first = ran.OpTotal(shown.op("aten::mm", "float32[2]", 6), 1, 100, 10**8, 10**8, 9 * 10**7)
    assert ops_by_line(run_of(first), STYLE)[-2:] == [
        "  100.0 ms   100%  ██████      100    1.0 ms  aten::mm",
        "      (float32[2])                                          the longest: 90.0 ms",
    ]


def test_columns_that_would_be_empty_are_left_out():
    lines = ops_by_line(run_of(shown.total(shown.op("aten::mm", line=6), 1, 100_000)), STYLE)
    assert lines[3] == "      time  share            calls  line"


def test_the_hint_stands_at_the_end():
    lines = ops_by_line(run_of(shown.total(shown.op("aten::mm", line=6), 100_000, 300_000)), STYLE)
    assert lines[-3:] == [
        "  ▸ 100% of the time in eager ops is in 100000 small ones, 3.0 us each: that is",
        "    mostly the cost of calling them; torch.compile makes one of many, and larger",
        "    batches need fewer",
    ]


def test_ops_that_were_recorded_and_none_of_which_ran_are_told():
    assert ops_by_line(run_of(), STYLE) == ["Ops by line", "  no ops in 0.000 ms; seen by RecordFunction"]


def long_form(level, top, style=STYLE, run=None):
    totals = OpTotals()
    totals.add((run or shown.with_ops()).processes[0].ran.ops())
    return to_text(totals.done(), totals.rows(level), level, style, top)


def test_the_long_form_has_as_many_rows_as_asked_and_the_sum_of_the_others():
    lines = long_form(OpLevel.LINE, 1).splitlines()
    assert lines[-1] == "   32.0 ms  34.8%                          12.0M  4 more rows"
    assert lines[-3].startswith("   60.0 ms  65.2%  ██████   33%             1000  train.py:12 in step")


@pytest.mark.parametrize(
    ("level", "title"), [("op", "name and shapes"), ("function", "function"), ("module", "file")]
)
def test_the_long_form_says_what_a_row_is(level, title):
    assert long_form(OpLevel(level), 5).splitlines()[0] == f"Ops by {title}"


@pytest.mark.parametrize("width", [72, 80, 120])
@pytest.mark.parametrize("level", OpLevel)
def test_hostile_and_long_names_stay_in_their_line(width, level):
    file = "/srv/with/a/long/way/to/it/\x1b[31m/and_a_very_long_name_of_a_training_script_数.py"
    kind = shown.op(
        "aten::" + "x" * 150 + "\x07\n", "float32[\u2028]" * 40, 1234, file=file, function="f\x1b" * 60
    )
    seen = OpsSeen("Record\x1bFunction", (shown.total(kind, 20, 100),), None, 7, "a\x1b[2J\nnote")
    run = Run(Process(ran=Ran([seen])))
    text = long_form(level, 5, replace(STYLE, width=width), run)
    text += "\n".join(ops_by_line(summarise(run), replace(STYLE, width=width, glyphs=ASCII)))
    assert max(map(len, text.splitlines())) <= width
    assert not set(text) & {chr(n) for n in range(32) if chr(n) != "\n"}


@pytest.mark.parametrize(
    ("number", "words"), [(0, "no ops"), (1, "1 op"), (9_999_999, "9999999 ops"), (12_345_678, "12.3M ops")]
)
def test_great_numbers_are_short(number, words):
    assert many(number, "op") == words

"""The report of ten million ops costs what their kinds cost."""

from __future__ import annotations

import time
from array import array

import pytest
import shown

from store.builders import INFO
from tracedbg.cli.main import main
from tracedbg.ran import OpRows, OpsSeen, OpTotal
from tracedbg.store.ran_writer import MAX_KINDS
from tracedbg.store.run import create_run
from tracedbg.store.writer import Writer

EACH = 500
ROWS = 1_000_000
PART = 50_000


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Ten million executions of 20 000 kinds on 2000 lines, a million of them one by one."""
    kinds = tuple(
        shown.op(f"aten::op{at % 200}", f"float32[{at}, 64]", 1 + at % 2000, is_backward=at % 3 == 0)
        for at in range(MAX_KINDS)
    )
    folder = create_run(str(tmp_path_factory.mktemp("ops") / "run"), ["train.py"])
    writer = Writer(f"{folder.path}/p7.db", INFO, 10**9)
    totals = tuple(
        OpTotal(kind, at % 4, EACH, EACH * 3000, EACH * 2500, 9000) for at, kind in enumerate(kinds)
    )
    writer.write([OpsSeen("RecordFunction", totals)])
    for first in range(0, ROWS, PART):
        columns = (
            array("I", [at % MAX_KINDS for at in range(first, first + PART)]),
            array("q", [at % 4 for at in range(first, first + PART)]),
            array("q", [at * 1000 for at in range(first, first + PART)]),
            array("q", [900]) * PART,
        )
        writer.write([OpsSeen("RecordFunction", (), OpRows(kinds, *columns))])
    writer.close(5)
    folder.finish(exit_code=0, signal=None, wall_ns=60 * 10**9)
    return folder.path


@pytest.mark.serial
@pytest.mark.parametrize("words", [[], ["--format", "json"], ["--ops", "--by", "op"]])
def test_the_report_of_ten_million_ops_takes_less_than_ten_seconds(run, capsys, words):
    start = time.process_time()
    assert main(["report", run, *words]) == 0
    took = time.process_time() - start
    assert "10.0M ops" in capsys.readouterr().out or "json" in words
    assert took < 10, took

"""`tracedbg diff`, on recordings and reports that tests made without a framework."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from store.builders import ENDED, INFO, STARTED
from tracedbg.cli.main import main
from tracedbg.store.run import create_run
from tracedbg.store.writer import Writer


def trace(number: int, start_ns: int, took_ns: int = 300):
    started = replace(STARTED, id=number, start_ns=start_ns, parent_id=None)
    return [
        started,
        replace(ENDED, id=number, end_ns=start_ns + took_ns, outcome=type(ENDED.outcome).COMPILED),
    ]


def record(name: str, *events) -> str:
    run = create_run(f".tracedbg/{name}", ["train.py"])
    writer = Writer(f"{run.path}/p7.db", INFO, 10**8)
    writer.write(list(events))
    writer.close(5)
    run.finish(exit_code=0, signal=None, wall_ns=1_500_000_000)
    return run.path


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a run of one trace, and one that has a retrace more."""
    monkeypatch.chdir(tmp_path)
    record("20260101-a", *trace(1, 100))
    record("20260102-b", *trace(1, 100), *trace(2, 900))
    return tmp_path


def test_a_run_that_is_worse_ends_with_1_and_the_other_way_round_with_0(here, capsys):
    assert main(["diff", "20260101", "20260102"]) == 1
    assert capsys.readouterr().out.startswith("tracedbg: worse: 1 more retrace")
    assert main(["diff", "20260102", ".tracedbg/20260101-a"]) == 0
    assert capsys.readouterr().out.startswith("tracedbg: better\n")


def test_the_second_run_is_the_latest_unless_it_is_named(here, capsys):
    assert main(["diff", "20260101"]) == 1
    assert main(["diff", "20260102"]) == 0
    assert "tracedbg: no difference\n" in capsys.readouterr().out


def test_a_report_stands_for_its_run(here, capsys):
    for name in ("20260101-a", "20260102-b"):
        assert main(["report", name, "--format", "json", "--output", f"{name}.json"]) == 0
    assert main(["diff", "20260101-a.json", "20260102-b"]) == 1
    assert main(["diff", "20260101-a", "20260102-b.json"]) == 1
    assert main(["diff", "20260101-a.json", "20260101-a"]) == 0
    assert main(["diff", "./20260102-b.json", "20260102-b.json"]) == 0


def test_json_goes_to_a_file(here, capsys):
    assert main(["diff", "20260101", "20260102", "--format", "json", "--output", "d.json"]) == 1
    assert capsys.readouterr().out == ""
    found = json.loads((here / "d.json").read_text())
    assert (found["schema"], found["verdict"], found["a"]["id"]) == (1, "worse", "20260101-a")


def test_cost_counts_only_if_asked_to_and_beyond_the_tolerance(here):
    record("20260103-c", *trace(1, 100, took_ns=10**9))
    record("20260104-d", *trace(1, 100, took_ns=2 * 10**9))
    runs = ["20260103", "20260104"]
    assert main(["diff", *runs]) == 0
    assert main(["diff", *runs, "--fail-on-cost"]) == 1
    assert main(["diff", *runs, "--fail-on-cost", "--tolerance", "100"]) == 0


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["diff"], "the following arguments are required: RUN_A; see tracedbg diff --help"),
        (["diff", "none"], "no run named 'none' in {here}/.tracedbg; `tracedbg runs` lists the runs"),
        (
            ["diff", "gone.json"],
            "there is no file gone.json; tracedbg report RUN --format json --output gone.json writes it",
        ),
        (
            ["diff", "bad.json"],
            "bad.json is not a report of tracedbg: tracedbg report --format json writes one",
        ),
        (
            ["diff", "new.json"],
            "new.json was written by a newer tracedbg (schema 9, this one reads up to 1): upgrade with"
            " python -m pip install -U tracedbg",
        ),
        (["diff", "folder/"], "folder/ is not a run: it has no run.json; `tracedbg runs` lists the runs"),
        (
            ["diff", "20260101", "--tolerance", "-1"],
            "--tolerance -1: it must be a number of percent, 0 or more",
        ),
        (
            ["diff", "20260101", "--tolerance", "x"],
            "--tolerance x: it must be a number of percent, 0 or more",
        ),
        (
            ["diff", "20260101", "--tolerance", "nan"],
            "--tolerance nan: it must be a number of percent, 0 or more",
        ),
        (["diff", "20260101", "--output", "folder"], "--output folder: that is a folder; name a file"),
    ],
)
def test_what_cannot_be_compared_is_one_line(here, capsys, words, line):
    (here / "folder").mkdir()
    (here / "bad.json").write_text("{}")
    (here / "new.json").write_text('{"schema": 9, "run": {}}')
    assert main(words) == 2
    assert capsys.readouterr().err == f"tracedbg: {line.format(here=here)}\n"

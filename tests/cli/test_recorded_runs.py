"""`tracedbg report` and `tracedbg runs`, on recordings that tests made without a framework."""

from __future__ import annotations

import json
import re
import shutil
import sys
from dataclasses import replace

import pytest

from store.builders import ENDED, GRAPH, INFO, OPS, STARTED, STEP_GRAPH
from tracedbg.cli.main import main
from tracedbg.fleet import DATASET_FILE
from tracedbg.store.run import create_run
from tracedbg.store.writer import Writer


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def record(*argv: str, exit_code: int | None = 0, events=(STARTED, ENDED), out: str | None = None) -> str:
    """Record a run of one trace; its folder."""
    run = create_run(out, argv)
    writer = Writer(f"{run.path}/p7.db", INFO, 10**8)
    writer.write(list(events))
    writer.close(5)
    if exit_code is not None:
        run.finish(exit_code=exit_code, signal=None, wall_ns=1_500_000_000)
    return run.path


def test_the_latest_run_is_reported(here, capsys):
    record("old.py", out=".tracedbg/20260101-000000-b")
    record("new.py", "x", out=".tracedbg/20260101-000001-a")
    assert main(["report"]) == 0
    out = capsys.readouterr().out
    assert "model.py:40" in out
    assert "new.py" in out
    assert "\x1b[" not in out


def test_a_run_is_found_by_path_id_and_the_beginning_of_an_id(here, capsys):
    path = record("a.py", out="elsewhere/r1")
    inside = record("b.py")
    for name in (path, inside, inside.rpartition("/")[2], inside.rpartition("/")[2][:-1]):
        assert main(["report", name, "--format", "json"]) == 0
        assert json.loads(capsys.readouterr().out)["run"]["argv"] == ["a.py" if name == path else "b.py"]


def test_a_report_goes_to_a_file(here, capsys):
    record("a.py")
    assert main(["report", "--format", "json", "--output", "r.json"]) == 0
    assert main(["report", "--output", "r.txt"]) == 0
    assert capsys.readouterr().out == ""
    assert json.loads((here / "r.json").read_text())["schema"] == 1
    assert "model.py:40" in (here / "r.txt").read_text()


def test_a_page_is_written_for_a_browser(here, capsys):
    record("a.py", events=[STARTED, GRAPH, ENDED, OPS])
    assert main(["report", "--format", "html", "-o", "r.html"]) == 0
    assert capsys.readouterr() == ("", "")
    page = (here / "r.html").read_text(encoding="ascii")
    assert page.startswith("<!doctype html>\n<html lang=")
    assert "model.py:40" in page
    assert main(["report", "--ranks", "--format", "html"]) == 0
    assert "No process of this run says which rank of a distributed job it is." in capsys.readouterr().out


def test_a_page_is_not_written_to_a_terminal(here, capsys, monkeypatch):
    record("a.py")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["report", "--format", "html"]) == 2
    said = capsys.readouterr()
    line = "--format html is for a browser: name a file for it with --output report.html"
    assert (said.out, said.err) == ("", f"tracedbg: {line}\n")


def test_ops_are_shown_at_length_as_text_and_json(here, capsys):
    record("a.py", events=[OPS])
    assert main(["report", "--ops", "--by", "op", "--top", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Ops by name and shapes"
    assert lines[-1].endswith("1 more row")
    assert main(["report", "--ops", "--by", "function", "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["schema"], data["by"], data["seconds"]) == (1, "function", 5.7e-07)
    assert [(row["file"], row["function"]) for row in data["rows"]] == [
        ("train.py", "main"),
        ("layers.py", "add"),
    ]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["report", "--ops"], "run {run} has no ops: record them with tracedbg run --ops"),
        (["report", "--by", "op"], "--by does nothing without --ops"),
        (["report", "--top", "3"], "--top does nothing without --ops or --graph"),
    ],
)
def test_what_has_no_ops_is_one_line(here, capsys, words, line):
    run = record("a.py").rpartition("/")[2]
    assert main(words) == 2
    assert capsys.readouterr().err == f"tracedbg: {line.format(run=run)}\n"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["report"], "no run in {here}/.tracedbg yet; make one with tracedbg run SCRIPT"),
        (["report", "none"], "no run named 'none' in {here}/.tracedbg; `tracedbg runs` lists the runs"),
        (["report", "folder"], "folder is not a run: it has no run.json; `tracedbg runs` lists the runs"),
        (["report", "--output", "folder"], "--output folder: that is a folder; name a file"),
        (["report", "--output", "gone/f"], "--output gone/f: there is no folder {here}/gone"),
    ],
)
def test_what_cannot_be_reported_is_one_line(here, capsys, words, line):
    (here / "folder").mkdir()
    assert main(words) == 2
    assert capsys.readouterr().err == f"tracedbg: {line.format(here=here)}\n"


def test_a_graph_is_shown_as_text_and_as_data_and_for_graphviz(here, capsys):
    record("a.py", events=[STARTED, GRAPH, ENDED, STEP_GRAPH])
    assert main(["report", "--graph", "Model.forward"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "dynamo graph of Model.forward, trace 1 of 1 (0/2 again): 4 ops"
    assert lines[3:6] == ["other stages: autograd", "", "model.py"]
    assert main(["report", "--graph", "forward#1", "--stage", "autograd", "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["ops"]) == 4
    assert main(["report", "--graph", "model.py:40", "--format", "dot", "--output", "g.dot"]) == 0
    assert (here / "g.dot").read_text().startswith("digraph")


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_a_graph_is_drawn(here, capsys):
    record("a.py", events=[STARTED, GRAPH, ENDED])
    assert main(["report", "--graph", "forward", "--format", "svg"]) == 0
    assert "</svg>" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (
            ["--graph", "nope"],
            "no graph was recorded of a function 'nope'; there are graphs of\n  Model.forward  model.py:40  1 dynamo",
        ),
        (["--graph", "forward", "--stage", "tape"], "forward has no graph of the stage tape; it has dynamo"),
        (["--graph", "forward", "--trace", "2"], "forward has no dynamo graph number 2; it has 1"),
        (["--graph", "forward", "--ops"], "--ops and --graph are two reports: ask for one of them"),
        (["--stage", "tape"], "--stage does nothing without --graph"),
        (["--trace", "2"], "--trace does nothing without --graph"),
        (
            ["--ops", "--format", "html"],
            "--ops has no page of its own: leave it out, or leave --format html out",
        ),
        (
            ["--graph", "forward", "--format", "html"],
            "--graph has no page of its own: leave it out, or leave --format html out",
        ),
        (["--format", "svg"], "--format svg is for a graph: name its function with --graph FUNCTION"),
        (
            ["--ops", "--format", "dot"],
            "--format dot is for a graph: name its function with --graph FUNCTION",
        ),
    ],
)
def test_what_is_no_graph_is_told(here, capsys, words, lines):
    record("a.py", events=[STARTED, GRAPH, ENDED])
    assert main(["report", *words]) == 2
    assert capsys.readouterr().err == f"tracedbg: {lines}\n"


def test_what_a_terminal_would_act_on_is_spelled_out_in_what_is_told(here, capsys):
    odd = replace(STARTED, traceable=replace(STARTED.traceable, name="f\x1b[2J", file="m\x07.py"))
    record("a.py", events=[odd, GRAPH, ENDED])
    assert main(["report", "--graph", "nope\x1b[31m"]) == 2
    assert capsys.readouterr().err == (
        "tracedbg: no graph was recorded of a function 'nope\\x1b[31m'; there are graphs of\n"
        "  f\\x1b[2J  m\\x07.py:40  1 dynamo\n"
    )


def test_a_graph_cannot_be_drawn_without_graphviz(here, capsys, monkeypatch):
    record("a.py", events=[STARTED, GRAPH, ENDED])
    monkeypatch.setenv("PATH", "/nowhere")
    assert main(["report", "--graph", "forward", "--format", "svg", "--output", "g.svg"]) == 2
    assert "apt-get install graphviz" in capsys.readouterr().err
    assert not (here / "g.svg").exists()


def test_a_full_disk_is_one_line(here, capsys):
    record("a.py")
    assert main(["report", "--output", "/dev/full"]) == 2
    assert capsys.readouterr().err == "tracedbg: cannot write /dev/full: No space left on device\n"


def test_runs_are_listed_with_what_came_of_them(here, capsys):
    record("train.py", "--lr", "a b", exit_code=3)
    record("still.py", exit_code=None)
    damaged = record("damaged.py")
    with open(f"{damaged}/p7.db", "r+b") as file:
        file.write(b"not a database at all")
    assert main(["runs"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == ["id", "started", "exit", "seconds", "traces", "retraces", "program"]
    text = "\n".join(rows)
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d +3 +1\.5 +\d+ +\d+  train\.py --lr 'a b'", text)
    assert re.search(r" +- +- +\d+ +\d+  still\.py", text)
    assert re.search(r"cannot be read: .*p7\.db", text)
    assert len(rows) == 3


def test_no_runs_is_no_error(here, capsys):
    assert main(["runs"]) == 0
    assert capsys.readouterr().out == f"no run in {here}/.tracedbg yet; make one with tracedbg run SCRIPT\n"


def test_runs_of_another_folder_are_listed(here, capsys):
    record("a.py", out="kept/r1")
    assert main(["runs", "kept"]) == 0
    assert "r1" in capsys.readouterr().out


def record_ranks(*, ranks: int, odd: int) -> str:
    """Record a run of some ranks, one of which has made a trace more; its folder."""
    run = create_run(None, ["train.py"])
    for rank in range(ranks):
        info = replace(INFO, pid=100 + rank, rank=rank, rank_pid=None, world_size=ranks, generation=None)
        writer = Writer(f"{run.path}/p{info.pid}.db", info, 10**8)
        writer.write([STARTED, ENDED])
        if rank == odd:
            writer.write([replace(STARTED, id=12, start_ns=500), replace(ENDED, id=12, end_ns=600)])
        writer.close(10**9)
    run.finish(exit_code=0, signal=None, wall_ns=1_500_000_000)
    return run.path


def test_ranks_that_differ_are_reported_as_text_and_as_data(here, capsys):
    path = record_ranks(ranks=3, odd=1)
    assert main(["report", path, "--ranks"]) == 0
    assert capsys.readouterr().out.startswith("tracedbg: 3 ranks, 1 trace not on all of them\n")
    assert main(["report", path, "--ranks", "--format", "json", "--output", "r.json"]) == 0
    (generation,) = json.loads((here / "r.json").read_text())["generations"]
    assert [(odd["ranks"], odd["others"]) for odd in generation["odd"]] == [([1], [0, 2])]


def test_a_run_without_ranks_has_none_to_report(here, capsys):
    record("a.py")
    assert main(["report", "--ranks"]) == 0
    assert capsys.readouterr().out.startswith("tracedbg: no ranks: no process of this run says which rank of")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--ops"], "--ops and --ranks are two reports: ask for one of them"),
        (["--graph", "f"], "--graph and --ranks are two reports: ask for one of them"),
        (["--by", "op"], "--by does nothing without --ops"),
        (["--format", "dot"], "--format dot is for a graph: name its function with --graph FUNCTION"),
    ],
)
def test_ranks_are_a_report_of_their_own(here, capsys, options, message):
    record("a.py")
    assert main(["report", "--ranks", *options]) == 2
    assert capsys.readouterr().err == f"tracedbg: {message}\n"


def test_a_dataset_has_no_page(here, capsys):
    (here / "data").mkdir()
    (here / "data" / DATASET_FILE).write_text("{}")
    assert main(["report", "./data", "--format", "html"]) == 2
    line = "./data is a dataset, which has no page: name the run that it was made of"
    assert capsys.readouterr() == ("", f"tracedbg: {line}\n")


@pytest.mark.parametrize("options", [["--ranks"], ["--ops"], ["--graph", "f"]])
def test_a_dataset_has_no_reports_of_a_run(here, capsys, options):
    (here / "data").mkdir()
    (here / "data" / DATASET_FILE).write_text("{}")
    assert main(["report", "./data", *options]) == 2
    assert capsys.readouterr().err == (
        f"tracedbg: {options[0]} is for a run, and ./data is a dataset: name the run that it was made of\n"
    )

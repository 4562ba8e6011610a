"""`tracedbg report` and `tracedbg runs`, on recordings that tests made without a framework."""

from __future__ import annotations

import json
import re

import pytest

from store.builders import ENDED, INFO, STARTED
from tracedbg.cli.main import main
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

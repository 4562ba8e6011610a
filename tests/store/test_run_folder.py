"""The folder of a run: made, found and refused."""

from __future__ import annotations

import json
import os

import pytest
from builders import INFO

from tracedbg.errors import DamagedRunError, NewerSchemaError, NotARunError, RecordingError, UsageError
from tracedbg.store.reader import Run
from tracedbg.store.run import RUN_FILE, create_run, find_run, list_runs
from tracedbg.store.writer import Writer


def test_a_new_run_is_private_and_ignored_by_git(tmp_path):
    home = tmp_path / ".tracedbg"
    run = create_run(None, ["train.py"], home=str(home))
    assert os.stat(run.path).st_mode & 0o777 == 0o700
    assert os.stat(os.path.join(run.path, RUN_FILE)).st_mode & 0o777 == 0o600
    assert (home / ".gitignore").read_text() == "*\n"


def test_a_finished_run_says_how_it_ended(tmp_path):
    folder = create_run(str(tmp_path / "out"), ["train.py", "--x"])
    Writer(os.path.join(folder.path, "p7.db"), INFO, 10**9).close(5)
    folder.finish(exit_code=139, signal=11, wall_ns=12)
    with Run.open(folder.path) as run:
        assert run.info.argv == ("train.py", "--x")
        assert (run.info.exit_code, run.info.signal, run.info.wall_ns) == (139, 11, 12)
        assert [process.info.pid for process in run.processes] == [7]


def test_a_folder_in_use_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RecordingError) as caught:
        create_run(str(tmp_path), [])
    assert str(caught.value) == f"{tmp_path} is not empty: name a new folder with --out DIR"


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingError) as caught:
        create_run(str(tmp_path / "file" / "run"), [])
    assert str(caught.value) == (
        f"cannot record into {tmp_path}/file/run: Not a directory; name a folder that can be"
        " written with --out DIR"
    )


def test_a_missing_folder_is_not_a_run(tmp_path):
    with pytest.raises(NotARunError) as caught:
        Run.open(str(tmp_path / "no"))
    assert str(caught.value) == (
        f"{tmp_path}/no is not a run: there is no such folder; `tracedbg runs` lists the runs"
    )


def test_a_folder_without_a_run_file_is_not_a_run(tmp_path):
    with pytest.raises(NotARunError, match=r"it has no run\.json"):
        Run.open(str(tmp_path))


def test_a_newer_run_file_is_refused(tmp_path):
    (tmp_path / RUN_FILE).write_text(json.dumps({"schema": 2}))
    with pytest.raises(NewerSchemaError, match=r"run.json 2, this one reads up to 1"):
        Run.open(str(tmp_path))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "one"}'])
def test_a_damaged_run_file_is_refused(tmp_path, text):
    (tmp_path / RUN_FILE).write_text(text)
    with pytest.raises(DamagedRunError, match="cannot read"):
        Run.open(str(tmp_path))


def test_runs_are_found_by_path_beginning_or_as_the_newest(tmp_path):
    home = str(tmp_path / "home")
    for name in ("20260101-1-aa", "20260102-1-bb"):
        create_run(os.path.join(home, name), [])
    assert [os.path.basename(folder) for folder in list_runs(home)] == ["20260101-1-aa", "20260102-1-bb"]
    assert find_run(None, home).endswith("-bb")
    assert find_run("20260101", home).endswith("-aa")
    assert find_run(str(tmp_path), home) == str(tmp_path)


def test_an_ambiguous_or_unknown_beginning_is_an_error(tmp_path):
    home = str(tmp_path)
    for name in ("20260101-1-aa", "20260101-1-ab"):
        create_run(os.path.join(home, name), [])
    with pytest.raises(UsageError, match="several runs begin with '2026': 20260101-1-aa, 20260101-1-ab"):
        find_run("2026", home)
    with pytest.raises(NotARunError, match=r"no run named '1999' in .*; `tracedbg runs` lists the runs"):
        find_run("1999", home)
    with pytest.raises(NotARunError, match="make one with tracedbg run SCRIPT"):
        find_run(None, str(tmp_path / "nothing"))

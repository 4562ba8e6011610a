"""What is on the disk is its owner's alone, and nothing is loaded that somebody else could have put there."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

import tracedbg
from process.compare import TRACEDBG, clean_environment
from tracedbg import events as ev
from tracedbg import session
from tracedbg.adapters.torch_ops import building
from tracedbg.errors import RecordingError
from tracedbg.store.native import NativeStacks, write_native
from tracedbg.store.run import create_run

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
NOBODY = 65534


def modes(folder) -> dict[str, int]:
    return {
        os.path.relpath(os.path.join(at, name), folder): stat.S_IMODE(
            os.lstat(os.path.join(at, name)).st_mode
        )
        for at, folders, files in os.walk(folder)
        for name in (*folders, *files)
    }


@pytest.fixture
def open_umask():
    before = os.umask(0)
    yield
    os.umask(before)


def test_all_files_of_a_run_are_the_owner_s_whatever_the_umask(tmp_path, open_umask):
    with tracedbg.record(str(tmp_path / "run")) as run:
        session.hub().emit(ev.FrameworkSeen("torch", "2.13"))
        run.report()
        write_native(run.folder, NativeStacks(50, 0))
        during = modes(run.folder)
    assert stat.S_IMODE(os.stat(run.folder).st_mode) == 0o700
    assert {name.rpartition("-")[2] for name in during if "-" in name} >= {"wal", "shm"}
    assert set(during.values()) | set(modes(run.folder).values()) == {0o600}


def test_so_are_those_that_a_whole_run_leaves(tmp_path, open_umask):
    script = tmp_path / "hello.py"
    script.write_text("print('hello')")
    subprocess.run(
        [sys.executable, TRACEDBG, "run", "--no-tui", "--quiet", script],
        cwd=tmp_path, env=clean_environment(), check=True, capture_output=True,
    )  # fmt: skip
    found = modes(tmp_path / ".tracedbg")
    assert stat.S_IMODE(os.stat(tmp_path / ".tracedbg").st_mode) == 0o700
    assert {mode for name, mode in found.items() if os.path.isdir(tmp_path / ".tracedbg" / name)} == {0o700}
    assert {
        name: mode for name, mode in found.items()
        if os.path.isfile(tmp_path / ".tracedbg" / name) and name != ".gitignore" and mode != 0o600
    } == {}  # fmt: skip


def test_an_empty_folder_that_is_open_to_others_is_closed(tmp_path):
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    create_run(str(folder), ["train.py"])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@needs_root
def test_a_folder_that_somebody_else_has_made_is_none_of_ours(tmp_path, monkeypatch):
    folder = tmp_path / "theirs"
    folder.mkdir()
    os.chown(folder, NOBODY, NOBODY)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(RecordingError) as caught:
        create_run(str(folder), ["train.py"])
    assert str(caught.value) == f"{folder} belongs to another user: name a folder of your own with --out DIR"


def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path):
    folder, victim = tmp_path / "run", tmp_path / "victim"
    victim.write_text("mine")
    with tracedbg.record(str(folder)) as run:
        database = os.path.join(run.folder, f"p{os.getpid()}-1.db")
        os.symlink(victim, database)
        session.hub().emit(ev.FrameworkSeen("torch", "2.13"))
        with tracedbg.record(str(tmp_path / "other")):
            pass
    assert victim.read_text() == "mine"


@pytest.mark.parametrize(("mode", "owner"), [(0o777, None), (0o770, None), (0o700, NOBODY)])
def test_compiled_code_that_others_could_have_written_is_not_loaded(tmp_path, monkeypatch, mode, owner):
    if owner is not None and os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    monkeypatch.setenv(building.CACHE_VARIABLE, str(tmp_path))
    torch = building.Torch("/nowhere/torch", "2.13.0", True)
    file = building.library(torch)
    os.makedirs(os.path.dirname(file), mode=0o700)
    with open(file, "wb") as made:
        made.write(b"no library")
    os.chmod(file, mode)
    if owner is not None:
        os.chown(file, owner, owner)
    monkeypatch.setattr(building, "_import", lambda _: pytest.fail("it was loaded"))
    with pytest.raises(building.UnbuildableError, match="can be written by others"):
        building.load(torch, print)

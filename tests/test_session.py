"""Which processes are recorded."""

from __future__ import annotations

import os
import sys

import pytest

from tracedbg import session


def test_a_process_that_a_framework_started_for_itself_is_not_recorded(tmp_path, monkeypatch):
    worker = "/somewhere/site-packages/torch/_inductor/compile_worker/__main__.py"
    monkeypatch.setenv(session.RUN_VARIABLE, str(tmp_path))
    monkeypatch.setattr(sys, "orig_argv", [sys.executable, worker, "--workers=2"])
    session.start_from_environment()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "words",
    [
        ["-m", "torch.distributed.run", "--nproc-per-node", "2", "train.py"],
        ["-X", "dev", "-Om", "torch.distributed.run"],
        ["-mtorch.distributed.launch", "train.py"],
        ["-u", "/venv/bin/torchrun", "train.py"],
    ],
)
def test_what_starts_ranks_is_not_recorded(tmp_path, monkeypatch, words):
    monkeypatch.setenv(session.RUN_VARIABLE, str(tmp_path))
    monkeypatch.setattr(sys, "orig_argv", [sys.executable, *words])
    session.start_from_environment()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "words",
    [
        ["train.py", "torchrun"],
        ["-m", "mine.run", "-m", "torch.distributed.run"],
        ["-c", "1", "torchrun"],
        [],
    ],
)
def test_a_program_that_has_a_launchers_name_among_its_arguments_is_none(words):
    assert not session._is_helper([sys.executable, *words])


def test_any_other_process_of_a_run_is_recorded(tmp_path, monkeypatch):
    started = []
    monkeypatch.setenv(session.RUN_VARIABLE, str(tmp_path))
    monkeypatch.setattr(sys, "orig_argv", [sys.executable, "train.py"])
    monkeypatch.setattr(session.atexit, "register", started.append)
    session.start_from_environment()
    (stop,) = started
    assert [name for name in os.listdir(tmp_path) if name.endswith(".db")] == [f"p{os.getpid()}.db"]
    stop()

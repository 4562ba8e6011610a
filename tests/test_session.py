"""Which processes are recorded."""

from __future__ import annotations

import os
import sys

from tracedbg import session


def test_a_process_that_a_framework_started_for_itself_is_not_recorded(tmp_path, monkeypatch):
    worker = "/somewhere/site-packages/torch/_inductor/compile_worker/__main__.py"
    monkeypatch.setenv(session.RUN_VARIABLE, str(tmp_path))
    monkeypatch.setattr(sys, "orig_argv", [sys.executable, worker, "--workers=2"])
    session.start_from_environment()
    assert os.listdir(tmp_path) == []


def test_any_other_process_of_a_run_is_recorded(tmp_path, monkeypatch):
    started = []
    monkeypatch.setenv(session.RUN_VARIABLE, str(tmp_path))
    monkeypatch.setattr(sys, "orig_argv", [sys.executable, "train.py"])
    monkeypatch.setattr(session.atexit, "register", started.append)
    session.start_from_environment()
    (stop,) = started
    assert [name for name in os.listdir(tmp_path) if name.endswith(".db")] == [f"p{os.getpid()}.db"]
    stop()

"""`tracedbg doctor`: what is missing is named, with what it is needed for."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tracedbg import plugins, pyspy
from tracedbg.attach import process
from tracedbg.attach.process import our_rights
from tracedbg.cli import doctor
from tracedbg.cli.main import main


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_is_content_where_recording_works(here, capsys):
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "ok   start file   programs can be observed from their start\n" in out
    assert "BAD" not in out
    assert not (here / ".tracedbg").exists()


def test_it_imports_no_framework(here):
    code = "import sys; from tracedbg.cli.main import main; main(['doctor']); print('LOADED', 'torch' in sys.modules, 'tensorflow' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "LOADED False False" in ended.stdout


def test_a_missing_framework_is_named_with_its_pip_line(here, capsys, monkeypatch):
    monkeypatch.setitem(plugins.FRAMEWORKS, "not_there", "1.0")
    main(["doctor"])
    line = "off  not_there    not installed: python -m pip install 'tracedbg[not_there]'\n"
    assert line in capsys.readouterr().out


def test_a_framework_that_is_too_old_is_said_to_be(here, capsys, monkeypatch):
    monkeypatch.setitem(plugins.FRAMEWORKS, "pytest", "999.0")
    main(["doctor"])
    out = capsys.readouterr().out
    assert (
        f"off  pytest       {pytest.__version__} is older than 999.0: what it traces is not explained\n"
        in out
    )


def test_an_adapter_that_cannot_be_loaded_is_bad(here, capsys, monkeypatch):
    monkeypatch.setitem(plugins.ADAPTERS, "odd", "tracedbg.adapters.missing:Odd")
    assert main(["doctor"]) == 1
    assert (
        "BAD  adapter      odd cannot be loaded: ModuleNotFoundError: No module named 'tracedbg.adapters.missing'\n"
        in capsys.readouterr().out
    )


def test_missing_tools_are_off_and_no_failure(here, capsys, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda *_: None)
    assert main(["doctor"]) == 0
    assert (
        "off  compiler     no C++ compiler: torch.compile needs one for its default backend\n"
        in capsys.readouterr().out
    )


@pytest.mark.skipif(sys.platform != "linux", reason="ptrace is looked at on Linux")
def test_it_looks_into_a_live_process(here, capsys):
    main(["doctor"])
    whose = "processes of all users" if our_rights().has_capability else "other processes of this user"
    assert f"ok   ptrace       {whose} can be looked into: tracedbg attach PID\n" in capsys.readouterr().out


@pytest.mark.skipif(sys.platform != "linux", reason="ptrace is looked at on Linux")
def test_what_keeps_live_processes_closed_is_named_with_the_way_out(here, capsys, monkeypatch):
    monkeypatch.setattr(process, "our_rights", lambda: process.Rights(ptrace_scope=1))
    assert main(["doctor"]) == 0
    assert (
        "off  ptrace       live processes cannot be looked into: kernel.yama.ptrace_scope is 1, which leaves it to"
        ' parents and to root: sudo env PATH="$PATH" tracedbg attach PID, or sudo sysctl'
        " kernel.yama.ptrace_scope=0\n" in capsys.readouterr().out
    )


@pytest.mark.skipif(sys.platform != "linux", reason="ptrace is looked at on Linux")
def test_a_missing_py_spy_is_off_with_its_pip_line(here, capsys, monkeypatch):
    monkeypatch.setattr(pyspy, "find_py_spy", lambda: None)
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert (
        "off  py-spy       not installed: stacks of live processes need it: python -m pip install py-spy\n"
        in out
    )
    assert "off  ptrace       not tried, without py-spy\n" in out


def test_an_old_sqlite_is_bad(here, capsys, monkeypatch):
    monkeypatch.setattr(doctor, "_OLDEST_SQLITE", (999, 0, 0))
    assert main(["doctor"]) == 1
    assert " is too old; 999.0.0 or newer is needed\n" in capsys.readouterr().out


@pytest.mark.torch
def test_deep_observes_a_program(here, capsys, monkeypatch):
    monkeypatch.delitem(doctor._PROBES, "tensorflow")
    assert main(["doctor", "--deep"]) == 0
    assert "ok   torch (deep) traces are seen and explained\n" in capsys.readouterr().out


@pytest.mark.torch
def test_deep_notices_a_trace_that_is_missed(here, capsys, monkeypatch):
    monkeypatch.setattr(doctor, "_PROBES", {"torch": "import torch\n"})
    assert main(["doctor", "--deep"]) == 1
    assert "BAD  torch (deep) 2 traces were made, and 0 were seen\n" in capsys.readouterr().out

"""py-spy on real processes: what it says, and how it refuses."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from live import WAITING, children_of, line_of, running, waiting
from tracedbg import pyspy
from tracedbg.pyspy import Frame, PySpyError, Reason, Recorder, dump

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere, only root may look into a process"
)
ENDED = 2**22 + 1
"""No process has that number: Linux has no higher than 2**22."""


def test_a_dump_tells_each_thread_with_its_frames_innermost_first(tmp_path):
    with waiting(tmp_path, "busy") as process:
        threads = {thread.name: thread for thread in dump(process.pid)}
    main, busy = threads["MainThread"], threads["busy \x1b[31m"]
    file = str(tmp_path / "waiting.py")
    assert main.frames == (
        Frame(file, line_of(WAITING, "wait"), "wait"),
        Frame(file, line_of(WAITING, "call"), "<module>"),
    )
    assert (main.pid, main.os_thread_id) == (process.pid, process.pid)
    assert busy.frames[0] == Frame(file, line_of(WAITING, "turn"), "turn")
    assert busy.frames[1].function.endswith("run")
    assert busy.os_thread_id != process.pid


def test_native_frames_are_told_from_python_s(tmp_path):
    with waiting(tmp_path) as process:
        (main,) = dump(process.pid, native=True)
    kinds = [frame.is_native for frame in main.frames if frame.function != "<module>"]
    assert kinds[0] is True
    assert [frame.function for frame in main.frames if not frame.is_native] == ["wait", "<module>"]


def test_a_recording_has_every_sample_in_its_order(tmp_path):
    with waiting(tmp_path, "busy") as process:
        recorder = Recorder(process.pid, 50)
        assert recorder.begin()
        assert recorder.wait(0.3)
        recording = recorder.stop()
    assert not recording.has_ended
    assert {samples.name for samples in recording.threads} == {"MainThread", "busy \x1b[31m"}
    main = next(samples for samples in recording.threads if samples.name == "MainThread")
    assert main.os_thread_id == process.pid
    assert len(main.stacks) >= 5
    functions = {frame.function for number in main.stacks for frame in recording.stacks[number]}
    assert functions == {"wait", "<module>"}
    assert not any(frame.is_native for stack in recording.stacks for frame in stack)


def test_a_process_that_ends_while_it_is_recorded_leaves_what_was_seen(tmp_path):
    with waiting(tmp_path) as process:
        recorder = Recorder(process.pid, 100)
        recorder.begin()
        recorder.wait(0.2)
        process.kill()
        while recorder.wait(1):
            pass
        recording = recorder.stop()
    assert recording.has_ended
    assert recording.threads


def test_stopping_at_once_loses_nothing(tmp_path):
    with waiting(tmp_path) as process:
        recording = Recorder(process.pid, 100).stop()
    assert not recording.has_ended


def test_processes_that_it_has_started_are_told_by_their_number(tmp_path):
    program = (
        "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', 'import sys; print(\"ready\","
        " flush=True); sys.stdin.read()']); child.wait()"
    )
    with running(sys.executable, "-c", program) as process:
        (child,) = children_of(process.pid)
        recorder = Recorder(process.pid, 50, subprocesses=True)
        recorder.begin()
        recorder.wait(0.5)
        recorded = {samples.pid for samples in recorder.stop().threads}
        process.communicate("")
    assert recorded == {process.pid, child}


@pytest.mark.parametrize("look", [dump, lambda pid: Recorder(pid, 100).stop()])
def test_there_is_no_such_process(look):
    with pytest.raises(PySpyError) as refused:
        look(ENDED)
    assert refused.value.reason is Reason.GONE
    assert refused.value.detail == "Failed to get process executable name. Check that the process is running."


@pytest.mark.parametrize("look", [dump, lambda pid: Recorder(pid, 100).stop()])
def test_a_process_that_is_not_python_is_told(look):
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
        with pytest.raises(PySpyError) as refused:
            look(process.pid)
        process.communicate(b"")
    assert refused.value.reason is Reason.NOT_PYTHON


def test_nothing_is_left_of_a_recording_that_was_given_up(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(pyspy.tempfile, "tempdir", None)
    with waiting(tmp_path) as process:
        recorder = Recorder(process.pid, 100)
        recorder.begin()
        recorder.kill()
        assert not recorder.is_running
    assert os.listdir(tmp_path) == ["waiting.py"]


def test_it_is_found_beside_python_and_on_the_path_and_missed_where_it_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert pyspy.find_py_spy() is None
    with pytest.raises(PySpyError) as missing:
        dump(os.getpid())
    assert missing.value.reason is Reason.MISSING
    (tmp_path / "py-spy").touch(mode=0o755)
    assert pyspy.find_py_spy() == str(tmp_path / "py-spy")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "py-spy").touch(mode=0o755)
    assert pyspy.find_py_spy() == str(tmp_path / "bin" / "py-spy")

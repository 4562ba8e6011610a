"""The recorder: nothing waits, nothing is lost, and nothing of it is in the program's way."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import pytest
from builders import ENDED, FAULT, INFO, STARTED

from tracedbg import events as ev
from tracedbg.hooks import Hub
from tracedbg.recorder import Recorder, complain_on_stderr
from tracedbg.store.reader import ProcessRecording
from tracedbg.store.writer import Writer

LONG = 3600.0
"""An interval that never ends in a test: what is on disk was flushed."""


@pytest.fixture
def recorder(tmp_path):
    complaints = []
    recorder = Recorder(Writer(str(tmp_path / "p7.db"), INFO, 10**9), Hub(), complaints.append, LONG)
    recorder.complaints = complaints
    yield recorder
    recorder.close()


def read(recorder, what):
    recording = ProcessRecording.open(recorder.path)
    try:
        return getattr(recording, what)()
    finally:
        recording.close()


def wait_until(is_true, limit_s=10.0):
    end = time.monotonic() + limit_s
    while not is_true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def test_a_flushed_event_is_on_disk(recorder):
    recorder.emit(FAULT)
    assert read(recorder, "faults") == []
    recorder.flush()
    assert read(recorder, "faults") == [FAULT]


def test_what_a_thread_of_ours_tells_is_on_disk_at_once(recorder, monkeypatch):
    monkeypatch.setattr("tracedbg.recorder.idents", {threading.get_ident()})
    recorder.emit(FAULT)
    assert read(recorder, "faults") == [FAULT]


def test_the_thread_that_writes_waits_for_nobody(recorder):
    """A fork holds the lock, and waits for that thread to end."""
    recorder.emit(FAULT)
    with recorder._lock:
        assert recorder._tick()
    assert not recorder._tick()
    assert read(recorder, "faults") == [FAULT]


def test_an_event_that_nobody_flushes_is_written_after_the_interval(tmp_path):
    recorder = Recorder(Writer(str(tmp_path / "p7.db"), INFO, 10**9), Hub(), print, 0.01)
    recorder.emit(FAULT)
    wait_until(lambda: read(recorder, "faults") == [FAULT])
    recorder.emit(FAULT)
    wait_until(lambda: len(read(recorder, "faults")) == 2)
    recorder.close()


def test_an_event_that_has_waited_too_long_is_written_by_who_emits_the_next(recorder, monkeypatch):
    recorder.emit(FAULT)
    assert read(recorder, "faults") == []
    monkeypatch.setattr("tracedbg.recorder.LATE_S", -1.0)
    recorder.emit(FAULT)
    assert read(recorder, "faults") == [FAULT, FAULT]


def test_closing_writes_the_rest_and_marks_the_recording_complete(recorder):
    recorder.emit(FAULT)
    recorder.close()
    recorder.emit(FAULT)
    recorder.flush()
    assert read(recorder, "faults") == [FAULT]
    with sqlite3.connect(recorder.path) as db:
        assert db.execute("select stopped_ns is not null from process").fetchone() == (1,)
    db.close()


def test_its_thread_cannot_be_seen_by_the_program(recorder):
    before = threading.enumerate()
    seen = []
    threading.settrace(lambda *args: seen.append(args))
    try:
        recorder.emit(FAULT)
        recorder.flush()
    finally:
        threading.settrace(None)
    assert threading.enumerate() == before
    assert seen == []


def test_many_threads_lose_nothing(recorder):
    def work():
        for _ in range(200):
            recorder.emit(FAULT)
            if _ % 50 == 0:
                recorder.flush()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorder.flush()
    assert len(read(recorder, "faults")) == 1600


def test_a_flush_from_inside_a_flush_returns_at_once(recorder, monkeypatch):
    """As when a signal handler, or a finalizer, traces something while we write."""
    write = recorder._writer.write

    def write_and_be_interrupted(batch):
        monkeypatch.setattr(recorder._writer, "write", write)
        recorder.emit(FAULT)
        recorder.flush()
        write(batch)

    monkeypatch.setattr(recorder._writer, "write", write_and_be_interrupted)
    recorder.emit(FAULT)
    recorder.flush()
    assert len(read(recorder, "faults")) == 2


def test_an_event_that_cannot_be_stored_is_left_out_alone_and_reported(recorder):
    recorder.emit(FAULT)
    recorder.emit(STARTED)
    recorder.emit(STARTED)
    recorder.emit(ENDED)
    recorder.flush()
    faults = read(recorder, "faults")
    assert [fault.where for fault in faults] == [FAULT.where, "recorder.TraceStarted"]
    assert "UNIQUE constraint failed" in faults[1].message
    assert [trace.ended for trace in read(recorder, "traces")] == [ENDED]
    assert recorder.error == ""


def test_a_full_disk_stops_the_recording_with_one_line_and_keeps_what_there_is(recorder):
    recorder.emit(FAULT)
    recorder.flush()
    (pages,) = recorder._writer._db.execute("pragma page_count").fetchone()
    recorder._writer._db.execute(f"pragma max_page_count = {pages}")
    recorder.emit(ev.Fault("x" * 100_000, "", 0))
    recorder.flush()
    recorder.emit(FAULT)
    recorder.flush()
    assert [line for line in recorder.complaints if " is off: " not in line] == [
        f"recording stopped: database or disk is full ({recorder.path});"
        " the program goes on, what was recorded is kept"
    ]
    assert read(recorder, "faults") == [FAULT]


def test_a_store_that_becomes_read_only_stops_the_recording_with_one_line(recorder):
    recorder.emit(STARTED)
    recorder.flush()
    recorder._writer._db.execute(
        "pragma query_only = 1"
    )  # root may write what nobody may: the disk would say no
    for _ in range(2):
        recorder.emit(ENDED)
        recorder.flush()
    assert recorder.complaints == [
        f"recording stopped: attempt to write a readonly database ({recorder.path});"
        " the program goes on, what was recorded is kept"
    ]
    (trace,) = read(recorder, "traces")
    assert trace.ended is None


def test_a_fault_is_said_once_in_one_line(recorder):
    recorder.emit(ev.Fault("torch_compile.phases", "MovedError: no \x1b[31mname\n", 0))
    recorder.emit(ev.Fault("torch_compile.caches", "MovedError: no \x1b[31mname\n", 0))
    recorder.emit(ev.Fault("torch_compile.graphs", "x" * 1000, 0))
    assert recorder.complaints == [
        "torch_compile.phases is off: MovedError: no \x1b[31mname\n; the program and the rest go on",
        f"torch_compile.graphs is off: {'x' * 400}...; the program and the rest go on",
    ]


def test_a_line_on_stderr_has_nothing_that_a_terminal_acts_on(capfd):
    complain_on_stderr("no \x1b[31mname\n\u202e")
    assert capfd.readouterr().err == "tracedbg: no \\x1b[31mname\\n\\u202e\n"


@pytest.mark.parametrize("gone", ["deleted", "replaced", "its folder"])
def test_a_database_that_is_gone_stops_the_recording_with_one_line(tmp_path, gone):
    folder = tmp_path / "run"
    folder.mkdir()
    complaints = []
    recorder = Recorder(Writer(str(folder / "p7.db"), INFO, 10**9), Hub(), complaints.append, LONG)
    recorder.emit(STARTED)
    recorder.flush()
    if gone == "its folder":
        shutil.rmtree(folder)
    else:
        os.unlink(recorder.path)
    if gone == "replaced":
        folder.joinpath("p7.db").write_text("")
    for _ in range(2):
        recorder.emit(ENDED)
        recorder.flush()
    recorder.close()
    assert complaints == [
        f"recording stopped: somebody has removed the database ({recorder.path});"
        " the program goes on, what was recorded is kept"
    ]


CHILD = """
import os, sys
from tracedbg import events as ev
from tracedbg.hooks import Hub
from tracedbg.recorder import Recorder
from tracedbg.store.records import ProcessInfo
from tracedbg.store.writer import Writer
info = ProcessInfo(1, 1, (), "", "", 0)
recorder = Recorder(Writer(sys.argv[1], info, 10**9), Hub(), lambda _: None)
number = 0
while True:
    recorder.emit(ev.Fault(str(number), "", recorder.now_ns()))
    if number % 10 == 0:
        recorder.flush()
        print(number, flush=True)
    number += 1
"""


def test_a_killed_process_loses_nothing_that_was_flushed(tmp_path):
    path = str(tmp_path / "p7.db")
    child = subprocess.Popen([sys.executable, "-c", CHILD, path], stdout=subprocess.PIPE, text=True)
    flushed = [int(child.stdout.readline()) for _ in range(20)]
    child.send_signal(signal.SIGKILL)
    flushed += [int(line) for line in child.stdout]
    child.wait()
    child.stdout.close()
    recording = ProcessRecording.open(path)
    numbers = [int(fault.where) for fault in recording.faults()]
    assert numbers == list(range(len(numbers)))
    assert numbers[-1] >= flushed[-1]
    assert recording.info.stopped_ns is None
    recording.close()


def test_no_connection_and_no_thread_crosses_a_fork(recorder):
    recorder.emit(FAULT)
    recorder.before_fork()
    child = os.fork()
    if child == 0:
        files = {os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if _is_link(fd)}
        tasks = len(os.listdir("/proc/self/task"))
        os._exit(0 if recorder.path not in files and tasks == 1 else 1)
    recorder.after_fork_in_parent()
    _, status = os.waitpid(child, 0)
    assert status == 0
    recorder.emit(FAULT)
    recorder.flush()
    assert len(read(recorder, "faults")) == 2


def _is_link(fd):
    return os.path.islink(f"/proc/self/fd/{fd}")

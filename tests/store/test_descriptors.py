"""A program that closes or takes over the descriptors of a recording: neither comes to harm."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from builders import FAULT, INFO, SEEN

from tracedbg.hooks import Hub
from tracedbg.recorder import Recorder
from tracedbg.store.descriptors import Descriptors
from tracedbg.store.reader import ProcessRecording
from tracedbg.store.writer import Writer


@pytest.fixture
def writer(tmp_path):
    writer = Writer(str(tmp_path / "p7.db"), INFO, 10**9)
    writer.write([FAULT])
    return writer


def held(writer) -> list[int]:
    return list(writer._descriptors._held)


def take_over(writer, path) -> None:
    """Put a file of the program's where each of ours is."""
    with open(path, "wb") as file:
        file.write(b"mine")
        file.flush()
        for number in held(writer):
            os.dup2(file.fileno(), number)


def recorded(writer):
    recording = ProcessRecording.open(writer.path)
    try:
        return recording.faults(), recording.info.stopped_ns
    finally:
        recording.close()


def test_the_three_files_of_a_database_are_held(writer):
    assert len(writer._descriptors) == 3
    assert writer._descriptors.are_ours()
    assert len(Descriptors.none()) == 0
    writer.close(1)


def test_a_file_of_the_programs_at_our_numbers_is_left_as_it_is(writer, tmp_path):
    numbers = held(writer)
    take_over(writer, tmp_path / "theirs")
    writer.write([FAULT])
    writer.close(5)
    assert (tmp_path / "theirs").read_bytes() == b"mine"
    assert recorded(writer) == ([FAULT, FAULT], 5)
    for number in numbers:
        os.close(number)  # is still open: nobody has closed what is the program's


def test_a_recording_whose_files_were_closed_goes_on(writer):
    for number in held(writer):
        os.close(number)
    writer.write([FAULT, SEEN])
    writer.close(5)
    assert recorded(writer) == ([FAULT, FAULT], 5)
    assert sorted(os.listdir(os.path.dirname(writer.path))) == ["p7.db"]
    assert os.stat(writer.path).st_mode & 0o777 == 0o600


def test_a_fork_lets_go_of_our_files_alone(writer, tmp_path):
    numbers = held(writer)
    take_over(writer, tmp_path / "theirs")
    writer.suspend()
    for number in numbers:
        os.close(number)
    writer.resume()
    writer.write([FAULT])
    writer.close(5)
    assert (tmp_path / "theirs").read_bytes() == b"mine"
    assert recorded(writer) == ([FAULT, FAULT], 5)


@pytest.mark.parametrize("then", ["flush", "before_fork", "close"])
def test_a_program_that_closes_them_again_and_again_is_recorded_no_more(tmp_path, then):
    complaints = []
    recorder = Recorder(Writer(str(tmp_path / "p7.db"), INFO, 10**9), Hub(), complaints.append, 3600.0)
    for _ in range(8):
        take_over(recorder._writer, tmp_path / "theirs")
        recorder.emit(FAULT)
        recorder.flush()
    numbers = held(recorder._writer)
    take_over(recorder._writer, tmp_path / "theirs")
    if then == "flush":
        recorder.emit(FAULT)
    getattr(recorder, then)()
    if then == "before_fork":
        recorder.after_fork_in_parent()
    recorder.emit(FAULT)
    recorder.close()
    assert [line for line in complaints if " is off: " not in line] == [
        "recording stopped: the program closes the files of the recording again and again"
        f" ({recorder.path}); the program goes on, what was recorded is kept",
    ]
    assert (tmp_path / "theirs").read_bytes() == b"mine"
    assert recorded(recorder)[0] == [FAULT] * 8
    for number in numbers:
        os.close(number)


ENDS = """
import os, sys
from builders import INFO
from tracedbg.store.writer import Writer
writer = Writer(sys.argv[1] + "/p7.db", INFO, 10**9)
numbers = list(writer._descriptors._held)
os.closerange(min(numbers), max(numbers) + 1)
files = [open(f"{sys.argv[1]}/{number}", "w") for number in numbers]
for file in files:
    file.write("in a buffer until the end")
assert sorted(file.fileno() for file in files) == sorted(numbers)
writer.write([])
"""


def test_the_end_of_the_interpreter_closes_nothing_of_the_programs(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(__file__)}
    ended = subprocess.run(
        [sys.executable, "-c", ENDS, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    texts = [path.read_text() for path in tmp_path.iterdir() if path.name.isdigit()]
    assert texts == ["in a buffer until the end"] * 3

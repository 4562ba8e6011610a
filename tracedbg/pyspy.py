"""Runs py-spy on a live process, and reads what it says: stacks now, or samples over a time.

It must not know what the stacks mean, nor what is said to a user where py-spy is refused.
"""

from __future__ import annotations

import ctypes
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_DUMP_TIMEOUT_S = 60
_STOP_TIMEOUT_S = 120
_STARTUP_S = 10
_POLL_S = 0.01
_THREAD = re.compile(r'(?:Process (?P<pid>\d+) )?Thread (?P<thread>\d+) "(?P<name>.*)"$', re.DOTALL)
_LABEL = re.compile(r'(thread \(|process \d+:")')
_BEHIND = re.compile(r"(?P<seconds>[\d.]+)s behind in sampling")


_SET_DEATH_SIGNAL = 1
"""`PR_SET_PDEATHSIG` of `linux/prctl.h`."""
_prctl = getattr(ctypes.CDLL(None), "prctl", None) if sys.platform == "linux" else None


class Reason(Enum):
    """Why py-spy has not said anything."""

    MISSING = "missing"
    GONE = "gone"
    DENIED = "denied"
    NOT_PYTHON = "not_python"
    OTHER = "other"


class PySpyError(Exception):
    """py-spy is not there, or has refused."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


_REFUSALS = {
    Reason.DENIED: ("permission denied", "operation not permitted", "(os error 1)", "(os error 13)"),
    Reason.NOT_PYTHON: ("find python version", "failed to find a python", "failed to find libpython"),
    Reason.GONE: ("check that the process is running", "no such process", "(os error 3)"),
}
"""How py-spy words them."""


@dataclass(frozen=True)
class Frame:
    """One frame of a stack."""

    file: str
    line: int
    """0 where it is not known."""
    function: str
    is_native: bool = False


@dataclass(frozen=True)
class Thread:
    """A thread of Python, and its stack at one moment."""

    pid: int
    os_thread_id: int
    name: str
    is_active: bool
    """Whether it was running, or could have been."""
    frames: tuple[Frame, ...]
    """The innermost first."""


@dataclass(frozen=True)
class Samples:
    """What was seen of one thread."""

    pid: int
    os_thread_id: int
    name: str
    stacks: tuple[int, ...]
    """In the order of time, each a number of a stack of the recording."""


@dataclass(frozen=True)
class Recording:
    """Stacks at a regular rate. Threads at rest are sampled, too."""

    rate_hz: int
    stacks: tuple[tuple[Frame, ...], ...]
    """Each with the innermost frame first."""
    threads: tuple[Samples, ...]
    has_ended: bool = False
    """The process has ended before it was stopped."""
    behind_s: float = 0.0
    """How late py-spy was at worst."""


def find_py_spy() -> str | None:
    """The program, beside our Python or on the PATH; None where there is none."""
    beside = os.path.join(os.path.dirname(sys.executable), "py-spy")
    return beside if os.access(beside, os.X_OK) else shutil.which("py-spy")


def dump(pid: int, *, native: bool = False) -> tuple[Thread, ...]:
    """What each thread of Python is at, the innermost frame first.

    Args:
        pid: of the process.
        native: with the frames of C and C++.

    Raises:
        PySpyError: it cannot be told.
    """
    command = [_program(), "dump", "--json", "--pid", str(pid), *(["--native"] if native else [])]
    try:
        ended = subprocess.run(
            command, capture_output=True, check=False, timeout=_DUMP_TIMEOUT_S, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as error:
        raise PySpyError(Reason.OTHER, f"no answer within {_DUMP_TIMEOUT_S} s") from error
    if ended.returncode:
        raise _refusal(ended.stderr.decode(errors="replace"))
    return tuple(map(_thread, json.loads(ended.stdout)))


class Recorder:
    """Samples a process from its start to its stop, in the background.

    Args:
        pid: of the process.
        rate_hz: how often, at most `MAX_RATE_HZ`, and `MAX_NATIVE_RATE_HZ` with native frames.
        native: with the frames of C and C++.
        subprocesses: with the processes that it has started.
        limit_s: it stops by itself a while after that, should nobody be left to stop it.

    Raises:
        PySpyError: py-spy is not installed.
    """

    def __init__(
        self,
        pid: int,
        rate_hz: int,
        *,
        native: bool = False,
        subprocesses: bool = False,
        limit_s: float = 3600.0,
    ) -> None:
        self.rate_hz = rate_hz
        self._folder = tempfile.TemporaryDirectory(prefix="tracedbg-")
        self._file = os.path.join(self._folder.name, "stacks.json")
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  closed by `stop`
        options = ["--format", "speedscope", "--output", self._file, "--rate", str(rate_hz)]
        options += ["--duration", str(math.ceil(limit_s) + _STARTUP_S), "--idle", "--threads"]
        options += ["--full-filenames"]
        flags = {"--native": native, "--subprocesses": subprocesses}
        options += [flag for flag, is_on in flags.items() if is_on]
        try:
            self._process = subprocess.Popen(
                [_program(), "record", "--pid", str(pid), *options],
                stdin=subprocess.DEVNULL,
                stdout=self._said,
                stderr=self._said,
                start_new_session=True,  # the terminal's Ctrl-C is for us: we stop it, once
                preexec_fn=_end_with_us,  # noqa: PLW1509  it calls one function of the system's
            )
        except BaseException:
            self._close()
            raise

    @property
    def is_running(self) -> bool:
        """Whether there is something left to sample."""
        return self._process.poll() is None

    def begin(self) -> bool:
        """Wait until it samples: it reads the libraries first. Whether it does."""
        while self.wait(_POLL_S):
            if os.fstat(self._said.fileno()).st_size > 0:
                return True
        return False

    def wait(self, seconds: float) -> bool:
        """Let it sample for that long; whether it goes on."""
        try:
            self._process.wait(max(seconds, 0))
        except subprocess.TimeoutExpired:
            return True
        return False

    def stop(self) -> Recording:
        """End it, and read what it has seen.

        Raises:
            PySpyError: it has not seen anything.
        """
        try:
            return self._stop()
        finally:
            self.kill()

    def kill(self) -> None:
        """End it without asking for what it has seen."""
        if self.is_running:
            self._process.kill()
            self._process.wait()
        self._close()

    def _stop(self) -> Recording:
        was_running = self.begin()  # an interrupt before that would lose what it has seen
        if was_running:
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            raise PySpyError(Reason.OTHER, f"it did not end within {_STOP_TIMEOUT_S} s") from error
        self._said.seek(0)
        said = self._said.read().decode(errors="replace")
        if not os.path.exists(self._file):
            raise _refusal(said)
        with open(self._file, encoding="utf-8", errors="replace") as file:
            data = json.load(file)
        late = [float(found["seconds"]) for found in _BEHIND.finditer(said)]
        return _recording(data, self.rate_hz, has_ended=not was_running, behind_s=max(late, default=0.0))

    def _close(self) -> None:
        self._said.close()
        self._folder.cleanup()


def _end_with_us() -> None:
    """In the child: have the system end it when we are gone, whatever we die of."""
    if _prctl is not None:
        _prctl(_SET_DEATH_SIGNAL, int(signal.SIGTERM))


def _program() -> str:
    program = find_py_spy()
    if program is None:
        raise PySpyError(Reason.MISSING, "py-spy is not installed")
    return program


def _refusal(said: str) -> PySpyError:
    words = said.lower()
    reason = next(
        (reason for reason, texts in _REFUSALS.items() if any(text in words for text in texts)), Reason.OTHER
    )
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    first = next(
        (line for line in lines if line.startswith("Error:")), lines[0] if lines else "it said nothing"
    )
    return PySpyError(reason, first.removeprefix("Error:").strip())


def _thread(data: Mapping[str, Any]) -> Thread:
    frames = tuple(
        _frame(frame["filename"], frame["line"], frame["name"], frame["module"] is not None)
        for frame in data["frames"]
    )
    number = data["os_thread_id"] or 0
    return Thread(data["pid"], number, data["thread_name"] or "", bool(data["active"]), frames)


def _frame(file: str, line: int, function: str, is_native: bool) -> Frame:
    return Frame(file, line, function, is_native or _is_native(file))


def _is_native(file: str) -> bool:
    """Whether no Python has this file: a library, or a source of C, C++, Cython or Rust."""
    return not (file.startswith("<") or file.endswith(".py") or ".py:" in file or not os.path.basename(file))


def _recording(data: Mapping[str, Any], rate_hz: int, *, has_ended: bool, behind_s: float) -> Recording:
    frames: list[Frame | None] = [
        None
        if not one["file"] and _LABEL.match(one["name"])
        else _frame(one["file"] or "", one["line"] or 0, one["name"], is_native=False)
        for one in data["shared"]["frames"]
    ]
    numbers: dict[tuple[int, ...], int] = {}
    stacks: list[tuple[Frame, ...]] = []
    threads: list[Samples] = []
    for profile in data["profiles"]:
        found = _THREAD.match(profile["name"])
        if found is None:
            continue
        sampled: list[int] = []
        for sample in map(tuple, profile["samples"]):
            if sample not in numbers:
                numbers[sample] = len(stacks)
                stacks.append(_innermost_first(sample, frames))
            sampled.append(numbers[sample])
        number = int(found["thread"])
        threads.append(Samples(int(found["pid"] or 0), number, found["name"], tuple(sampled)))
    return Recording(rate_hz, tuple(stacks), tuple(threads), has_ended, behind_s)


def _innermost_first(sample: Sequence[int], frames: Sequence[Frame | None]) -> tuple[Frame, ...]:
    # Labels of the thread and process stand among the frames, the process' own always outermost.
    return tuple(frame for number in reversed(sample) if (frame := frames[number]) is not None)

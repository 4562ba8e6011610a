"""`tracedbg run --native`: py-spy beside the program, in a process of its own; its stacks go into the folder.

A process, as the one that waits for the program has blocked the signals that py-spy is ended with. As a
module it is `python -m tracedbg.cli.native PID FOLDER`. What goes wrong is a note in the file, and a line in
the report: the program goes on.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

from tracedbg.attach import MAX_NATIVE_RATE_HZ
from tracedbg.pyspy import PySpyError, Reason, Recorder, find_py_spy
from tracedbg.store.native import NativeFrame, NativeStacks, write_native

if TYPE_CHECKING:
    from tracedbg.pyspy import Frame, Recording

PIECE_S = 30.0
"""So much is lost at most, and kept in memory one by one."""
MAX_STACKS = 20_000
"""Different stacks that are kept; further ones count as their innermost user frames alone."""
MAX_WRITTEN = 5_000
_START_S = 10.0
"""How long a program may need to become one of Python."""
_AGAIN_S = 0.1
_END_S = 60.0
"""How long we wait for what was seen, when the program has ended."""
MISSING = "--native needs py-spy, which is not installed: python -m pip install py-spy"


def start(pid: int, folder: str) -> int | None:
    """Sample the program from now on; the process that does, or None if it cannot be started."""
    with suppress(OSError):
        command = [sys.executable, "-m", "tracedbg.cli.native", str(pid), folder]
        return os.posix_spawn(command[0], command, os.environ, setsigmask=[], setpgroup=0)
    return None


def finish(pid: int) -> None:
    """Wait for what it has seen: it ends by itself when the program has."""
    until = time.monotonic() + _END_S
    with suppress(ChildProcessError):
        while not os.waitpid(pid, os.WNOHANG)[0]:
            if time.monotonic() > until:
                os.kill(pid, 9)
                os.waitpid(pid, 0)
                return
            time.sleep(_AGAIN_S / 10)


def main(words: list[str]) -> int:
    """Sample process `words[0]` until it ends, and write what was seen into the folder `words[1]`."""
    pid, folder = int(words[0]), words[1]
    stacks: Counter[tuple[NativeFrame, ...]] = Counter()
    note = ""
    try:
        _sample(pid, stacks)
    except PySpyError as error:
        if not stacks:
            note = _why(error)
    seen = NativeStacks(
        rate_hz=MAX_NATIVE_RATE_HZ,
        samples=stacks.total(),
        stacks=tuple((count, stack) for stack, count in stacks.most_common(MAX_WRITTEN)),
        note=note,
    )
    with suppress(OSError):  # the folder has been removed, or the disk is full
        write_native(folder, seen)
    return 0


def _sample(pid: int, stacks: Counter[tuple[NativeFrame, ...]]) -> None:
    patience = time.monotonic() + _START_S
    while True:
        recorder = Recorder(pid, MAX_NATIVE_RATE_HZ, native=True, limit_s=PIECE_S)
        try:
            recorder.wait(PIECE_S)
            recording = recorder.stop()
        except PySpyError as error:
            is_starting = not stacks and time.monotonic() < patience and _is_alive(pid)
            if error.reason in (Reason.MISSING, Reason.DENIED) or not is_starting:
                raise
            time.sleep(_AGAIN_S)
            continue
        finally:
            recorder.kill()
        _add(recording, pid, stacks)
        if recording.has_ended or not _is_alive(pid):
            return


def _is_alive(pid: int) -> bool:
    """Whether it runs: one that has ended and is not waited for yet does not."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[:1] not in ([b"Z"], [b"X"])
    except OSError:
        return False


def _add(recording: Recording, pid: int, stacks: Counter[tuple[NativeFrame, ...]]) -> None:
    kept = [tuple(map(_frame, stack)) for stack in recording.stacks]
    for thread in recording.threads:
        if thread.os_thread_id != pid:
            continue
        for number in thread.stacks:
            stack = kept[number]
            if stack not in stacks and len(stacks) >= MAX_STACKS:
                stack = tuple(frame for frame in stack if not frame.is_native)[:1]
            stacks[stack] += 1


def _frame(frame: Frame) -> NativeFrame:
    return NativeFrame(frame.file, frame.line, frame.function, frame.is_native)


def _why(error: PySpyError) -> str:
    if error.reason is Reason.MISSING:
        return MISSING
    if error.reason is Reason.DENIED:
        return f"no native stacks: py-spy may not look into the program ({error.detail})"
    if error.reason is Reason.GONE:
        return "no native stacks: the program ended before py-spy had begun"
    return f"no native stacks: {error.detail}"


def is_possible() -> bool:
    """Whether there is a py-spy at all."""
    return find_py_spy() is not None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What the kernel tells of this process' threads: how long one has run, and whether it may run now.

Linux tells all of it; elsewhere nothing is known. It is read without letting go of the interpreter's lock:
to get it back would cost more than a sample. It must not know who asks.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time

_libc = ctypes.PyDLL(None)
_text = ctypes.create_string_buffer(512)
_NS = 1e9


def thread_number(ident: int) -> int | None:
    """The number in the kernel of a thread that `threading` knows; None where there is none."""
    if not sys.platform.startswith("linux"):
        return None
    thread = threading._active.get(ident)  # type: ignore[attr-defined]
    return os.getpid() if thread is threading.main_thread() else getattr(thread, "native_id", None)


def run_ns(number: int | None) -> int:
    """How long a thread has run.

    `time.pthread_getcpuclockid` may not be asked for a thread that has ended; the clock of a number that
    no thread has is an error like any other. Source: Linux, include/linux/posix-timers_types.h.
    """
    try:
        return 0 if number is None else time.clock_gettime_ns((~number << 3) | 6)
    except OSError:
        return 0


def may_run(number: int) -> bool:
    """Whether a thread runs, or would if it had a core."""
    state = _text_of(f"/proc/self/task/{number}/stat").rpartition(b")")[2].split(None, 1)
    return state[:1] == [b"R"]


class CoreWaits:
    """How long the calling thread was ready to run and had no core."""

    def __init__(self) -> None:
        self._before_ns = 0

    def since_asked_ns(self) -> int:
        """Since it was asked for the last time."""
        parts = _text_of("/proc/thread-self/schedstat").split()
        if len(parts) < 2:  # noqa: PLR2004  the time that it ran, and the time that it waited
            return 0
        before_ns, self._before_ns = self._before_ns, int(parts[1])
        return self._before_ns - before_ns


def began_ns(now_ns: int) -> int | None:
    """When this process began, to 10 ms, on the clock that says `now_ns`; None where nobody tells."""
    try:
        ticks = int(_text_of("/proc/self/stat").rpartition(b")")[2].split()[19])
        age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError, AttributeError):
        return None
    return now_ns - int(age_s * _NS)


def _text_of(file: str) -> bytes:
    """The beginning of a file; empty where it cannot be read."""
    number = _libc.open(file.encode(), os.O_RDONLY | os.O_CLOEXEC)
    if number < 0:
        return b""
    size = _libc.read(number, _text, len(_text))
    _libc.close(number)
    return _text.raw[: max(size, 0)]

"""The threads of the process, by small numbers that do not change.

It must not know what a stop is.
"""

from __future__ import annotations

import itertools
import sys
import threading

_MAIN = 1
_OURS = "tracedbg"
_DEBUGPY = "is_pydev_daemon_thread"


class ThreadNumbers:
    """Numbers for threads: clients want small ones, and the same for the same thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(_MAIN + 1)
        self._by_ident = {threading.main_thread().ident: _MAIN}

    def number(self, ident: int) -> int:
        """The number of a thread."""
        with self._lock:
            if ident not in self._by_ident:
                self._by_ident[ident] = next(self._numbers)
            return self._by_ident[ident]

    def ident(self, number: int) -> int | None:
        """The thread with a number; None if it has ended, or never was."""
        alive = sys._current_frames()
        with self._lock:
            return next((one for one, own in self._by_ident.items() if own == number and one in alive), None)

    def all(self) -> list[tuple[int, str]]:
        """(number, name) of each thread that runs Python, without those of debuggers."""
        known = {thread.ident: thread for thread in threading.enumerate()}
        alive = sys._current_frames()
        with self._lock:
            for ended in [one for one in self._by_ident if one not in alive]:
                del self._by_ident[ended]  # the system may give the same to a new thread
        found = []
        for ident in alive:
            thread = known.get(ident)
            if thread is None:
                found.append((self.number(ident), f"thread {ident}"))
            elif not thread.name.startswith(_OURS) and not hasattr(thread, _DEBUGPY):
                found.append((self.number(ident), thread.name))
        return sorted(found)

"""A function called now and then in the background, by a thread that nobody sees.

The thread is made by `_thread`: a program that counts, lists or traces its threads (`threading.enumerate`,
`threading.settrace`) does not see it. It exists only while it is needed; it is ended before a fork, and
started again after it in the parent and in the child.
"""

from __future__ import annotations

import _thread
import os
import threading
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

INTERVAL_S = 0.25


class Ticker:
    """Calls a function at intervals, from `start` until it returns False, or `stop`."""

    def __init__(self, function: Callable[[], bool], interval_s: float = INTERVAL_S) -> None:
        self._function = function
        self._interval_s = interval_s
        self._lock = threading.RLock()  # a signal handler may call `start` inside of `start`
        self._stopping: threading.Event | None = None
        """Of the thread that runs; None where none does."""
        self._ended = threading.Event()
        self._is_wanted = False
        """Whether `start` was called since the last tick began."""

    def start(self) -> None:
        """Begin, if it is not running; the first call comes after one interval."""
        self._is_wanted = True
        if self._stopping is not None:
            return
        with self._lock:
            if self._stopping is None:
                self._stopping, self._ended = threading.Event(), threading.Event()
                try:
                    _thread.start_new_thread(self._run, (self._stopping, self._ended))
                except RuntimeError:  # the interpreter is shutting down
                    self._stopping = None
                else:
                    _running.add(self)

    def _run(self, stopping: threading.Event, ended: threading.Event) -> None:
        try:
            while not stopping.wait(self._interval_s):
                self._is_wanted = False
                if self._function():
                    continue
                with self._lock:
                    if not self._is_wanted:
                        if not stopping.is_set():
                            self._forget()
                        return
        finally:
            ended.set()

    def stop(self) -> bool:
        """End the thread, and wait for that; whether there was one."""
        with self._lock:
            stopping, ended = self._stopping, self._ended
            if stopping is None:
                return False
            stopping.set()
            self._forget()
        ended.wait()
        return True

    def _forget(self) -> None:
        self._stopping = None
        _running.discard(self)


_running: weakref.WeakSet[Ticker] = weakref.WeakSet()
_suspended: list[Ticker] = []


def _before_fork() -> None:
    _suspended.extend(ticker for ticker in list(_running) if ticker.stop())


def _after_fork() -> None:
    while _suspended:
        _suspended.pop().start()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)

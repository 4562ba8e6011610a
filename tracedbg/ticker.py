"""A function called now and then in the background, by a thread that nobody sees.

The thread is made by `_thread`: a program that counts, lists or traces its threads (`threading.enumerate`,
`threading.settrace`) does not see it. It exists only while it is needed; it is ended before a fork, and
started again after it in the parent and in the child. What traces or profiles all threads leaves it out.
"""

from __future__ import annotations

import _thread
import gc
import os
import sys
import threading
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

INTERVAL_S = 0.25
TELL_S = 0.05
"""How often what was counted is written: a program that is killed loses that of so many seconds."""


class _Stop:
    """Says that a thread is to end. To wait for it costs half of what it costs with `threading.Event`."""

    def __init__(self) -> None:
        self._lock = _thread.allocate_lock()
        self._lock.acquire()

    def set(self) -> None:
        """Say so; once."""
        self._lock.release()

    def is_set(self) -> bool:
        """Whether it was said."""
        return not self._lock.locked()

    def wait(self, timeout_s: float) -> bool:
        """Wait for it; whether it was said."""
        if self._lock.acquire(timeout=timeout_s):
            self._lock.release()
            return True
        return False


class Ticker:
    """Calls a function at intervals, from `start` until it returns False, or `stop`."""

    def __init__(self, function: Callable[[], bool], interval_s: float = INTERVAL_S) -> None:
        self._function = function
        self.interval_s = interval_s
        """May be changed: it counts from the next tick on."""
        self._lock = threading.RLock()  # a signal handler may call `start` inside of `start`
        self._stopping: _Stop | None = None
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
                self._stopping, self._ended = _Stop(), threading.Event()
                try:
                    _thread.start_new_thread(self._run, (self._stopping, self._ended))
                except RuntimeError:  # the interpreter is shutting down
                    self._stopping = None
                else:
                    _running.add(self)

    def _run(self, stopping: _Stop, ended: threading.Event) -> None:
        me = threading.get_ident()
        idents.add(me)
        try:
            while not stopping.wait(self.interval_s):
                _be_nobodys()
                self._is_wanted = False
                if self._function():
                    continue
                with self._lock:
                    if not self._is_wanted:
                        if not stopping.is_set():
                            self._forget()
                        return
        finally:
            idents.discard(me)
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

    def suspend(self) -> None:
        """End the thread before a fork; it begins again after it, in the parent and in the child."""
        if self.stop():
            _suspended.append(self)

    def _forget(self) -> None:
        self._stopping = None
        _running.discard(self)


@contextmanager
def no_collection() -> Iterator[None]:
    """Collect no garbage meanwhile: a collection in our thread would call the program's finalizers there.

    For what is over before another thread has its turn: the program may look whether collection is on.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _be_nobodys() -> None:
    """Leave this thread out of what was set for all threads, as by torch.profiler with stacks.

    Not by `sys.settrace`: in its place may stand a function of debugpy's, which warns whoever calls it.
    """
    if sys.getprofile() is None and sys.gettrace() is None:
        return
    import ctypes  # noqa: PLC0415  needed by few

    ctypes.pythonapi.PyEval_SetProfile(None, None)
    ctypes.pythonapi.PyEval_SetTrace(None, None)


idents: set[int] = set()
"""Of the threads that run now."""
_running: weakref.WeakSet[Ticker] = weakref.WeakSet()
_suspended: list[Ticker] = []


def _before_fork() -> None:
    for ticker in list(_running):
        ticker.suspend()


def _after_fork() -> None:
    while _suspended:
        _suspended.pop().start()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)

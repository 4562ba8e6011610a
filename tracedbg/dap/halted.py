"""A thread that stands still: does on it what has to be done there, until it is told how to go on.

It must not know any request.
"""

from __future__ import annotations

import ctypes
import queue
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from tracedbg.dap.arguments import RequestError
from tracedbg.engine.inspector import Inspector

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracedbg.dap.wire import Message as Body
    from tracedbg.engine import Action, Stop
    from tracedbg.engine.values import Values


class CancelledError(BaseException):
    """Raised in a job that nobody waits for any more."""


class Job:
    """Something to be done on a stopped thread, or on none in particular."""

    def __init__(
        self,
        do: Callable[[], Body | None],
        answer: Callable[[Body | None], None],
        refuse: Callable[[str], None],
        *,
        is_breakable: bool = False,
    ) -> None:
        """Describe it.

        Args:
            do: does it.
            answer: tells whoever has asked what came of it.
            refuse: tells them instead why nothing did.
            is_breakable: whether `cancel` breaks it off in the middle; it must not hold a lock then.
        """
        self._do = do
        self._answer = answer
        self.refuse = refuse
        self._is_breakable = is_breakable
        self._lock = threading.Lock()
        self._thread_id: int | None = None
        self._is_cancelled = False

    @property
    def is_cancelled(self) -> bool:
        """Whether nobody waits for it any more."""
        return self._is_cancelled

    def run(self) -> None:
        """Do it and answer. Raises nothing, but what the answering raises."""
        try:
            body = self._done()
        except CancelledError:
            self.refuse("cancelled")
        except RequestError as error:
            self.refuse(str(error))
        except BaseException as error:  # noqa: BLE001  an expression of the user's may raise anything
            self.refuse(f"{type(error).__name__}: {error}".removesuffix(": "))
        else:
            self._answer(body)

    def cancel(self) -> None:
        """Do not begin it, or break it off: an expression may run for ever."""
        with self._lock:
            if not self._is_cancelled:
                self._is_cancelled = True
                if self._thread_id is not None:
                    _raise_in(self._thread_id, CancelledError)

    def _done(self) -> Body | None:
        with self._lock:
            if self._is_cancelled:
                raise CancelledError
            self._thread_id = threading.get_ident() if self._is_breakable else None
        try:
            return self._do()
        finally:
            with suppress(CancelledError):  # asked for at the very end, it comes in here
                self._end()

    def _end(self) -> None:
        with self._lock:
            may_come = self._thread_id is not None and self._is_cancelled
            self._thread_id = None
        if may_come:
            for _ in range(_INSTRUCTIONS):
                pass


_INSTRUCTIONS = 100
"""Turns of a loop, in one of the first of which an error comes that another thread has asked for."""


def _raise_in(thread_id: int, error: type[BaseException]) -> None:
    """Have another thread raise `error` at its next instruction.

    It is never taken back: to do so leaves CPython 3.11 with a mark of an error to come that nothing wipes
    out, and the next function that any thread traces would not begin, for ever.
    """
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), ctypes.py_object(error))


class Halted:
    """A stopped thread."""

    def __init__(self, stop: Stop, number: int, values: Values) -> None:
        """Look at a stop.

        Args:
            stop: of the calling thread.
            number: which clients have for the thread.
            values: the engine's.
        """
        self.stop = stop
        self.number = number
        self.inspector = Inspector(stop, values)
        """To be asked on the thread itself."""
        self._work: queue.SimpleQueue[Job | Action] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._is_going = False

    def wait(self) -> Action:
        """Do what is asked, until the thread is told how to go on."""
        try:
            while True:
                work = self._work.get()
                if not isinstance(work, Job):
                    return work
                work.run()
        finally:
            self._end()

    def ask(self, job: Job) -> bool:
        """Have something done on the thread; False if it goes on already."""
        with self._lock:
            if self._is_going:
                return False
            self._work.put(job)
            return True

    def go(self, action: Action) -> bool:
        """Let it go on after what has been asked until now; False if it does already."""
        with self._lock:
            if self._is_going:
                return False
            self._is_going = True
            self._work.put(action)
            return True

    def reset_after_fork(self, action: Action) -> None:
        """In a forked child: nobody is there to ask anything."""
        self._lock = threading.Lock()
        self._work = queue.SimpleQueue()
        self._is_going = True
        self._work.put(action)

    def _end(self) -> None:
        """Nothing is left unanswered, whatever has ended the wait: Ctrl-C, for example."""
        with self._lock:
            self._is_going = True
        while True:
            try:
                work = self._work.get_nowait()
            except queue.Empty:
                return
            if isinstance(work, Job):
                work.refuse("the thread has gone on")

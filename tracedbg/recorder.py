"""Takes events in any thread and has them written in the background.

It must not know what an event means, nor how it is stored.

Life of an event: `emit` puts it into a queue and returns; a thread writes the queue every 30 ms;
`flush` writes it at once, in the calling thread. So a killed process loses that and the time of a write, and
nothing that was flushed. Where events wait too long, or too many do, `emit` writes as well; and in a thread
of ours, which tells what was counted: to start another one would cost more than the write.
"""

from __future__ import annotations

import collections
import contextlib
import os
import sqlite3
import sys
import threading
import time
from typing import TYPE_CHECKING

from tracedbg.events import Fault
from tracedbg.plain import plain
from tracedbg.ticker import Ticker, idents

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracedbg.events import Event
    from tracedbg.hooks import Hub
    from tracedbg.store.writer import Writer

INTERVAL_S = 0.03
LATE_S = 0.05
"""An event that has waited for longer is written by the thread that emits the next one."""
MAX_WAITING = 20_000
"""Events that wait to be written. Who emits more than are written helps: memory has a bound."""
MAX_BATCH = 2_000
"""Events in one transaction: the size of the recording is looked at between them."""
_PATIENCE_S = 1.0
MAX_TOLD = 400
"""Characters of a fault that are said on stderr; the report has all."""
_POISON = (
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
    sqlite3.IntegrityError,
    AttributeError,
    LookupError,
    OverflowError,
    TypeError,
    ValueError,
)
"""What a malformed event raises, other than a disk that is full or gone."""


class Recorder:
    """A sink that records into one database."""

    def __init__(
        self,
        writer: Writer,
        hub: Hub,
        complain: Callable[[str], None],
        interval_s: float = INTERVAL_S,
        *,
        change: Callable[[Event], Event] | None = None,
    ) -> None:
        """Start recording.

        Args:
            writer: an open database; it belongs to the recorder from now on.
            hub: gives ids and the time.
            complain: told in a line of each fault of ours, and if recording has to stop.
            interval_s: how long an event may wait.
            change: makes of each event the one that is recorded.
        """
        self._writer = writer
        self._hub = hub
        self._complain = complain
        self._change = change
        self._queue: collections.deque[Event] = collections.deque()
        self._since_s = 0.0
        """When the oldest event in it came."""
        self._batch: list[Event] = []
        self._lock = threading.Lock()
        self._holder: int | None = None
        self._ticker = Ticker(self._tick, interval_s)
        self._is_closed = False
        self.error = ""
        """Why recording has stopped before its end; empty while all is well."""

    @property
    def path(self) -> str:
        """The database."""
        return self._writer.path

    def emit(self, event: Event) -> None:
        """Take one event; it is on disk 30 ms later."""
        if self.error or self._is_closed:
            return
        if type(event) is Fault:
            self._tell(event)
        now_s = time.monotonic()
        if not self._queue:
            self._since_s = now_s
        self._queue.append(event)
        if threading.get_ident() in idents and self._help(0):
            return
        self._ticker.start()
        if len(self._queue) > MAX_WAITING:
            self._help(_PATIENCE_S)
        elif now_s - self._since_s > LATE_S:
            self._help(0)

    def _help(self, patience_s: float) -> bool:
        """Write what waits, in the thread that emits; or wait while another one writes.

        Beside a thread that runs Python, ours has its turn too seldom.

        Returns:
            Whether it was written here.
        """
        me = threading.get_ident()
        if self._holder == me or not self._lock.acquire(timeout=patience_s):
            return False
        self._holder = me
        try:
            self._drain()
        finally:
            self._holder = None
            self._lock.release()
        return True

    def _tell(self, fault: Fault) -> None:
        """Say it, once in this process: a part of ours is off."""
        if self._hub.is_news(fault.message):
            message = fault.message[:MAX_TOLD] + ("..." if len(fault.message) > MAX_TOLD else "")
            self._complain(f"{fault.where} is off: {message}; the program and the rest go on")

    def _tick(self) -> bool:
        # Without waiting: a fork may hold the lock, and wait for us. Whoever holds it may have stopped before
        # the last event came: it is looked at again. An idle program has no thread of ours.
        return not self._help(0)

    def flush(self) -> None:
        """Write everything that was emitted so far."""
        me = threading.get_ident()
        if self._holder == me:
            return  # a signal handler or finalizer, inside our own write: that one goes on with it
        with self._lock:
            self._holder = me
            try:
                self._drain()
            finally:
                self._holder = None

    def _drain(self) -> None:
        while not self.error and not self._is_closed:
            while self._queue and len(self._batch) < MAX_BATCH:
                event = self._changed(self._queue.popleft())
                if event is not None:
                    self._batch.append(event)
            if not self._batch:
                return
            self._write(self._batch)
            self._batch = []

    def _changed(self, event: Event) -> Event | None:
        """The event as it is recorded; None where nobody can say how."""
        if self._change is None:
            return event
        try:
            return self._change(event)
        except Exception as error:  # noqa: BLE001  what is to be kept out must not slip in
            kind = type(event).__name__
            if not isinstance(event, Fault):
                self.emit(Fault(f"redact.{kind}", type(error).__name__, self.now_ns()))
            return None

    def _write(self, batch: list[Event]) -> None:
        """Write `batch`; an event that cannot be stored is a fault of ours, and left out alone."""
        if self.error:
            return
        try:
            self._writer.write(batch)
        except _POISON as error:
            if len(batch) > 1:
                for event in batch:
                    self._write([event])
            elif not isinstance(batch[0], Fault):
                message = f"{type(error).__name__}: {error}"
                fault = Fault(f"recorder.{type(batch[0]).__name__}", message, self.now_ns())
                self._tell(fault)
                self._write([fault])
        except (sqlite3.Error, OSError) as error:
            self._stop_broken(error)

    def _stop_broken(self, error: Exception) -> None:
        self.error = str(error)
        self._queue.clear()
        self._writer.close_broken(self.error)
        self._complain(
            f"recording stopped: {error} ({self.path}); the program goes on, what was recorded is kept"
        )

    def new_id(self) -> int:
        """See `Sink`."""
        return self._hub.new_id()

    def now_ns(self) -> int:
        """See `Sink`."""
        return self._hub.now_ns()

    def close(self) -> None:
        """Write the rest and close. What is emitted later is dropped."""
        self._ticker.stop()
        self.flush()
        with self._lock:
            if self.error or self._is_closed:
                return
            self._is_closed = True
            try:
                self._writer.close(self._hub.now_ns())
            except (sqlite3.Error, OSError) as error:
                self._stop_broken(error)

    # --- fork: neither a connection nor a thread of ours may cross it ------------------------

    def before_fork(self) -> None:
        """Write the rest and let go of the database."""
        self._ticker.stop()
        self.flush()
        self._lock.acquire()
        if not self.error and not self._is_closed:
            try:
                self._writer.suspend()
            except (sqlite3.Error, OSError) as error:
                self._stop_broken(error)

    def after_fork_in_parent(self) -> None:
        """Take the database up again."""
        if not self.error and not self._is_closed:
            try:
                self._writer.resume()
            except (sqlite3.Error, OSError) as error:
                self._stop_broken(error)
        self._lock.release()


def complain_on_stderr(message: str) -> None:
    """One line on stderr, past the program's own `sys.stderr`, which it may have replaced."""
    if sys.__stderr__ is None:  # it was closed at the start: file 2 is the program's, if there is one
        return
    with contextlib.suppress(OSError):  # nobody listens: there is nothing left to tell
        os.write(2, f"tracedbg: {plain(message)}\n".encode(errors="backslashreplace"))

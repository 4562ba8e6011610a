"""Takes events in any thread and has them written in the background.

It must not know what an event means, nor how it is stored.

Life of an event: `emit` puts it into a queue and returns; a thread writes the queue every 50 ms;
`flush` writes it at once, in the calling thread. So a killed process loses 50 ms at the most, and
nothing that was flushed.
"""

from __future__ import annotations

import collections
import contextlib
import os
import sqlite3
import threading
from typing import TYPE_CHECKING

from tracedbg.events import Fault
from tracedbg.ticker import Ticker

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracedbg.events import Event
    from tracedbg.hooks import Hub
    from tracedbg.store.writer import Writer

INTERVAL_S = 0.05
_POISON = (
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
    sqlite3.IntegrityError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
"""What a malformed event raises, other than a disk that is full or gone."""


class Recorder:
    """A sink that records into one database."""

    def __init__(
        self, writer: Writer, hub: Hub, complain: Callable[[str], None], interval_s: float = INTERVAL_S
    ) -> None:
        """Start recording.

        Args:
            writer: an open database; it belongs to the recorder from now on.
            hub: gives ids and the time.
            complain: told once, in a line, if recording has to stop.
            interval_s: how long an event may wait.
        """
        self._writer = writer
        self._hub = hub
        self._complain = complain
        self._queue: collections.deque[Event] = collections.deque()
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
        """Take one event; it is on disk 50 ms later."""
        if self.error or self._is_closed:
            return
        self._queue.append(event)
        self._ticker.start()

    def _tick(self) -> bool:
        self.flush()
        return False  # the next event begins anew: an idle program has no thread of ours

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
            while self._queue:
                self._batch.append(self._queue.popleft())
            if not self._batch:
                return
            self._write(self._batch)
            self._batch = []

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
                self._write([Fault(f"recorder.{type(batch[0]).__name__}", message, self.now_ns())])
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
            except sqlite3.Error as error:
                self._stop_broken(error)

    # --- fork: neither a connection nor a thread of ours may cross it ------------------------

    def before_fork(self) -> None:
        """Write the rest and let go of the database."""
        self._ticker.stop()
        self.flush()
        self._lock.acquire()
        if not self.error and not self._is_closed:
            self._writer.suspend()

    def after_fork_in_parent(self) -> None:
        """Take the database up again."""
        if not self.error and not self._is_closed:
            try:
                self._writer.resume()
            except sqlite3.Error as error:
                self._stop_broken(error)
        self._lock.release()


def complain_on_stderr(message: str) -> None:
    """One line on stderr, past the program's own `sys.stderr`, which it may have replaced."""
    with contextlib.suppress(OSError):  # nobody listens: there is nothing left to tell
        os.write(2, f"tracedbg: {message}\n".encode(errors="backslashreplace"))

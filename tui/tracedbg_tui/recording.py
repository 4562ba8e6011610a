"""The recording of a run, ended or under way: read by a thread of its own, which tells when it changes.

What screens see is a `Snapshot`, replaced as a whole. It must not know any screen.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.message import Message

from tracedbg.errors import RunError
from tracedbg.explain import summarise
from tracedbg.store.reader import ProcessRecording, list_databases
from tracedbg.store.run import read_run_file
from tracedbg_tui.counters import Counters, Counting
from tracedbg_tui.snapshot import Appended, ProcessSnapshot, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracedbg.events import OpSite
    from tracedbg.store.records import ProcessInfo
    from tracedbg.store.run_info import RunInfo

_POLL_S = 0.25
_POLL_ENDED_S = 2.0
_LATELY_S = 60
_REST = 4
"""After something has been read, nothing is for so many times as long as it took."""


class Changed(Message, bubble=False):
    """`Recording.snapshot` is another one."""


class Recording:
    """Follows the recording in a folder. Only for the thread of the event loop, once it is started."""

    def __init__(self, folder: str, post: Callable[[Message], object] | None = None) -> None:
        """Prepare; `start` begins to read.

        Args:
            folder: of the run.
            post: told of `Changed`.
        """
        self.folder = folder
        self.snapshot = Snapshot()
        self.counters = Counters()
        """What the header tells of a program that runs."""
        self.is_read = False
        """Whether it has been read once, well or not."""
        self._listeners = [post] if post else []
        self._follower = Follower(folder)
        self._counting = Counting()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = threading.Event()
        self._wakened = threading.Event()
        self._thread: threading.Thread | None = None

    def listen(self, post: Callable[[Message], object]) -> None:
        """Tell one more of `Changed`."""
        self._listeners.append(post)

    def unlisten(self, post: Callable[[Message], object]) -> None:
        """Tell it no more."""
        if post in self._listeners:
            self._listeners.remove(post)

    def start(self) -> None:
        """Begin to read; nothing happens if that has begun."""
        if self._thread is None:
            self._loop = asyncio.get_running_loop()
            self._thread = threading.Thread(target=self._follow, name="tracedbg recording", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Read no more."""
        self._listeners.clear()
        self._stopping.set()
        self._wakened.set()
        if self._thread is None:
            self._follower.close()
        elif self._thread is not threading.current_thread():
            self._thread.join(timeout=2)

    def refresh(self) -> None:
        """Look now whether there is something new: the program has just ended, or stopped."""
        self._wakened.set()

    async def graph(self, process: int, number: int) -> tuple[OpSite, ...]:
        """The ops of a graph.

        Args:
            process: position in `Snapshot.processes`.
            number: of `GraphInfo`.

        Raises:
            RunError: it cannot be read.
        """
        path = self.snapshot.processes[process].path
        return await asyncio.to_thread(self._follower.graph, path, number)

    # --- in the thread ---------------------------------------------------------------------------

    def _follow(self) -> None:
        last: Snapshot | None = None
        try:
            while not self._stopping.is_set():
                began = time.monotonic()
                snapshot = self._follower.read()
                spent = time.monotonic() - began
                if snapshot is not None:
                    last = snapshot
                    self._hand_over(snapshot)
                is_live = last is not None and last.is_live
                self._wakened.wait(max(_POLL_S if is_live else _POLL_ENDED_S, _REST * spent))
                self._wakened.clear()
        finally:
            self._follower.close()

    def _hand_over(self, snapshot: Snapshot) -> None:
        counters = self._counting.count(snapshot)
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed, and nobody looks any more
                self._loop.call_soon_threadsafe(self._arrived, snapshot, counters)

    def _arrived(self, snapshot: Snapshot, counters: Counters) -> None:
        self.snapshot, self.counters, self.is_read = snapshot, counters, True
        for post in tuple(self._listeners):
            post(Changed())


class Follower:
    """Reads a run again and again, each time only what is new."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._files: dict[str, _File] = {}
        self._last: Snapshot | None = None
        self._lock = threading.Lock()

    def read(self) -> Snapshot | None:
        """The recording as it is now; None if it is as it was."""
        with self._lock:
            errors: list[str] = []
            run = self._run(errors)
            is_new = self._last is None or run != self._last.run
            for path in self._paths():
                if path not in self._files:
                    self._files[path] = _File(path)
                is_new |= self._files[path].read(errors)
            if not is_new and self._last is not None and tuple(errors) == self._last.errors:
                return None
            found = [file.snapshot for file in self._files.values() if file.snapshot is not None]
            processes = tuple(sorted(found, key=lambda one: one.info.started_wall_ns))
            summary = None
            if run is not None:
                summary = summarise(_Run(run, processes))
            self._last = Snapshot(summary, processes, tuple(errors), time.time_ns())
            return self._last

    def graph(self, path: str, number: int) -> tuple[OpSite, ...]:
        """The ops of a graph of the database at `path`."""
        with self._lock:
            file = self._files.get(path)
            made = file.db.graph(number) if file is not None and file.db is not None else None
            return made.sites if made else ()

    def close(self) -> None:
        """Close the databases."""
        with self._lock:
            for file in self._files.values():
                file.close()
            self._files.clear()

    def _run(self, errors: list[str]) -> RunInfo | None:
        try:
            return read_run_file(self.folder)
        except RunError as error:
            errors.append(str(error))
            return self._last.run if self._last else None  # what was read is still worth a look

    def _paths(self) -> list[str]:
        try:
            return list_databases(self.folder)
        except OSError:
            return []


class _Run:
    """In the shape that `explain.summarise` reads."""

    def __init__(self, info: RunInfo, processes: tuple[ProcessSnapshot, ...]) -> None:
        self.info = info
        self.processes = processes


class _File:
    """One database."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.db: ProcessRecording | None = None
        self.snapshot: ProcessSnapshot | None = None
        self._changes: int | None = None
        self._counts: dict[str, int] = {}
        self._appended = Appended()

    def read(self, errors: list[str]) -> bool:
        """Read what is new; whether there was anything."""
        try:
            if self.db is None:
                self.db = ProcessRecording.open(self.path)
                self._traces = self.db.trace_reader()
            changes = self.db.changes()
            if changes == self._changes:
                return self._look_alive()
            self.snapshot = self._read(self.db)
        except RunError as error:
            errors.append(f"process {os.path.basename(self.path).strip('p.db')}: {error}")
            return False
        self._changes = changes
        return True

    def _read(self, db: ProcessRecording) -> ProcessSnapshot:
        counts = db.row_counts()
        if counts != self._counts:
            self._appended = Appended(
                tuple(db.breaks()),
                tuple(db.conversions()),
                tuple(db.constructs()),
                tuple(db.fallbacks()),
                tuple(db.stale()),
                tuple(db.faults()),
                tuple(db.graph_infos()),
                tuple(db.kernel_windows()),
            )
            self._counts = counts
        info = db.info
        return ProcessSnapshot(
            self.path,
            info,
            is_alive(info, self.path),
            self._traces.read(),
            self._appended,
            tuple(db.calls()),
            tuple(db.tallies()),
            db.dropped(),
            tuple(db.ran.samples()),
        )

    def _look_alive(self) -> bool:
        """Notice that the process is gone without a word; whether that is news."""
        known = self.snapshot
        if known is None or not known.is_alive or is_alive(known.info, self.path):
            return False
        self.snapshot = replace(known, is_alive=False)
        return True

    def close(self) -> None:
        if self.db is not None:
            self.db.close()
            self.db = None


def is_alive(info: ProcessInfo, path: str) -> bool:
    """Whether a process may still write to its database; on another host: whether it has done so lately."""
    if info.stopped_ns is not None:
        return False
    if info.host != socket.gethostname():
        try:
            written_s = max(os.stat(name).st_mtime for name in (path, f"{path}-wal") if os.path.exists(name))
        except (OSError, ValueError):
            return False
        return time.time() - written_s < _LATELY_S
    try:
        os.kill(info.pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # somebody else's
    return True

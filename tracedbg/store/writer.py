"""Writes one process' database, and the journal beside it. It must not know threads, clocks or frameworks.

Totals go into the journal, which costs a twentieth; the database takes them over once in a while.

Size is bounded: past three quarters of the bound graphs and source texts are left out, past the
bound everything is, but for counts: `tally` and `dropped` say what is missing.
"""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tracedbg import events as ev
from tracedbg.identity import Identity
from tracedbg.kernels import KernelsSeen
from tracedbg.ran import OpsSeen, SamplesSeen, Stayed, StepGraph, StepsSeen
from tracedbg.store import bounds, codec, schema
from tracedbg.store.descriptors import Descriptors, file_identity, keep_open, move
from tracedbg.store.journal import Journal, journal_of, unpacked
from tracedbg.store.ran_writer import RanWriter
from tracedbg.store.totals import Told, Totals
from tracedbg.store.trace_writer import TraceWriter, insert, storable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracedbg.store.records import ProcessInfo
    from tracedbg.store.totals import Table

_BULKY = (ev.GraphMade, ev.Conversion, KernelsSeen, StepGraph)
_ALWAYS_KEPT = (ev.FrameworkSeen, ev.TraceEnded, ev.Calls, OpsSeen, StepsSeen, SamplesSeen)
"""Ends of what has begun, and totals: they do not grow with the run."""
_TOTALS = frozenset((ev.Calls, OpsSeen, StepsSeen, SamplesSeen))
_JOURNALLED = _TOTALS | {Stayed}
_MAX_RECORDS = 100
"""Of the journal, before the database takes them over: five seconds of ops."""
_MAX_JOURNAL_BYTES = 1 << 20
_JOURNAL_SHARE = 1 / 64
"""Of the bound of the recording, where that is small."""
_BULK_SHARE = 0.75
_COUNTED_ELSEWHERE = (ev.TraceEnded, ev.PhaseSpan, ev.CacheHits)
"""They belong to a trace, and are kept or left out with it."""


GONE = "somebody has removed the database"
_RESERVE_BYTES = 32 * 1024
"""Room that is kept on the disk, so that a full one still takes the word that it is full."""

_MOVES = 8
"""How often a recording goes on in new files, where the program closes the old ones."""


class Writer:
    """An open database of one process. Not safe for use in several threads at once."""

    def __init__(self, path: str, info: ProcessInfo, max_bytes: int) -> None:
        """Create the database; it must not exist yet.

        Raises:
            OSError, sqlite3.Error: it cannot be created.
        """
        self.path = path
        self._max_bytes = max_bytes
        self._tallied: set[tuple[str, str, str, int]] = set()
        self._open_dropped: dict[int, tuple[ev.Traceable, int]] = {}
        """Functions and starts."""
        self._told = Told()
        """Totals of the events that are being written."""
        self._unfolded: list[bytes] = []
        """What the journal has, and the database has not.

        Packed, as the collector counts all other objects: those of ours would have it look at all of the
        program's, which takes longer than a second of sampling.
        """
        self._traced = TraceWriter(self._begun, self._told)
        self._ran = RanWriter(self._begun, self._traced.traceable, self._told, self._rows)
        self._handlers = self._traced.handlers() | self._ran.handlers()
        _create(path)
        self._reserve = f"{path}-reserve"
        _create(self._reserve, bytes(_RESERVE_BYTES))
        self._connect()
        self._db.executescript(
            f"pragma application_id = {schema.APPLICATION_ID};"
            f"pragma user_version = {schema.VERSION};"
            f"begin;{schema.TABLES}commit;"
        )
        insert(self._db, "journal", last=0)
        insert(
            self._db,
            "process",
            pid=info.pid,
            ppid=info.ppid,
            host=info.host,
            argv_json=codec.dump(info.argv),
            python=info.python,
            started_wall_ns=info.started_wall_ns,
            **{name: getattr(info, name) for name in Identity.__dataclass_fields__},
        )
        self._moves_left = _MOVES
        self._descriptors = Descriptors(self.path)
        self._journal = Journal(journal_of(path))
        self._measure()

    def _connect(self) -> None:
        self._identity = file_identity(self.path)
        if self._identity is None:  # SQLite would make a new one
            raise OSError(GONE)
        self._db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        self._db.executescript("pragma journal_mode = wal; pragma synchronous = normal;")
        self._descriptors = Descriptors(self.path)

    def _hold(self) -> None:
        """Go on in a copy of the files if the program has closed them under us."""
        if self._descriptors.are_ours():
            return
        self._abandon()
        move(self.path)
        if not self._moves_left:
            raise OSError("the program closes the files of the recording again and again")
        self._moves_left -= 1
        self._connect()

    def _abandon(self) -> None:
        """Leave the connection alone for good: to close it would close what the program has there now."""
        keep_open(self._db)
        self._db = sqlite3.connect(":memory:")
        self._descriptors = Descriptors.none()

    def write(self, batch: Iterable[ev.Event]) -> None:
        """Write `batch` in one transaction: all of it, or nothing.

        Raises:
            sqlite3.Error, OSError: the disk is full, the file has gone, ...
        """
        known = self._traced.known
        if not all(map(_is_light, batch := tuple(batch))):
            self._hold()
            self._measure()
        try:
            for event in batch:
                if self._keeps(event):
                    self._handlers[type(event)](event)
                else:
                    self._count_dropped(event)
            is_in_database = self._db.in_transaction
            if is_in_database:
                # What is in one batch may refer to each other: all of it goes to where a part has to go.
                if self._told:
                    self._take_over(self._told)
                self._db.execute("commit")
        except BaseException:
            self._told.clear()
            self._traced.forget(known)
            self._ran.is_in_doubt = True
            if self._db.in_transaction:
                self._db.execute("rollback")
            raise
        told = self._told.taken()
        if told and is_in_database:
            self._begin_journal_anew()
        elif told:
            self._note(told)

    def _begun(self) -> sqlite3.Connection:
        """The database, in a transaction: most batches of totals need none."""
        if not self._db.in_transaction:
            self._hold()
            self._db.execute("begin")
        return self._db

    def _measure(self) -> None:
        """See how large the recording is."""
        self._share = self._size_bytes() / self._max_bytes
        self._ran.has_room, self._ran.is_full = self._share < _BULK_SHARE, self._share >= 1

    def _note(self, told: Told) -> None:
        """Put the totals of a batch into the journal: what they refer to is there, or in the database."""
        self._unfolded.append(self._journal.append(told))
        most_bytes = min(_MAX_JOURNAL_BYTES, self._max_bytes * _JOURNAL_SHARE)
        if len(self._unfolded) >= _MAX_RECORDS or self._journal.size_bytes >= most_bytes:
            self._fold()

    def _rows(self, table: Table) -> list[tuple[Any, ...]]:
        """What a table has, and the journal beyond it."""
        totals = Totals()
        totals.add_rows(table, self._db.execute(f"select {', '.join(table.columns)} from {table.name}"))  # noqa: S608  names are ours
        for told in map(unpacked, self._unfolded):
            totals.add(told, only=table)
        return totals.rows(table)

    def _fold(self) -> None:
        """Have the database take over what the journal has."""
        if not self._unfolded:
            return
        try:
            self._take_over()
            self._db.execute("commit")
        finally:
            if self._db.in_transaction:
                self._db.execute("rollback")
        self._begin_journal_anew()
        self._measure()

    def _take_over(self, *more: Told) -> None:
        """Add what the journal has, and `more`, to the totals in the database; the caller commits."""
        try:
            Totals((*map(unpacked, self._unfolded), *more)).insert(self._begun())
            self._db.execute("update journal set last = ?", (self._journal.last,))
        except (sqlite3.IntegrityError, sqlite3.InterfaceError, ValueError, TypeError) as error:
            raise sqlite3.OperationalError(f"totals do not add up: {error}") from error

    def _begin_journal_anew(self) -> None:
        self._unfolded.clear()
        self._journal.clear()

    def suspend(self) -> None:
        """Close the connection for a moment: none may cross a fork.

        Raises:
            sqlite3.Error, OSError: it could not go on.
        """
        self._hold()
        self._db.close()
        self._journal.suspend()

    def resume(self) -> None:
        """Open it again after `suspend`.

        Raises:
            sqlite3.Error, OSError: it cannot be had any more.
        """
        self._connect()
        self._journal.resume()

    def close(self, stopped_ns: int) -> None:
        """Mark the recording as complete and close it."""
        self._fold()
        self._hold()
        self._db.execute("update process set stopped_ns = ?", (stopped_ns,))
        with suppress(sqlite3.OperationalError):  # somebody reads it at this moment: the log stays
            # Into one file without a log: a reader would otherwise leave an empty one beside it.
            self._db.executescript("pragma busy_timeout = 0; pragma journal_mode = delete;")
        self._db.close()
        self._journal.remove()
        self._give_up_reserve()

    def _give_up_reserve(self) -> None:
        with suppress(OSError):  # the folder is gone, or cannot be written any more
            os.unlink(self._reserve)

    def close_broken(self, error: str) -> None:
        """Close after a write has failed, leaving word of it if that is still possible."""
        if not self._descriptors.are_ours():
            self._abandon()
            with suppress(OSError):
                move(self.path)
        self._give_up_reserve()
        try:
            self._db.execute("update process set recording_error = ?", (error,))
        except sqlite3.Error:
            pass  # the disk is full or gone: what was committed before is still there
        finally:
            self._db.close()
            self._journal.suspend()

    # --- the bound ---------------------------------------------------------------------------

    def _size_bytes(self) -> int:
        """How large it is.

        Raises:
            OSError: it is gone. SQLite would go on, in a file that has no name any more.
        """
        if file_identity(self.path) != self._identity:
            raise OSError(GONE)
        total = self._journal.size_bytes
        for suffix in ("", "-wal"):
            with suppress(FileNotFoundError):
                total += os.stat(self.path + suffix).st_size
        return total

    def _keeps(self, event: ev.Event) -> bool:
        if type(event) in _TOTALS:
            return True
        if isinstance(event, ev.TraceEnded | ev.PhaseSpan | ev.CacheHits | ev.GraphMade):
            trace_id = event.id if isinstance(event, ev.TraceEnded) else event.trace_id
            if trace_id in self._open_dropped:
                return False
        if isinstance(event, _ALWAYS_KEPT):
            return True
        return self._share < (_BULK_SHARE if isinstance(event, _BULKY) else 1.0)

    def _count_dropped(self, event: ev.Event) -> None:
        match event:
            case ev.TraceStarted():
                self._open_dropped[event.id] = (event.traceable, event.start_ns)
                if len(self._open_dropped) > bounds.MAX_OPEN:
                    del self._open_dropped[next(iter(self._open_dropped))]
                is_retrace = event.role is ev.Role.FORWARD and event.cached_count > 0
                self._tally(event.traceable, traces=1, retraces=int(is_retrace))
            case ev.TraceEnded():
                function, start_ns = self._open_dropped.pop(event.id)
                self._tally(function, duration_ns=event.end_ns - start_ns)
            case ev.GraphBreak():
                self._tally(event.function, graph_breaks=1)
        if not isinstance(event, _COUNTED_ELSEWHERE):
            self._begun().execute(
                "insert into dropped values (?, 1) on conflict do update set count = count + 1",
                (type(event).__name__,),
            )

    def _tally(self, function: ev.Traceable, **amounts: int) -> None:
        counts = Counter(amounts)
        key = (function.framework.value, function.owner or function.name, function.file, function.line)
        if key not in self._tallied and len(self._tallied) >= bounds.MAX_FUNCTIONS:
            key = (function.framework.value, bounds.OTHERS, "", 0)
        self._tallied.add(key)
        self._begun().execute(
            "insert into tally values (?,?,?,?,?,?,?,?) on conflict do update set"
            " traces = traces + excluded.traces, retraces = retraces + excluded.retraces,"
            " duration_ns = duration_ns + excluded.duration_ns,"
            " graph_breaks = graph_breaks + excluded.graph_breaks",
            (
                *map(storable, key),
                counts["traces"],
                counts["retraces"],
                counts["duration_ns"],
                counts["graph_breaks"],
            ),
        )


def _is_light(event: ev.Event) -> bool:
    """Whether it has totals alone: the journal takes it."""
    return type(event) in _JOURNALLED and not (isinstance(event, OpsSeen) and event.rows is not None)


def _create(path: str, content: bytes = b"") -> None:
    """Make a file that only its owner may read; it must not exist yet."""
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        os.write(descriptor, content)
    finally:
        os.close(descriptor)

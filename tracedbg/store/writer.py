"""Writes one process' database: the only INSERTs. It must not know threads, clocks or frameworks.

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
from tracedbg.kernels import KernelsSeen
from tracedbg.store import codec, kernel_codec, schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tracedbg.store.records import ProcessInfo

_BULKY = (ev.GraphMade, ev.Conversion, KernelsSeen)
_COUNTED_ELSEWHERE = (ev.TraceEnded, ev.PhaseSpan, ev.CacheHits)
"""They belong to a trace, and are kept or left out with it."""


_RESERVE_BYTES = 32 * 1024
"""Room that is kept on the disk, so that a full one still takes the word that it is full."""


class Writer:
    """An open database of one process. Not safe for use in several threads at once."""

    def __init__(self, path: str, info: ProcessInfo, max_bytes: int) -> None:
        """Create the database; it must not exist yet.

        Raises:
            OSError, sqlite3.Error: it cannot be created.
        """
        self.path = path
        self._max_bytes = max_bytes
        self._traceables: dict[ev.Traceable, int] = {}
        self._open_dropped: dict[int, ev.TraceStarted] = {}
        self._handlers = self._make_handlers()
        _create(path)
        self._reserve = f"{path}-reserve"
        _create(self._reserve, bytes(_RESERVE_BYTES))
        self._connect()
        self._db.executescript(
            f"pragma application_id = {schema.APPLICATION_ID};"
            f"pragma user_version = {schema.VERSION};"
            f"begin;{schema.TABLES}commit;"
        )
        self._db.execute(
            "insert into process(pid, ppid, rank, host, argv_json, python, started_wall_ns)"
            " values (?,?,?,?,?,?,?)",
            (
                info.pid,
                info.ppid,
                info.rank,
                info.host,
                codec.dump(info.argv),
                info.python,
                info.started_wall_ns,
            ),
        )

    def _connect(self) -> None:
        self._db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        self._db.executescript("pragma journal_mode = wal; pragma synchronous = normal;")

    def write(self, batch: Iterable[ev.Event]) -> None:
        """Write `batch` in one transaction: all of it, or nothing.

        Raises:
            sqlite3.Error: the disk is full, the file has gone, ...
        """
        share = self._size_bytes() / self._max_bytes
        known = len(self._traceables)
        self._db.execute("begin")
        try:
            for event in batch:
                if self._keeps(event, share):
                    self._handlers[type(event)](event)
                else:
                    self._count_dropped(event)
            self._db.execute("commit")
        except BaseException:
            for key in list(self._traceables)[known:]:
                del self._traceables[key]
            if self._db.in_transaction:
                self._db.execute("rollback")
            raise

    def suspend(self) -> None:
        """Close the connection for a moment: none may cross a fork."""
        self._db.close()

    def resume(self) -> None:
        """Open it again after `suspend`."""
        self._connect()

    def close(self, stopped_ns: int) -> None:
        """Mark the recording as complete and close it."""
        self._db.execute("update process set stopped_ns = ?", (stopped_ns,))
        with suppress(sqlite3.OperationalError):  # somebody reads it at this moment: the log stays
            # Into one file without a log: a reader would otherwise leave an empty one beside it.
            self._db.executescript("pragma busy_timeout = 0; pragma journal_mode = delete;")
        self._db.close()
        self._give_up_reserve()

    def _give_up_reserve(self) -> None:
        with suppress(OSError):  # the folder is gone, or cannot be written any more
            os.unlink(self._reserve)

    def close_broken(self, error: str) -> None:
        """Close after a write has failed, leaving word of it if that is still possible."""
        self._give_up_reserve()
        try:
            self._db.execute("update process set recording_error = ?", (error,))
        except sqlite3.Error:
            pass  # the disk is full or gone: what was committed before is still there
        finally:
            self._db.close()

    # --- the bound ---------------------------------------------------------------------------

    def _size_bytes(self) -> int:
        total = 0
        for suffix in ("", "-wal"):
            try:
                total += os.stat(self.path + suffix).st_size
            except FileNotFoundError:
                continue
        return total

    def _keeps(self, event: ev.Event, share: float) -> bool:
        if isinstance(event, ev.TraceEnded | ev.PhaseSpan | ev.CacheHits | ev.GraphMade):
            trace_id = event.id if isinstance(event, ev.TraceEnded) else event.trace_id
            if trace_id in self._open_dropped:
                return False
        if isinstance(event, ev.FrameworkSeen | ev.TraceEnded | ev.Calls):
            return True
        return share < (0.75 if isinstance(event, _BULKY) else 1.0)

    def _count_dropped(self, event: ev.Event) -> None:
        match event:
            case ev.TraceStarted():
                self._open_dropped[event.id] = event
                is_retrace = event.role is ev.Role.FORWARD and event.cached_count > 0
                self._tally(event.traceable, traces=1, retraces=int(is_retrace))
            case ev.TraceEnded():
                started = self._open_dropped.pop(event.id)
                self._tally(started.traceable, duration_ns=event.end_ns - started.start_ns)
            case ev.GraphBreak():
                self._tally(event.function, graph_breaks=1)
        if not isinstance(event, _COUNTED_ELSEWHERE):
            self._db.execute(
                "insert into dropped values (?, 1) on conflict do update set count = count + 1",
                (type(event).__name__,),
            )

    def _tally(self, function: ev.Traceable, **amounts: int) -> None:
        counts = Counter(amounts)
        self._db.execute(
            "insert into tally values (?,?,?,?,?,?,?,?) on conflict do update set"
            " traces = traces + excluded.traces, retraces = retraces + excluded.retraces,"
            " duration_ns = duration_ns + excluded.duration_ns,"
            " graph_breaks = graph_breaks + excluded.graph_breaks",
            (
                function.framework.value,
                function.owner or function.name,
                function.file,
                function.line,
                counts["traces"],
                counts["retraces"],
                counts["duration_ns"],
                counts["graph_breaks"],
            ),
        )

    # --- one handler for each kind of event --------------------------------------------------

    def _make_handlers(self) -> dict[type, Callable[[Any], None]]:
        return {
            ev.TraceStarted: self._trace_started,
            ev.TraceEnded: self._trace_ended,
            ev.PhaseSpan: self._phase,
            ev.CacheHits: self._late_cache,
            ev.GraphMade: self._graph,
            ev.Conversion: self._conversion,
            ev.Construct: self._construct,
            ev.GraphBreak: self._graph_break,
            ev.Fallback: self._fallback,
            ev.Calls: self._calls,
            ev.Stale: self._stale,
            KernelsSeen: self._kernels_seen,
            ev.FrameworkSeen: self._framework,
            ev.Fault: self._fault,
        }

    def _insert(self, table: str, **columns: Any) -> int:
        names = ",".join(columns)
        marks = ",".join("?" * len(columns))
        cursor = self._db.execute(
            f"insert into {table}({names}) values ({marks})",  # noqa: S608  names are ours
            tuple(map(_storable, columns.values())),
        )
        return cursor.lastrowid or 0

    def _traceable(self, item: ev.Traceable) -> int:
        number = self._traceables.get(item)
        if number is None:
            number = len(self._traceables) + 1
            self._insert(
                "traceable",
                id=number,
                framework=item.framework.value,
                name=item.name,
                file=item.file,
                line=item.line,
                object_id=item.object_id,
                closure_id=item.closure_id,
                created_json=codec.dump_frame(item.created_at),
                owner=item.owner,
                is_user=item.is_user,
            )
            self._traceables[item] = number
        return number

    def _trace_started(self, event: ev.TraceStarted) -> None:
        self._insert(
            "trace",
            id=event.id,
            traceable_id=self._traceable(event.traceable),
            parent_id=event.parent_id,
            role=event.role.value,
            label=event.label,
            thread_id=event.thread_id,
            start_ns=event.start_ns,
            cached_count=event.cached_count,
            signature_json=codec.dump_signature(event.signature),
            call_stack_json=codec.dump_stack(event.call_stack),
            options_json=codec.dump(event.options),
        )
        self._guard_failures(event.guard_failures, trace_id=event.id)

    def _trace_ended(self, event: ev.TraceEnded) -> None:
        self._db.execute(
            "update trace set end_ns = ?, outcome = ?, error = ?, op_count = ?, traced_json = ?,"
            " symbolic_json = ?, cache_json = ?, final_label = ? where id = ?",
            (
                event.end_ns,
                event.outcome.value,
                _storable(event.error),
                event.op_count,
                codec.dump_signature(event.traced_signature),
                codec.dump(event.symbolic),
                codec.dump(event.cache_hits),
                event.label,
                event.id,
            ),
        )

    def _guard_failures(self, failures: tuple[ev.GuardFailure, ...], **owner: int) -> None:
        for position, failure in enumerate(failures):
            self._insert(
                "guard_failure",
                **owner,
                position=position,
                entry=failure.entry,
                guard=failure.guard,
                source=failure.source,
                before=failure.before,
                now=failure.now,
                frame_json=codec.dump_frame(failure.user_frame),
                fixed=failure.fixed,
            )

    def _phase(self, event: ev.PhaseSpan) -> None:
        self._insert(
            "phase",
            trace_id=event.trace_id,
            name=event.name,
            start_ns=event.start_ns,
            duration_ns=event.duration_ns,
        )

    def _late_cache(self, event: ev.CacheHits) -> None:
        self._insert("late_cache", trace_id=event.trace_id, cache_json=codec.dump(event.hits))

    def _graph(self, event: ev.GraphMade) -> None:
        self._insert(
            "graph",
            trace_id=event.trace_id,
            stage=event.stage,
            op_count=len(event.sites),
            sites=codec.pack_sites(event.sites),
        )

    def _conversion(self, event: ev.Conversion) -> None:
        self._insert(
            "conversion",
            trace_id=event.trace_id,
            function=event.function,
            file=event.file,
            line=event.line,
            duration_ns=event.duration_ns,
            source=event.source,
            generated=event.generated,
            line_map_json=codec.dump(event.line_map),
            failure=event.failure,
        )

    def _construct(self, event: ev.Construct) -> None:
        self._insert(
            "construct",
            trace_id=event.trace_id,
            function=event.function,
            file=event.file,
            line=event.line,
            kind=event.kind,
            became=event.became,
        )

    def _graph_break(self, event: ev.GraphBreak) -> None:
        self._insert(
            "graph_break",
            trace_id=event.trace_id,
            traceable_id=self._traceable(event.function),
            code=event.code,
            kind=event.kind,
            reason=event.reason,
            frame_json=codec.dump_frame(event.frame),
            stack_json=codec.dump_stack(event.stack),
            ran_eager=event.ran_eager,
        )

    def _fallback(self, event: ev.Fallback) -> None:
        number = self._insert(
            "fallback",
            traceable_id=self._traceable(event.function),
            kind=event.kind,
            reason=event.reason,
            time_ns=event.time_ns,
            call_stack_json=codec.dump_stack(event.call_stack),
        )
        self._guard_failures(event.guard_failures, fallback_id=number)

    def _stale(self, event: ev.Stale) -> None:
        self._insert(
            "stale",
            trace_id=event.trace_id,
            traceable_id=self._traceable(event.function),
            kind=event.kind,
            name=event.name,
            frame_json=codec.dump_frame(event.frame),
            then_text=event.then,
            now_text=event.now,
            time_ns=event.time_ns,
        )

    def _calls(self, event: ev.Calls) -> None:
        self._db.execute(
            "insert into calls values (?,?,?,?) on conflict do update set"
            " compiled = compiled + excluded.compiled, eager = eager + excluded.eager,"
            " first_eager_call = coalesce(first_eager_call, excluded.first_eager_call)",
            (self._traceable(event.function), event.compiled, event.eager, event.first_eager_call),
        )

    def _kernels_seen(self, event: KernelsSeen) -> None:
        self._insert(
            "kernel_window",
            profiler=event.profiler,
            start_ns=event.start_ns,
            end_ns=event.end_ns,
            steps=event.steps,
            kernel_count=len(event.kernels),
            dropped=event.dropped,
            note=event.note,
            kernels=kernel_codec.pack_kernels(event.kernels),
        )

    def _framework(self, event: ev.FrameworkSeen) -> None:
        self._db.execute("insert or replace into framework values (?, ?)", (event.name, event.version))

    def _fault(self, event: ev.Fault) -> None:
        self._insert("fault", place=event.where, message=event.message, time_ns=event.time_ns)


def _create(path: str, content: bytes = b"") -> None:
    """Make a file that only its owner may read; it must not exist yet."""
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        os.write(descriptor, content)
    finally:
        os.close(descriptor)


def _storable(value: Any) -> Any:
    """Text that SQLite takes: a lone surrogate in the user's own strings must not stop a recording."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return value

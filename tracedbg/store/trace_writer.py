"""Writes what was traced, and what came of it: with `ran_writer`, `writer` and `totals`, the only INSERTs.

It must not know files, transactions or the bound of a recording.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tracedbg import events as ev
from tracedbg.kernels import KernelsSeen
from tracedbg.store import bounds, codec, kernel_codec, totals

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from tracedbg.store.totals import Told


class TraceWriter:
    """Rows of one database.

    Args:
        db: the open database, in a transaction; it may be another one from time to time.
        told: takes rows of totals.
    """

    def __init__(self, db: Callable[[], sqlite3.Connection], told: Told) -> None:
        self._db = db
        self._told = told
        self._traceables: dict[ev.Traceable, int] = {}

    @property
    def known(self) -> int:
        """How many functions have a number."""
        return len(self._traceables)

    def forget(self, known: int) -> None:
        """A transaction has failed: forget the functions from number `known` on."""
        for key in list(self._traceables)[known:]:
            del self._traceables[key]

    def handlers(self) -> dict[type, Callable[[Any], None]]:
        """What writes each kind of event."""
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
            ev.Stopped: self._stop,
            ev.FrameworkSeen: self._framework,
            ev.Fault: self._fault,
        }

    def traceable(self, item: ev.Traceable) -> int:
        """The number of a function, which is written when it is first met."""
        number = self._traceables.get(item)
        if number is None and len(self._traceables) >= bounds.MAX_FUNCTIONS:
            item = self._instead(item)
            number = self._traceables.get(item)
        if number is None:
            number = len(self._traceables) + 1
            insert(
                self._db(),
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

    def _instead(self, item: ev.Traceable) -> ev.Traceable:
        """What stands for a function that there is no room for: its code, or all others of its framework."""
        code = replace(item, object_id=0, closure_id="", created_at=None)
        is_known = code in self._traceables or len(self._traceables) < 2 * bounds.MAX_FUNCTIONS
        return code if is_known else ev.Traceable(item.framework, bounds.OTHERS, "", 0)

    def _trace_started(self, event: ev.TraceStarted) -> None:
        insert(
            self._db(),
            "trace",
            id=event.id,
            traceable_id=self.traceable(event.traceable),
            parent_id=event.parent_id,
            role=event.role.value,
            label=event.label,
            thread_id=event.thread_id,
            start_ns=event.start_ns,
            cached_count=event.cached_count,
            signature_json=codec.dump_signature(event.signature),
            call_stack_json=codec.dump_stack(event.call_stack),
            options_json=codec.dump(event.options),
            inputs_json=codec.dump(event.inputs),
        )
        self._guard_failures(event.guard_failures, trace_id=event.id)

    def _trace_ended(self, event: ev.TraceEnded) -> None:
        self._db().execute(
            "update trace set end_ns = ?, outcome = ?, error = ?, op_count = ?, traced_json = ?,"
            " symbolic_json = ?, cache_json = ?, final_label = ? where id = ?",
            (
                event.end_ns,
                event.outcome.value,
                storable(event.error),
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
            insert(
                self._db(),
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
        insert(
            self._db(),
            "phase",
            trace_id=event.trace_id,
            name=event.name,
            start_ns=event.start_ns,
            duration_ns=event.duration_ns,
        )

    def _late_cache(self, event: ev.CacheHits) -> None:
        insert(self._db(), "late_cache", trace_id=event.trace_id, cache_json=codec.dump(event.hits))

    def _graph(self, event: ev.GraphMade) -> None:
        insert(
            self._db(),
            "graph",
            trace_id=event.trace_id,
            stage=event.stage,
            op_count=len(event.sites),
            sites=codec.pack_sites(event.sites),
        )

    def _conversion(self, event: ev.Conversion) -> None:
        insert(
            self._db(),
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
        insert(
            self._db(),
            "construct",
            trace_id=event.trace_id,
            function=event.function,
            file=event.file,
            line=event.line,
            kind=event.kind,
            became=event.became,
        )

    def _graph_break(self, event: ev.GraphBreak) -> None:
        insert(
            self._db(),
            "graph_break",
            trace_id=event.trace_id,
            traceable_id=self.traceable(event.function),
            code=event.code,
            kind=event.kind,
            reason=event.reason,
            frame_json=codec.dump_frame(event.frame),
            stack_json=codec.dump_stack(event.stack),
            ran_eager=event.ran_eager,
        )

    def _fallback(self, event: ev.Fallback) -> None:
        number = insert(
            self._db(),
            "fallback",
            traceable_id=self.traceable(event.function),
            kind=event.kind,
            reason=event.reason,
            time_ns=event.time_ns,
            call_stack_json=codec.dump_stack(event.call_stack),
        )
        self._guard_failures(event.guard_failures, fallback_id=number)

    def _stale(self, event: ev.Stale) -> None:
        insert(
            self._db(),
            "stale",
            trace_id=event.trace_id,
            traceable_id=self.traceable(event.function),
            kind=event.kind,
            name=event.name,
            frame_json=codec.dump_frame(event.frame),
            then_text=event.then,
            now_text=event.now,
            time_ns=event.time_ns,
        )

    def _calls(self, event: ev.Calls) -> None:
        row = (self.traceable(event.function), event.compiled, event.eager, event.first_eager_call)
        self._told.add(totals.CALLS, [row])

    def _kernels_seen(self, event: KernelsSeen) -> None:
        insert(
            self._db(),
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

    def _stop(self, event: ev.Stopped) -> None:
        insert(
            self._db(),
            "stop",
            thread_id=event.thread_id,
            reason=event.reason,
            frame_json=codec.dump_frame(event.frame),
            stack_json=codec.dump_stack(event.stack),
            op=event.op,
            graph=event.graph,
            is_backward=event.is_backward,
            text=event.text,
            start_ns=event.start_ns,
            end_ns=event.end_ns,
        )

    def _framework(self, event: ev.FrameworkSeen) -> None:
        self._db().execute("insert or replace into framework values (?, ?)", (event.name, event.version))

    def _fault(self, event: ev.Fault) -> None:
        insert(self._db(), "fault", place=event.where, message=event.message, time_ns=event.time_ns)


def insert(db: sqlite3.Connection, table: str, **columns: Any) -> int:
    """Write one row; its number."""
    names = ",".join(columns)
    marks = ",".join("?" * len(columns))
    cursor = db.execute(
        f"insert into {table}({names}) values ({marks})",  # noqa: S608  names are ours
        tuple(map(storable, columns.values())),
    )
    return cursor.lastrowid or 0


def storable(value: Any) -> Any:
    """A value as SQLite takes it."""
    return codec.storable(value) if isinstance(value, str) else value

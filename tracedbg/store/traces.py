"""Reads the traces of one process, again and again: what was read once is not read again.

With `reader` it holds the only SELECTs; it knows neither files nor reports.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tracedbg import events as ev
from tracedbg.store import codec
from tracedbg.store.decoding import decoding
from tracedbg.store.records import TraceRecord

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Mapping

    Rows = Callable[..., list[sqlite3.Row]]

_THESE = "(select value from json_each(?))"


@decoding(lambda reader: reader._path)
class TraceReader:
    """Gives all traces so far, each time it is asked; costs what is new since."""

    def __init__(self, path: str, rows: Rows, traceables: Callable[[], Mapping[int, ev.Traceable]]) -> None:
        """Prepare.

        Args:
            path: of the database.
            rows: runs a query.
            traceables: gives all functions.
        """
        self._path = path
        self._rows = rows
        self._traceables = traceables
        self._records: dict[int, TraceRecord] = {}
        self._open: set[int] = set()
        """Those that had not ended when they were read."""
        self._phases: defaultdict[int, list[ev.PhaseSpan]] = defaultdict(list)
        self._caches: defaultdict[int, list[ev.CacheHits]] = defaultdict(list)
        self._last_phase = self._last_cache = 0
        self._sorted: list[TraceRecord] = []

    def read(self) -> list[TraceRecord]:
        """All traces in the order in which they started."""
        is_ended = {row["id"]: row["is_ended"] for row in self._rows(_STATES)}
        fresh = is_ended.keys() - self._records.keys()
        ended = {number for number in self._open if is_ended.get(number)}
        touched = self._read_phases() | self._read_caches()
        if fresh or ended:
            self._read_traces(fresh | ended)
        for number in touched & self._records.keys() - fresh - ended:
            known = self._records[number]
            self._records[number] = self._record(known.started, known.ended)
        if fresh or ended or touched:
            order = sorted(self._records.items(), key=lambda item: (item[1].started.start_ns, item[0]))
            self._sorted = [record for _, record in order]
        return list(self._sorted)

    def _read_traces(self, numbers: Collection[int]) -> None:
        traceables = self._traceables()
        these = json.dumps(sorted(numbers))
        failures = read_failures(self._rows, "trace_id", f"trace_id in {_THESE}", these)
        for row in self._rows(f"select * from trace where id in {_THESE}", these):  # noqa: S608
            started = ev.TraceStarted(
                id=row["id"],
                traceable=traceables[row["traceable_id"]],
                start_ns=row["start_ns"],
                thread_id=row["thread_id"],
                role=ev.Role(row["role"]),
                parent_id=row["parent_id"],
                label=row["label"],
                signature=codec.load_signature(row["signature_json"]),
                guard_failures=tuple(failures[row["id"]]),
                cached_count=row["cached_count"],
                call_stack=codec.load_stack(row["call_stack_json"]),
                options=codec.load_pairs(row["options_json"]),
                inputs=codec.load_pairs(row["inputs_json"]) if "inputs_json" in row.keys() else (),  # noqa: SIM118  a row
            )
            record = self._record(started, _trace_ended(row))
            self._records[row["id"]] = record
            if record.ended is None:
                self._open.add(row["id"])
            else:
                self._open.discard(row["id"])

    def _record(self, started: ev.TraceStarted, ended: ev.TraceEnded | None) -> TraceRecord:
        phases, caches = self._phases.get(started.id, ()), self._caches.get(started.id, ())
        return TraceRecord(started, ended, tuple(phases), tuple(caches))

    def _read_phases(self) -> set[int]:
        touched = set()
        for row in self._rows(_PHASES, self._last_phase):
            span = ev.PhaseSpan(row["trace_id"], row["name"], row["start_ns"], row["duration_ns"])
            self._phases[row["trace_id"]].append(span)
            self._last_phase = row["rowid"]
            touched.add(row["trace_id"])
        return touched

    def _read_caches(self) -> set[int]:
        touched = set()
        for row in self._rows(_CACHES, self._last_cache):
            hits = ev.CacheHits(row["trace_id"], codec.load_pairs(row["cache_json"]))
            self._caches[row["trace_id"]].append(hits)
            self._last_cache = row["rowid"]
            touched.add(row["trace_id"])
        return touched


_STATES = "select id, end_ns is not null as is_ended from trace"
_PHASES = "select rowid, * from phase where rowid > ? order by rowid"
_CACHES = "select rowid, * from late_cache where rowid > ? order by rowid"


def read_failures(
    rows: Rows, owner: str, where: str, *values: Any
) -> defaultdict[int, list[ev.GuardFailure]]:
    """Guards that failed, by the trace or the fallback that they led to.

    Args:
        rows: runs a query.
        owner: column that says which.
        where: condition for the rows that are wanted.
        values: for it.
    """
    failures = defaultdict(list)
    query = f"select * from guard_failure where {where} order by {owner}, position"  # noqa: S608
    for row in rows(query, *values):
        failure = ev.GuardFailure(
            entry=row["entry"],
            guard=row["guard"],
            source=row["source"],
            before=row["before"],
            now=row["now"],
            user_frame=codec.load_frame(row["frame_json"]),
            fixed=bool(row["fixed"]),
        )
        failures[row[owner]].append(failure)
    return failures


def _trace_ended(row: sqlite3.Row) -> ev.TraceEnded | None:
    if row["end_ns"] is None:
        return None
    return ev.TraceEnded(
        id=row["id"],
        end_ns=row["end_ns"],
        outcome=ev.Outcome(row["outcome"]),
        error=row["error"],
        op_count=row["op_count"],
        label=row["final_label"],
        traced_signature=codec.load_signature(row["traced_json"]),
        symbolic=tuple(json.loads(row["symbolic_json"])),
        cache_hits=codec.load_pairs(row["cache_json"]),
    )

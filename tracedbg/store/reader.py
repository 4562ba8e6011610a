"""Reads recordings, also while they are written: with `traces`, the only SELECTs.

It gives back the events that were recorded, and knows neither frameworks nor reports.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

from tracedbg import events as ev
from tracedbg.identity import Identity
from tracedbg.kernels import KernelsSeen
from tracedbg.store import codec, kernel_codec
from tracedbg.store.cells import name_cells
from tracedbg.store.database import Database, Few
from tracedbg.store.decoding import decoding
from tracedbg.store.ran_reader import RanReader
from tracedbg.store.records import GraphInfo, PackedGraph, ProcessInfo, Tally, TraceRecord
from tracedbg.store.run import read_run_file
from tracedbg.store.totals import CALLS
from tracedbg.store.totals_reader import TotalsReader
from tracedbg.store.traces import TraceReader, read_failures

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from tracedbg.store.run_info import RunInfo

_DATABASE = re.compile(r"p\d+(-\d+)?\.db")
_APPENDED = ("graph", "conversion", "construct", "graph_break", "fallback", "stale", "fault")
_LATER = ("kernel_window", "step_graph", "op_rows", "stop")
"""Tables that recordings of earlier versions do not have."""


class Run:
    """A recorded run, finished or under way."""

    def __init__(self, folder: str, info: RunInfo, processes: list[ProcessRecording]) -> None:
        self.folder = folder
        self.info = info
        self.processes = processes

    @classmethod
    def open(cls, folder: str) -> Run:
        """Open the run in `folder`.

        Raises:
            NotARunError: there is no such folder, or it is no run.
            NewerSchemaError: a newer tracedbg has written it.
            DamagedRunError: a file in it cannot be read.
        """
        info = read_run_file(folder)
        name_cells(folder)
        few = Few()
        processes = [ProcessRecording.open(path, few) for path in list_databases(folder)]
        processes.sort(key=lambda process: process.info.started_wall_ns)
        return cls(folder, info, processes)

    def close(self) -> None:
        """Close the databases."""
        for process in self.processes:
            process.close()

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def list_databases(folder: str) -> list[str]:
    """The paths of the databases of the run in `folder`."""
    return [os.path.join(folder, name) for name in sorted(filter(_DATABASE.fullmatch, os.listdir(folder)))]


@decoding(lambda recording: recording.path)
class ProcessRecording:
    """One database and its journal: what happened in one process. Each call reads the newest state."""

    def __init__(self, database: Database) -> None:
        self.path = path = database.path
        self.database = database
        self._rows, self._has = database.rows, database.has
        self._totals = TotalsReader(path, self._rows, self._has)
        self.ran = RanReader(path, self._rows, self._totals.rows, self._has, self._traceables)
        """What ran: ops, graphs of steps, samples."""

    @classmethod
    def open(cls, path: str, few: Few | None = None) -> ProcessRecording:
        """Open one database for reading; see `Database.open`."""
        return cls(Database.open(path, few or Few()))

    def copy_to(self, other: sqlite3.Connection) -> None:
        """Write all of it, as it is now, into an empty database; see `Database.copy_to`."""
        self.database.copy_to(other)

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    @property
    def info(self) -> ProcessInfo:
        """The process itself."""
        row = self._rows("select * from process")[0]
        versions = {item["name"]: item["version"] for item in self._rows("select * from framework")}
        return ProcessInfo(
            pid=row["pid"],
            ppid=row["ppid"],
            argv=tuple(json.loads(row["argv_json"])),
            host=row["host"],
            python=row["python"],
            started_wall_ns=row["started_wall_ns"],
            versions=versions,
            stopped_ns=row["stopped_ns"],
            recording_error=row["recording_error"],
            # Recordings of earlier versions have the rank alone.
            **{name: row[name] for name in Identity.__dataclass_fields__ if name in row.keys()},  # noqa: SIM118
        )

    def functions(self) -> dict[int, ev.Traceable]:
        """All functions, by their numbers."""
        return self._traceables()

    def traces(self) -> list[TraceRecord]:
        """All traces in the order in which they started."""
        return self.trace_reader().read()

    def trace_reader(self) -> TraceReader:
        """What gives them again and again, while they become more."""
        return TraceReader(self.path, self._rows, self._traceables)

    def changes(self) -> int:
        """A number that is another one whenever something has been written since it was asked for last."""
        version = int(self._rows("pragma data_version")[0][0])  # it counts from when the database was opened
        changed_ns, size_bytes = self._totals.state()
        return (((self.database.rests << 32) + version) << 128) + (changed_ns << 64) + size_bytes

    def row_counts(self) -> dict[str, int]:
        """Rows of each table that is only appended to: what has as many as before is as it was."""
        tables = (*_APPENDED, *filter(self._has, _LATER))
        parts = [f"(select coalesce(max(rowid), 0) from {table}) as {table}" for table in tables]  # noqa: S608
        return dict(self._rows(f"select {', '.join(parts)}")[0])

    def graph_infos(self) -> list[GraphInfo]:
        """All graphs, without what is in them."""
        return [
            GraphInfo(row["rowid"], row["trace_id"], row["stage"], row["op_count"])
            for row in self._rows("select rowid, trace_id, stage, op_count from graph order by rowid")
        ]

    def graph(self, number: int) -> ev.GraphMade | None:
        """One graph, by its number in `graph_infos`."""
        rows = self._rows("select * from graph where rowid = ?", number)
        return _graph(rows[0]) if rows else None

    def packed_graphs(self) -> Iterator[PackedGraph]:
        """All graphs as they are stored, in the order in which they were made."""
        for row in self._rows("select trace_id, stage, sites from graph order by rowid"):
            yield PackedGraph(row["trace_id"], row["stage"], row["sites"])

    def graphs(self, trace_id: int) -> list[ev.GraphMade]:
        """The graphs that one trace made."""
        return [
            _graph(row)
            for row in self._rows("select * from graph where trace_id = ? order by rowid", trace_id)
        ]

    def conversions(self) -> list[ev.Conversion]:
        """AutoGraph's conversions, in their order."""
        return [
            ev.Conversion(
                function=row["function"],
                file=row["file"],
                line=row["line"],
                duration_ns=row["duration_ns"],
                source=row["source"],
                generated=row["generated"],
                line_map=codec.load_line_map(row["line_map_json"]),
                failure=row["failure"],
                trace_id=row["trace_id"],
            )
            for row in self._rows("select * from conversion order by rowid")
        ]

    def constructs(self) -> list[ev.Construct]:
        """What `if`, `while` and `for` became."""
        return [
            ev.Construct(
                row["file"], row["line"], row["kind"], row["became"], row["function"], row["trace_id"]
            )
            for row in self._rows("select * from construct order by rowid")
        ]

    def breaks(self) -> list[ev.GraphBreak]:
        """All graph breaks, in their order."""
        traceables = self._traceables()
        return [
            ev.GraphBreak(
                code=row["code"],
                kind=row["kind"],
                reason=row["reason"],
                frame=ev.Frame(*json.loads(row["frame_json"])),
                function=traceables[row["traceable_id"]],
                stack=codec.load_stack(row["stack_json"]),
                ran_eager=row["ran_eager"],
                trace_id=row["trace_id"],
            )
            for row in self._rows("select * from graph_break order by rowid")
        ]

    def fallbacks(self) -> list[ev.Fallback]:
        """Where functions went back to eager in silence."""
        traceables = self._traceables()
        failures = read_failures(self._rows, "fallback_id", "fallback_id is not null")
        return [
            ev.Fallback(
                function=traceables[row["traceable_id"]],
                kind=row["kind"],
                reason=row["reason"],
                time_ns=row["time_ns"],
                guard_failures=tuple(failures[row["id"]]),
                call_stack=codec.load_stack(row["call_stack_json"]),
            )
            for row in self._rows("select * from fallback order by id")
        ]

    def stale(self) -> list[ev.Stale]:
        """Where a trace was used although it should have been remade."""
        traceables = self._traceables()
        return [
            ev.Stale(
                function=traceables[row["traceable_id"]],
                kind=row["kind"],
                name=row["name"],
                frame=ev.Frame(*json.loads(row["frame_json"])),
                then=row["then_text"],
                now=row["now_text"],
                time_ns=row["time_ns"],
                trace_id=row["trace_id"],
            )
            for row in self._rows("select * from stale order by rowid")
        ]

    def calls(self) -> list[ev.Calls]:
        """How often each function was called."""
        rows = sorted(self._totals.rows(CALLS), key=lambda row: row["traceable_id"])
        traceables = self._traceables()
        return [
            ev.Calls(traceables[row["traceable_id"]], row["compiled"], row["eager"], row["first_eager_call"])
            for row in rows
        ]

    def kernel_windows(self) -> list[KernelsSeen]:
        """What profilers saw of kernels."""
        if not self._has("kernel_window"):
            return []
        return [
            KernelsSeen(
                profiler=row["profiler"],
                kernels=kernel_codec.unpack_kernels(row["kernels"]),
                start_ns=row["start_ns"],
                end_ns=row["end_ns"],
                steps=row["steps"],
                dropped=row["dropped"],
                note=row["note"],
            )
            for row in self._rows("select * from kernel_window order by rowid")
        ]

    def stops(self) -> list[ev.Stopped]:
        """Where threads stood still in the debugger, in the order in which they went on."""
        if not self._has("stop"):
            return []
        return [
            ev.Stopped(
                reason=row["reason"],
                frame=ev.Frame(*json.loads(row["frame_json"])),
                thread_id=row["thread_id"],
                start_ns=row["start_ns"],
                end_ns=row["end_ns"],
                stack=codec.load_stack(row["stack_json"]),
                op=row["op"],
                graph=row["graph"],
                is_backward=bool(row["is_backward"]),
                text=row["text"],
            )
            for row in self._rows("select * from stop order by rowid")
        ]

    def faults(self) -> list[ev.Fault]:
        """Faults of tracedbg itself."""
        return [
            ev.Fault(row["place"], row["message"], row["time_ns"])
            for row in self._rows("select * from fault order by rowid")
        ]

    def tallies(self) -> list[Tally]:
        """What was counted but not kept, by function."""
        return [
            Tally(
                (row["framework"], row["name"], row["file"], row["line"]),
                row["traces"],
                row["retraces"],
                row["duration_ns"],
                row["graph_breaks"],
            )
            for row in self._rows("select * from tally order by framework, file, line, name")
        ]

    def dropped(self) -> dict[str, int]:
        """How many events of each kind were not kept."""
        return {row["kind"]: row["count"] for row in self._rows("select * from dropped order by kind")}

    def _traceables(self) -> dict[int, ev.Traceable]:
        return {
            row["id"]: ev.Traceable(
                framework=ev.Framework(row["framework"]),
                name=row["name"],
                file=row["file"],
                line=row["line"],
                object_id=row["object_id"],
                closure_id=row["closure_id"],
                created_at=codec.load_frame(row["created_json"]),
                owner=row["owner"],
                is_user=bool(row["is_user"]),
            )
            for row in self._rows("select * from traceable")
        }


def _graph(row: sqlite3.Row) -> ev.GraphMade:
    return ev.GraphMade(row["trace_id"], row["stage"], codec.unpack_sites(row["sites"]))

"""The graphs there are to look at: those of the recording, and those that a program stands in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracedbg.events import OpSite, Role
from tracedbg.report.style import clean
from tracedbg_tui.debug.glyphs import glyphs_of
from tracedbg_tui.debug.lines import fitted
from tracedbg_tui.recorded.listing import Listing
from tracedbg_tui.recorded.words import place
from tracedbg_tui.snapshot import key_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from rich.segment import Segment

    from tracedbg_tui.answers import GraphInfo as LiveGraph
    from tracedbg_tui.answers import Op
    from tracedbg_tui.snapshot import Snapshot

MOST_OPS = 50_000
"""Ops of a graph of a running program that are fetched: enough for a tree that anybody reads."""


@dataclass(frozen=True)
class GraphRow:
    """A graph."""

    function: str
    stage: str
    label: str
    """Of its trace."""
    op_count: int
    process: int = 0
    number: int = 0
    """In its process; 0 for one of a running program."""
    trace_id: int = 0
    parent_id: int | None = None
    key: str = ""
    """Of its function."""
    file: str = ""
    line: int = 0
    is_backward: bool = False
    live: str = ""
    """What the debugger calls it; empty for one of the recording."""


def recorded_graphs(snapshot: Snapshot) -> list[GraphRow]:
    """All graphs of the recording, by process, in the order in which they were made."""
    rows = []
    for position, process in enumerate(snapshot.processes):
        traces = {record.started.id: record.started for record in process.all_traces}
        for info in process.appended.graphs:
            started = traces.get(info.trace_id)
            if started is None:
                continue
            of = started.traceable
            rows.append(
                GraphRow(
                    clean(of.name),
                    info.stage,
                    started.label if "/" in started.label else f"#{started.id}",
                    info.op_count,
                    position,
                    info.number,
                    info.trace_id,
                    started.parent_id,
                    key_of(of),
                    of.file,
                    of.line,
                    is_backward=started.role is Role.BACKWARD or "backward" in info.stage,
                )
            )
    return rows


def live_graphs(found: Sequence[LiveGraph]) -> list[GraphRow]:
    """Those that the debugger knows: the program stands, or stood, in them."""
    return [
        GraphRow(
            clean(one.function),
            "stopped in",
            one.graph,
            one.total,
            key=f"live|{one.graph}",
            is_backward="backward" in one.graph.lower(),
            live=one.graph,
        )
        for one in found
    ]


def other_side(row: GraphRow, rows: Sequence[GraphRow]) -> GraphRow | None:
    """The backward graph of a forward one, and the other way round; None if there is none.

    A gradient is traced after its forward, and before the next one of the same function; or both are of one
    trace.
    """
    if row.live:
        alike = [one for one in rows if one.live and one.function == row.function]
    else:
        alike = [one for one in rows if (one.process, one.key, one.live) == (row.process, row.key, "")]
    if row not in alike:
        return None
    of_trace = [one for one in alike if row.trace_id and one.trace_id == row.trace_id]
    others = [one for one in of_trace if one.is_backward != row.is_backward]
    if others:
        return others[-1] if row.is_backward else others[0]
    at = alike.index(row)
    order = reversed(alike[:at]) if row.is_backward else iter(alike[at + 1 :])
    for one in order:
        if one.is_backward != row.is_backward:
            return one
        if not row.is_backward and one not in of_trace:
            return None  # the next forward: this one had no backward
    return None


def site_of(op: Op) -> OpSite:
    """An op that the debugger has told, as one of the recording."""
    return OpSite(op.name, op.op, op.inputs, op.output, op.file, op.line)


class GraphsPane(Listing[GraphRow]):
    """The graphs."""

    NOTHING = "no graph is recorded"

    def __init__(self) -> None:
        super().__init__()
        self.has_processes = False

    def text_of(self, row: GraphRow) -> str:
        """See `Listing`; the same for the methods below."""
        where = place(self, row.file, row.line)
        return f"{row.function} {row.label} {row.stage} {row.op_count} ops {where}".rstrip()

    def key_of(self, row: GraphRow) -> Hashable:  # noqa: D102
        return row.process, row.number, row.live

    def place_at(self, index: int) -> tuple[str, int] | None:  # noqa: D102
        row = self.rows[index] if index < len(self.rows) else None
        return (row.file, row.line) if row and row.file else None

    def segments(self, row: GraphRow, width: int) -> list[Segment]:  # noqa: D102
        glyphs = glyphs_of(self)
        side = glyphs.back if row.is_backward else glyphs.here if row.live else glyphs.traced
        made = [
            self.ink(f"{side} ", "here" if row.live else "note" if row.is_backward else "dim"),
            self.ink(f"{row.process} " if self.has_processes else "", "dim"),
            self.ink(row.function, "name"),
            self.ink(f" {row.label}"),
            self.ink(f" {'backward' if row.is_backward else row.stage}", "dim"),
        ]
        right = f" {row.op_count:,} ops"
        return [*fitted(made, width - len(right), glyphs.more), self.ink(right, "value")]

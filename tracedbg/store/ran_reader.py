"""Reads what ran: ops, graphs of steps, samples. With `reader` and `traces`, the only SELECTs.

Totals come back as the events that they are the sum of: those in the database, and those in its journal.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tracedbg import ran
from tracedbg.events import Frame
from tracedbg.store import codec, op_codec, totals
from tracedbg.store.decoding import decoding

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Sequence

    from tracedbg.events import Traceable
    from tracedbg.store.totals import Table

    Rows = Callable[..., list[sqlite3.Row]]

MAX_DEPTH = 2000
"""Frames of a stack that are read: a file that is made to do harm may have more than fit into memory."""


@decoding(lambda reader: reader._path)
class RanReader:
    """Part of the reader of one database; its answers are of the moment of each call."""

    def __init__(
        self,
        path: str,
        rows: Rows,
        rows_of: Callable[[Table], Sequence[sqlite3.Row | dict[str, Any]]],
        has: Callable[[str], bool],
        traceables: Callable[[], dict[int, Traceable]],
    ) -> None:
        self._path = path
        self._rows = rows
        self._totals = rows_of
        self._has = has
        self._traceables = traceables

    def ops(self) -> list[ran.OpsSeen]:
        """All ops in totals, one event for each observer; the first one has the totals of all."""
        if not self._has("op_observer"):
            return []
        rows = sorted(self._totals(totals.OP_TOTAL), key=lambda row: (row["kind_id"], row["thread_id"]))
        kinds = self._kinds()  # after what refers to them: the process may go on
        found = tuple(
            ran.OpTotal(
                kinds[row["kind_id"]],
                row["thread_id"],
                row["count"],
                row["duration_ns"],
                row["self_ns"],
                row["longest_ns"],
            )
            for row in rows
        )
        seen: list[ran.OpsSeen] = []
        for row in self._totals(totals.OP_OBSERVER):
            seen.append(ran.OpsSeen(row["observer"], found, None, row["left_out"], row["note"]))
            found = ()
        return seen

    def op_rows(self) -> Iterator[ran.OpRows]:
        """Single executions, a part at a time."""
        if not self._has("op_rows"):
            return
        numbers = [row["rowid"] for row in self._rows("select rowid from op_rows order by rowid")]
        kinds = self._kinds() if numbers else {}
        for number in numbers:
            row = self._rows("select rows from op_rows where rowid = ?", number)[0]
            yield op_codec.unpack_rows(row["rows"], kinds)

    def step_graphs(self) -> list[ran.StepGraph]:
        """The different graphs that steps have built."""
        if not self._has("step_graph"):
            return []
        traceables = self._traceables()
        return [
            ran.StepGraph(
                function=traceables[row["traceable_id"]],
                kind=row["kind"],
                fingerprint=row["fingerprint"],
                sites=codec.unpack_sites(row["sites"]),
                step=row["step"],
                time_ns=row["time_ns"],
                left_out=row["left_out"],
            )
            for row in self._rows("select * from step_graph order by rowid")
        ]

    def steps(self) -> list[ran.StepsSeen]:
        """The steps of each function, with what changed between them."""
        if not self._has("step_count"):
            return []
        counts = self._totals(totals.STEP_COUNT)
        traceables = self._traceables()
        changes: dict[tuple[int, str], list[ran.StepChange]] = defaultdict(list)
        for row in sorted(self._totals(totals.STEP_CHANGE), key=lambda row: row["step"]):
            changes[row["traceable_id"], row["kind"]].append(
                ran.StepChange(row["before"], row["after"], row["count"], row["step"])
            )
        lines: dict[tuple[int, str], list[ran.StepLine]] = defaultdict(list)
        for row in self._totals(totals.STEP_LINE):
            frame = Frame(row["file"], row["line"], row["function"])
            lines[row["traceable_id"], row["kind"]].append(
                ran.StepLine(frame, row["nodes"], row["backward_ns"], row["saved_bytes"])
            )
        return [
            ran.StepsSeen(
                function=traceables[row["traceable_id"]],
                kind=row["kind"],
                steps=row["steps"],
                looked_at=row["looked_at"],
                changes=tuple(changes[row["traceable_id"], row["kind"]]),
                lines=tuple(lines[row["traceable_id"], row["kind"]]),
            )
            for row in counts
        ]

    def samples(self) -> list[ran.SamplesSeen]:
        """The stretches that were sampled; the first one has the totals of all."""
        if not self._has("sampling"):
            return []
        rows = self._totals(totals.SAMPLE)
        stacks = self._stacks()
        found = tuple(
            ran.SampleTotal(
                stack=stacks[row["stack_id"]],
                activity=row["activity"],
                phase=row["phase"],
                thread_id=row["thread_id"],
                is_main=bool(row["is_main"]),
                count=row["count"],
                wall_ns=row["wall_ns"],
                cpu_ns=row["cpu_ns"],
            )
            for row in rows
        )
        seen: list[ran.SamplesSeen] = []
        for row in sorted(self._totals(totals.SAMPLING), key=lambda row: row["start_ns"]):
            seen.append(ran.SamplesSeen(row["rate_hz"], row["start_ns"], row["end_ns"], row["own_ns"], found))
            found = ()
        return seen

    def stays(self) -> list[ran.Stayed]:
        """Where the main thread was for long, in the order of their starts."""
        if not self._has("stay"):
            return []
        rows = sorted(self._totals(totals.STAY), key=lambda row: row["start_ns"])
        stacks = self._stacks()
        return [
            ran.Stayed(
                stack=stacks[row["stack_id"]],
                activity=row["activity"],
                phase=row["phase"],
                start_ns=row["start_ns"],
                end_ns=row["end_ns"],
                cpu_ns=row["cpu_ns"],
            )
            for row in rows
        ]

    def _kinds(self) -> dict[int, ran.OpKind]:
        rows = sorted(self._totals(totals.OP_KIND), key=lambda row: row["id"])
        stacks = self._stacks()
        return {
            row["id"]: ran.OpKind(
                framework=row["framework"],
                name=row["name"],
                inputs=row["inputs"],
                stack=stacks[row["stack_id"] or 0],
                is_backward=bool(row["is_backward"]),
                is_traced=bool(row["is_traced"]),
                is_outer=bool(row["is_outer"]),
                sync=row["sync"],
            )
            for row in rows
        }

    def _stacks(self) -> dict[int, tuple[Frame, ...]]:
        found: dict[int, tuple[Frame, ...]] = {0: ()}
        rows = sorted(self._totals(totals.STACK), key=lambda row: row["id"])
        for row in rows:  # what called a frame is written before it
            frame = Frame(row["file"], row["line"], row["function"])
            found[row["id"]] = (frame, *found[row["outer_id"] or 0][:MAX_DEPTH])
        return found

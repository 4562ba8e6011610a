"""Executions of ops, as tracks of a timeline: kept in columns, as there may be a million of them.

It must not know any format.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracedbg.kernels import CallFrame
from tracedbg.report.kernel_export.slices import Slice, lane_numbers, line_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tracedbg.ran import OpKind
    from tracedbg.store.reader import ProcessRecording, Run


@dataclass
class _Columns:
    """The executions of one thread."""

    kind: array[int] = field(default_factory=lambda: array("I"))
    start_ns: array[int] = field(default_factory=lambda: array("q"))
    duration_ns: array[int] = field(default_factory=lambda: array("q"))

    def sort(self) -> None:
        """By start; what holds others goes before them."""
        starts, durations = self.start_ns, self.duration_ns
        order = sorted(range(len(starts)), key=durations.__getitem__, reverse=True)
        order.sort(key=starts.__getitem__)  # stable, and without a tuple for each
        for name in ("kind", "start_ns", "duration_ns"):
            column = getattr(self, name)
            setattr(self, name, array(column.typecode, map(column.__getitem__, order)))


@dataclass(frozen=True)
class OpTrack:
    """Some of the executions of one thread, none of which overlaps another without being inside of it."""

    group: str
    """The process."""
    name: str
    kinds: Sequence[Slice]
    """What all executions of a kind have in common, as a slice without times."""
    columns: _Columns
    rows: Sequence[int]
    """Numbers of rows of the columns."""

    @property
    def slices(self) -> Iterator[Slice]:
        """Each execution, made when it is asked for."""
        for number, start_ns, duration_ns in self.times():
            kind = self.kinds[number]
            yield Slice(
                kind.name, start_ns, duration_ns, kind.category, kind.arguments, kind.line, kind.stack, number
            )

    def times(self) -> Iterator[tuple[int, int, int]]:
        """Of each execution the number of its kind, its start and its duration."""
        columns = (self.columns.kind, self.columns.start_ns, self.columns.duration_ns)
        return zip(*(map(column.__getitem__, self.rows) for column in columns), strict=True)

    def lanes(self) -> list[Iterable[Slice]]:
        """It is one lane itself."""
        return [self.slices]


def ops_of(run: Run) -> list[OpTrack]:
    """The tracks of each thread that has executed ops in the window."""
    return [track for process in run.processes for track in _of_process(process)]


def _of_process(process: ProcessRecording) -> Iterator[OpTrack]:
    began_ns = process.info.started_wall_ns
    kinds: list[Slice] = []
    numbers: dict[int, int] = {}
    threads: dict[int, _Columns] = {}
    known: list[OpKind] = []  # kept, as `numbers` tells them apart by their identity
    for rows in process.ran.op_rows():
        for kind in rows.kinds:
            if id(kind) not in numbers:
                numbers[id(kind)] = len(kinds)
                kinds.append(_slice(kind))
                known.append(kind)
        of_part = [numbers[id(kind)] for kind in rows.kinds]
        for kind_number, thread, start_ns, duration_ns in zip(
            rows.kind, rows.thread_id, rows.start_ns, rows.duration_ns, strict=True
        ):
            columns = threads.get(thread)
            if columns is None:
                columns = threads[thread] = _Columns()
            columns.kind.append(of_part[kind_number])
            columns.start_ns.append(began_ns + start_ns)
            columns.duration_ns.append(duration_ns)
    group = f"process {process.info.pid}"
    for thread, columns in threads.items():
        columns.sort()
        of_row = lane_numbers(columns.start_ns, columns.duration_ns)
        for lane in range(max(of_row) + 1):
            rows_of_lane: Sequence[int] = (
                array("I", [row for row, number in enumerate(of_row) if number == lane])
                if max(of_row)
                else range(len(of_row))
            )
            name = f"{group}, ops of thread {thread}{f', lane {lane}' if lane else ''}"
            yield OpTrack(group, name, kinds, columns, rows_of_lane)


def _slice(kind: OpKind) -> Slice:
    stack = tuple(CallFrame(one.file, one.line, one.function, is_exact=True) for one in kind.stack)
    arguments = {
        "line": line_text(stack[0]) if stack else "",
        "inputs": kind.inputs,
        "framework": kind.framework,
        "pass": "backward" if kind.is_backward else "",
        "run by": "a compiled graph" if kind.is_traced else "",
        "waits or copies": kind.sync,
        "stack": " < ".join(map(line_text, stack)),
    }
    filled = {name: text for name, text in arguments.items() if text}
    return Slice(kind.name, 0, 0, "op", filled, stack[0] if stack else None, stack)

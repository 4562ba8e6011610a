"""The ops of a recorded run come to rows: by line, op, function or file.

It reads totals alone: what it costs does not grow with the number of executions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracedbg.explain.op_hints import small_ops
from tracedbg.explain.ops import MAX_OPS, OpLevel, OpObserver, OpPart, OpRow, OpSummary
from tracedbg.explain.syncs import Syncs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracedbg.explain.ops import SyncLine
    from tracedbg.ran import OpKind, OpsSeen, OpTotal

_NS = 1e9
_MAX_PARTS = 5
"""Ops that a row names."""

_Key = tuple[str, int, str, str, str]


@dataclass(slots=True)
class _Row:
    """An `OpRow` that is being collected."""

    function: str
    self_ns: int = 0
    count: int = 0
    calls: int = 0
    backward_ns: int = 0
    traced_ns: int = 0
    longest_ns: int = 0
    parts: dict[str, list[int]] = field(default_factory=dict)
    """Name of an op -> nanoseconds and executions."""


@dataclass(slots=True)
class KindTotal:
    """All executions of kinds that are equal, in all threads and processes."""

    kind: OpKind
    count: int = 0
    duration_ns: int = 0
    self_ns: int = 0
    longest_ns: int = 0


class OpTotals:
    """Takes in the ops of one process after the other: what it keeps does not grow with their number."""

    def __init__(self) -> None:
        self._observers: dict[str, OpObserver] = {}
        self._totals: dict[tuple[object, ...], KindTotal] = {}
        self._threads: set[tuple[int, int]] = set()
        self._processes = 0

    def add(self, seen: Iterable[OpsSeen]) -> None:
        """The ops of one process."""
        self._processes += 1
        for one in seen:
            known = self._observers.get(one.observer, OpObserver(one.observer))
            self._observers[one.observer] = OpObserver(
                one.observer, known.left_out + one.left_out, known.note or one.note
            )
            for total in one.totals:
                self._add(total)
            self._threads.update((self._processes, total.thread_id) for total in one.totals)

    def _add(self, one: OpTotal) -> None:
        kind = one.kind
        flags = (kind.is_backward, kind.is_traced, kind.is_outer)
        key = (kind.framework, kind.name, kind.inputs, kind.stack, *flags, kind.sync)
        total = self._totals.get(key)
        if total is None:
            total = self._totals[key] = KindTotal(kind)
        total.count += one.count
        total.duration_ns += one.duration_ns
        total.self_ns += one.self_ns
        total.longest_ns = max(total.longest_ns, one.longest_ns)

    def done(self, wall_ns: int | None = None) -> OpSummary | None:
        """All together; None where no ops were recorded.

        Args:
            wall_ns: how long the program ran.
        """
        if not self._observers:
            return None
        totals = self._totals.values()
        return OpSummary(
            observers=tuple(self._observers.values()),
            seconds=sum(one.self_ns for one in totals) / _NS,
            count=sum(one.count for one in totals),
            calls=sum(one.count for one in totals if one.kind.is_outer),
            threads=len(self._threads),
            kinds=len(totals),
            backward_seconds=sum(one.self_ns for one in totals if one.kind.is_backward) / _NS,
            traced_seconds=sum(one.self_ns for one in totals if one.kind.is_traced) / _NS,
            lines=self.rows(OpLevel.LINE),
            ops=self.rows(OpLevel.OP)[:MAX_OPS],
            hint=small_ops(totals, wall_ns),
        )

    def rows(self, level: OpLevel) -> tuple[OpRow, ...]:
        """All rows of a level, the costliest first."""
        found: dict[_Key, _Row] = {}
        for one in self._totals.values():
            key = _key(one.kind, level)
            row = found.get(key)
            if row is None:
                row = found[key] = _Row(_function(one.kind, level))
            _add(row, one)
        rows = (_done(key, row, level) for key, row in found.items())
        return tuple(
            sorted(rows, key=lambda row: (-row.seconds, row.file, row.line, row.function, row.op, row.inputs))
        )

    def syncs(self) -> tuple[SyncLine, ...]:
        """Where the host waits for the device, or copies without being asked to; the costliest first."""
        syncs = Syncs()
        for one in self._totals.values():
            if one.kind.sync:
                syncs.add(one)
        return syncs.done()


def _key(kind: OpKind, level: OpLevel) -> _Key:
    if level is OpLevel.OP:
        return ("", 0, kind.framework, kind.name, kind.inputs)
    if not kind.stack:
        return ("", 0, "", "", "")
    frame = kind.stack[0]
    if level is OpLevel.LINE:
        return (frame.file, frame.line, "", "", "")
    return (frame.file, 0, frame.function if level is OpLevel.FUNCTION else "", "", "")


def _function(kind: OpKind, level: OpLevel) -> str:
    has_one = level in (OpLevel.LINE, OpLevel.FUNCTION)
    return kind.stack[0].function if has_one and kind.stack else ""


def _add(row: _Row, one: KindTotal) -> None:
    row.self_ns += one.self_ns
    row.count += one.count
    row.calls += one.count if one.kind.is_outer else 0
    row.backward_ns += one.self_ns if one.kind.is_backward else 0
    row.traced_ns += one.self_ns if one.kind.is_traced else 0
    row.longest_ns = max(row.longest_ns, one.longest_ns)
    part = row.parts.setdefault(one.kind.name, [0, 0])
    part[0] += one.self_ns
    part[1] += one.count


def _done(key: _Key, row: _Row, level: OpLevel) -> OpRow:
    file, line, name, op, inputs = key
    parts = sorted(row.parts.items(), key=lambda item: (-item[1][0], item[0]))[:_MAX_PARTS]
    return OpRow(
        seconds=row.self_ns / _NS,
        count=row.count,
        calls=row.calls,
        file=file,
        line=line,
        function=row.function,
        framework=name if level is OpLevel.OP else "",
        op=op,
        inputs=inputs,
        backward_seconds=row.backward_ns / _NS,
        traced_seconds=row.traced_ns / _NS,
        longest_seconds=row.longest_ns / _NS,
        ops=()
        if level is OpLevel.OP
        else tuple(OpPart(op, part_ns / _NS, count) for op, (part_ns, count) in parts),
    )

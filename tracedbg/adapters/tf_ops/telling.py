"""Tells what threads have counted: what is new since the last time."""

from __future__ import annotations

import os
import sys
import time
from array import array
from typing import TYPE_CHECKING

from tracedbg.ran import OpColumns, OpRows, OpsSeen

if TYPE_CHECKING:
    from tracedbg.adapters.tf_ops.counts import Slot, ThreadCounts
    from tracedbg.adapters.tf_ops.ways import Ways
    from tracedbg.hooks import Sink
    from tracedbg.ran import OpKind

OBSERVER = "fast path"
MAX_THREADS = 64
"""Threads that are kept though they may have ended: a new one with the number of an old one goes on there."""


class Teller:
    """Emits what `ways` has counted; see `Hooks.on_tell`."""

    def __init__(self, ways: Ways, sink: Sink) -> None:
        self._ways = ways
        self._sink = sink
        self._offset_ns = sink.now_ns() - time.monotonic_ns()
        self._process = os.getpid()
        self._ended: list[ThreadCounts] = []
        """Threads that were gone the last time: what they have added meanwhile is told now."""

    def tell(self) -> None:
        """Emit what is new."""
        if os.getpid() != self._process:
            self._process = os.getpid()
            self._forget_parents()
        threads = list(self._ways.threads.values())
        found = [*self._ended, *threads]
        self._ended = self._drop(threads)
        totals = self._totals(found)
        rows = self._rows(found)
        window = self._ways.window
        left_out, window.left_out = window.left_out, 0
        if len(totals) or left_out or rows is not None:
            self._sink.emit(OpsSeen(OBSERVER, totals, rows, left_out))

    def _forget_parents(self) -> None:
        """In a forked child: the other threads do not exist here, and the parent tells of what they did."""
        here = sys._current_frames()
        self._ended.clear()
        for number in list(self._ways.threads):
            if number not in here:
                del self._ways.threads[number]

    def _drop(self, threads: list[ThreadCounts]) -> list[ThreadCounts]:
        if len(threads) <= MAX_THREADS:
            return []
        here = sys._current_frames()
        gone = [thread for thread in threads if thread.thread_id not in here]
        for thread in gone:
            self._ways.threads.pop(thread.thread_id, None)
        return gone

    def _totals(self, threads: list[ThreadCounts]) -> OpColumns:
        numbers: dict[OpKind, int] = {}
        columns = tuple(array("q") for _ in range(6))
        kind, thread_id, counts, durations_ns, selves_ns, longest_ns = columns
        for thread in threads:
            for slot in list(thread.slots.values()):
                count, duration_ns, self_ns = slot.count, slot.duration_ns, slot.self_ns
                if count != slot.told_count or duration_ns != slot.told_duration_ns:
                    kind.append(numbers.setdefault(slot.kind, len(numbers)))
                    thread_id.append(thread.thread_id)
                    counts.append(count - slot.told_count)
                    durations_ns.append(duration_ns - slot.told_duration_ns)
                    selves_ns.append(self_ns - slot.told_self_ns)
                    longest_ns.append(slot.longest_ns)
                    slot.told_count, slot.told_duration_ns, slot.told_self_ns = count, duration_ns, self_ns
        return OpColumns(tuple(numbers), *columns)

    def _rows(self, threads: list[ThreadCounts]) -> OpRows | None:
        numbers: dict[OpKind, int] = {}
        columns = array("I"), array("q"), array("q"), array("q")
        for thread in threads:
            taken: list[tuple[int, int, Slot]] = []
            while thread.rows:
                slot, start_ns, duration_ns = thread.rows.popleft()
                taken.append((start_ns + self._offset_ns, duration_ns, slot))
            taken.sort(key=lambda row: row[0])
            for start_ns, duration_ns, slot in taken:
                kind = numbers.setdefault(slot.kind, len(numbers))
                for column, value in zip(
                    columns, (kind, thread.thread_id, start_ns, duration_ns), strict=True
                ):
                    column.append(value)
        return OpRows(tuple(numbers), *columns) if numbers else None

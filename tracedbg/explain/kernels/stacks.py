"""The stack of a host thread at a moment, and the ops that it was in, from the columns of a timeline.

It must not know what a stack is wanted for.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from operator import lt
from typing import TYPE_CHECKING

from tracedbg.kernels import NO_PARENT, Sidecar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracedbg.kernels import CallFrame, Spans, ThreadKey, Timeline

_JITTER_NS = (0, -1, 1)
"""The sidecar's times and the file's were rounded apart."""


class Nested:
    """The spans of one thread as a tree: which one is in which."""

    def __init__(self, spans: Spans) -> None:
        self.spans = spans
        self._has_ids = bool(spans.parent_ids) and any(spans.parent_ids)
        self._parents = array("i") if self._has_ids else _parents_by_time(spans)
        self._rows: dict[int, int] | None = None
        ids = spans.ids
        if self._has_ids and not all(map(lt, ids, ids[1:])):
            self._rows = {number: row for row, number in enumerate(ids)}

    def at(self, time_ns: int) -> int:
        """The row of the innermost span at `time_ns`; `NO_PARENT` if there is none."""
        row = bisect_right(self.spans.start_ns, time_ns) - 1
        while row != NO_PARENT and self.spans.end_ns[row] < time_ns:
            row = self.parent(row)
        return row

    def parent(self, row: int) -> int:
        """The row of the span that `row` is in; `NO_PARENT` if it is in none of this thread."""
        if self._has_ids:
            return self.row_of(self.spans.parent_ids[row])
        return self._parents[row]

    def row_of(self, number: int) -> int:
        """The row with that id; `NO_PARENT` if there is none."""
        ids = self.spans.ids
        if not number or not ids:
            return NO_PARENT
        if self._rows is not None:
            return self._rows.get(number, NO_PARENT)
        row = bisect_left(ids, number)
        return row if row < len(ids) and ids[row] == number else NO_PARENT

    def around(self, row: int) -> Iterator[int]:
        """`row`, and the rows that it is in, from the inside out."""
        while row != NO_PARENT:
            yield row
            row = self.parent(row)


def _parents_by_time(spans: Spans) -> array[int]:
    parents = array("i")
    stack: list[int] = []
    ends = spans.end_ns
    for row, start_ns in enumerate(spans.start_ns):
        while stack and ends[stack[-1]] <= start_ns:
            stack.pop()
        parents.append(stack[-1] if stack else NO_PARENT)
        stack.append(row)
    return parents


class Stacks:
    """The stacks and ops of all threads of a timeline."""

    def __init__(self, timeline: Timeline, sidecar: Sidecar | None = None) -> None:
        self.timeline = timeline
        self._sidecar = sidecar or Sidecar()
        self._frames: dict[ThreadKey, Nested] = {}
        self._ops: dict[ThreadKey, Nested] = {}
        self._parsed: dict[int, CallFrame] = {}
        self._of_row: dict[tuple[ThreadKey, int, int], tuple[CallFrame, ...]] = {}
        self._same: dict[tuple[CallFrame, ...], tuple[CallFrame, ...]] = {}

    def ops(self, thread: ThreadKey) -> Nested:
        """The ops of a thread."""
        found = self._ops.get(thread)
        if found is None:
            found = self._ops[thread] = Nested(self.timeline.thread(thread).ops)
        return found

    def frames(self, thread: ThreadKey) -> Nested:
        """The calls of Python functions of a thread."""
        found = self._frames.get(thread)
        if found is None:
            found = self._frames[thread] = Nested(self.timeline.thread(thread).frames)
        return found

    def ops_at(self, thread: ThreadKey, time_ns: int) -> list[int]:
        """Rows of the ops that a thread was in, innermost first."""
        if thread not in self.timeline.threads:
            return []
        nested = self.ops(thread)
        return list(nested.around(nested.at(time_ns)))

    def stack_at(self, thread: ThreadKey, time_ns: int, since_ns: int | None = None) -> tuple[CallFrame, ...]:
        """The stack of a thread at a moment, innermost first.

        Args:
            thread: the thread.
            time_ns: the moment.
            since_ns: leave out the frames that had begun before.
        """
        if thread not in self.timeline.threads:
            return ()
        nested = self.frames(thread)
        row = nested.at(time_ns)
        if since_ns is None:
            return self._stack(thread, row, time_ns)
        inner = [at for at in nested.around(row) if nested.spans.start_ns[at] >= since_ns]
        return self._stack(thread, row, time_ns)[: len(inner)]

    def _stack(self, thread: ThreadKey, row: int, time_ns: int) -> tuple[CallFrame, ...]:
        if row == NO_PARENT:
            return ()
        began_ns = 0
        if self._sidecar.call_lines:
            ops = self.ops_at(thread, time_ns)
            began_ns = self.ops(thread).spans.start_ns[ops[-1]] if ops else 0
        key = (thread, row, began_ns)
        found = self._of_row.get(key)
        if found is None:
            stack = tuple(self._walk(thread, row, began_ns))
            found = self._of_row[key] = self._same.setdefault(stack, stack)
        return found

    def _walk(self, thread: ThreadKey, row: int, began_ns: int) -> Iterator[CallFrame]:
        """The frames from `row` outwards; `began_ns` is when the innermost began what it is at."""
        seen = 0
        while row != NO_PARENT:
            spans = self.frames(thread).spans
            frame = self._frame(spans.names[row])
            line = self._call_line(began_ns) if frame.file else None
            yield frame if line is None else frame._replace(line=line, is_exact=True)
            began_ns = spans.start_ns[row]
            thread, row = self._outer(thread, row)
            seen += 1
            if seen > len(self._parsed) + len(spans):  # a file whose ids run in a circle
                return

    def _outer(self, thread: ThreadKey, row: int) -> tuple[ThreadKey, int]:
        """The frame around; the outermost ones of a thread may stand under another thread's name."""
        nested = self.frames(thread)
        parent = nested.parent(row)
        if parent != NO_PARENT or not nested.spans.parent_ids or not nested.spans.parent_ids[row]:
            return thread, parent
        for other in self.timeline.threads:
            if other != thread:
                parent = self.frames(other).row_of(nested.spans.parent_ids[row])
                if parent != NO_PARENT:
                    return other, parent
        return thread, NO_PARENT

    def _frame(self, name: int) -> CallFrame:
        frame = self._parsed.get(name)
        if frame is None:
            frame = self.timeline.frame_of(self.timeline.names[name])
            frame = self._parsed[name] = frame._replace(file=self._sidecar.files.get(frame.file, frame.file))
        return frame

    def _call_line(self, began_ns: int) -> int | None:
        lines = self._sidecar.call_lines
        if not lines or not began_ns:
            return None
        return next((lines[began_ns + by] for by in _JITTER_NS if began_ns + by in lines), None)

"""The stack of a host thread at a moment, and the ops that it was in, from the columns of a timeline.

It must not know what a stack is wanted for.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from typing import TYPE_CHECKING

from tracedbg.kernels import NO_PARENT, Sidecar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tracedbg.kernels import CallFrame, Spans, ThreadKey, Timeline

_JITTER_NS = (0, -1, 1)
"""The sidecar's times and the file's were rounded apart."""


class Nested:
    """The spans of one thread as a tree, by their times: which one is in which.

    Not by the ids of parents, where a file has them: Kineto's are wrong now and then, and those of a file
    that was cut out of another lead nowhere. They only tell calls of C functions whose end was not seen.
    """

    def __init__(self, spans: Spans, is_native: Callable[[int], bool] | None = None) -> None:
        self.spans = spans
        self._parents = _parents(spans, is_native)

    def at(self, time_ns: int) -> int:
        """The row of the innermost span at `time_ns`; `NO_PARENT` if there is none."""
        row = bisect_right(self.spans.start_ns, time_ns) - 1
        ends, parents = self.spans.end_ns, self._parents
        while row != NO_PARENT and ends[row] < time_ns:
            row = parents[row]
        return row

    def names_around(self, row: int) -> tuple[int, ...]:
        """The names of `row` and of the rows that it is in, from the inside out."""
        names, parents = self.spans.names, self._parents
        found = []
        while row != NO_PARENT:
            found.append(names[row])
            row = parents[row]
        return tuple(found)

    def around(self, row: int) -> Iterator[int]:
        """`row`, and the rows that it is in, from the inside out."""
        while row != NO_PARENT:
            yield row
            row = self._parents[row]


def _parents(spans: Spans, is_native: Callable[[int], bool] | None) -> array[int]:
    """The row that each row is in."""
    parents = array("i")
    stack: list[int] = []
    ends = spans.end_ns
    for row, start_ns in enumerate(spans.start_ns):
        while stack and ends[stack[-1]] <= start_ns:
            stack.pop()
        parents.append(stack[-1] if stack else NO_PARENT)
        stack.append(row)
    if is_native is not None and spans.parent_ids:
        _pass_over_unclosed(spans, parents, is_native)
    return parents


def _pass_over_unclosed(spans: Spans, parents: array[int], is_native: Callable[[int], bool]) -> None:
    """Take a row out of the calls of C functions that it seems to be in, and its id says it is not."""
    ids, parent_ids = spans.ids, spans.parent_ids
    for row, around in enumerate(parents):
        outer = around
        while outer != NO_PARENT and ids[outer] != parent_ids[row] and is_native(spans.names[outer]):
            outer = parents[outer]
        parents[row] = outer


class Stacks:
    """The stacks and ops of all threads of a timeline."""

    def __init__(self, timeline: Timeline, sidecar: Sidecar | None = None) -> None:
        self.timeline = timeline
        self._sidecar = sidecar or Sidecar()
        self._frames: dict[ThreadKey, Nested] = {}
        self._ops: dict[ThreadKey, Nested] = {}
        self._parsed: dict[int, CallFrame] = {}
        self._of_names: dict[tuple[int, ...], tuple[CallFrame, ...]] = {}
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
            found = self._frames[thread] = Nested(self.timeline.thread(thread).frames, self._is_native)
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

    def frames_at(self, thread: ThreadKey, time_ns: int) -> Iterator[CallFrame]:
        """As `stack_at`, for one who looks at the first few frames alone."""
        if self._sidecar.call_lines or thread not in self.timeline.threads:
            yield from self.stack_at(thread, time_ns)
            return
        nested = self.frames(thread)
        for row in nested.around(nested.at(time_ns)):
            yield self._frame(nested.spans.names[row])

    def _stack(self, thread: ThreadKey, row: int, time_ns: int) -> tuple[CallFrame, ...]:
        """The frames around `row`; equal stacks are one object, as there are few of them and many kernels."""
        if row == NO_PARENT:
            return ()
        nested = self.frames(thread)
        if self._sidecar.call_lines:
            ops = self.ops_at(thread, time_ns)
            began_ns = self.ops(thread).spans.start_ns[ops[-1]] if ops else 0
            stack = tuple(self._walk(nested, row, began_ns))
            return self._same.setdefault(stack, stack)
        names = nested.names_around(row)
        found = self._of_names.get(names)
        if found is None:
            found = self._of_names[names] = tuple(map(self._frame, names))
        return found

    def _walk(self, nested: Nested, row: int, began_ns: int) -> Iterator[CallFrame]:
        """The frames from `row` outwards; `began_ns` is when the innermost began the op that it is in."""
        spans = nested.spans
        line = self._call_line(began_ns)
        for at in nested.around(row):
            frame = self._frame(spans.names[at])
            if frame.file and line is not None:
                yield frame._replace(line=line, is_exact=True)
            else:
                yield frame
            if frame.file or frame.module or line is None:
                line = self._call_line(spans.start_ns[at])

    def _frame(self, name: int) -> CallFrame:
        frame = self._parsed.get(name)
        if frame is None:
            frame = self.timeline.frame_of(self.timeline.names[name])
            frame = self._parsed[name] = frame._replace(file=self._sidecar.files.get(frame.file, frame.file))
        return frame

    def _is_native(self, name: int) -> bool:
        frame = self._frame(name)
        return not frame.file and not frame.module

    def _call_line(self, began_ns: int) -> int | None:
        lines = self._sidecar.call_lines
        if not lines or not began_ns:
            return None
        return next((lines[began_ns + by] for by in _JITTER_NS if began_ns + by in lines), None)

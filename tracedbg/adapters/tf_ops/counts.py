"""What a thread has counted, and where that is kept. Nothing here takes a lock.

A thread's counts are written by that thread alone; who tells of them keeps what it has told beside them, so
that nothing is lost between the two. It must not know TensorFlow.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracedbg.adapters.tf_ops.logs import Log, Pass
    from tracedbg.events import Frame
    from tracedbg.ran import OpKind

    StackKey = tuple[int, ...]


class Place:
    """An op on a line."""

    __slots__ = ("callers", "frame", "number", "op", "stack")

    def __init__(self, number: int, op: str, frames: tuple[Frame, ...], stack: StackKey) -> None:
        self.number = number
        """Equal for two places exactly if op and frames are."""
        self.op = op
        self.frame = frames[0] if frames else None
        """The user's innermost."""
        self.callers = frames[1:]
        self.stack = stack


class Slot:
    """Executions of one kind in one thread."""

    __slots__ = (
        "count",
        "duration_ns",
        "is_watched",
        "kind",
        "longest_ns",
        "place",
        "self_ns",
        "told_count",
        "told_duration_ns",
        "told_self_ns",
    )

    def __init__(self, kind: OpKind, place: Place, *, is_watched: bool) -> None:
        self.kind = kind
        self.place = place
        self.is_watched = is_watched
        """Whether it may begin a call that the window counts."""
        self.count = self.duration_ns = self.self_ns = self.longest_ns = 0
        self.told_count = self.told_duration_ns = self.told_self_ns = 0

    def add(self, duration_ns: int, self_ns: int) -> None:
        """Count one execution."""
        self.count += 1
        self.duration_ns += duration_ns
        self.self_ns += self_ns
        self.longest_ns = max(self.longest_ns, duration_ns)


class ThreadCounts:
    """What belongs to one thread."""

    __slots__ = ("backward", "depth", "inner_ns", "log", "rows", "slots", "tapes", "thread_id", "unit")

    def __init__(self, thread_id: int) -> None:
        self.thread_id = thread_id
        self.slots: dict[tuple[Any, ...], Slot] = {}
        self.depth = 0
        """How many ops are under way."""
        self.inner_ns = 0
        """Time of the ops that the op under way has called."""
        self.rows: deque[tuple[Slot, int, int]] = deque()
        """Executions in the window that were not told of yet: slot, start, duration."""
        self.backward: Pass | None = None
        """The backward pass under way."""
        self.log: Log | None = None
        """Where ops are noted one by one, in their order."""
        self.tapes = 0
        """How many tapes record."""
        self.unit: Log | None = None
        """The log of the call of a model that is under way without a tape."""

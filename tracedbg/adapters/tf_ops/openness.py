"""Which executions are kept one by one: follows an `OpWindow` through a run. It must not know TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracedbg.op_window import MAX_ROWS
from tracedbg.source import code_name

if TYPE_CHECKING:
    from types import FrameType

    from tracedbg.adapters.tf_ops.counts import Slot, ThreadCounts
    from tracedbg.adapters.tf_ops.kinds import Kinds
    from tracedbg.op_window import OpWindow

_S = 1_000_000_000


def _mark(_frame: Any, _event: Any, _argument: Any) -> None:
    """Stands in a frame that was counted. Where the program traces itself, it is called, and does nothing."""


class Openness:
    """Whether the window is open now. In no thread does anything here wait.

    Args:
        window: what was asked for.
        start_ns: the moment from which seconds count.
    """

    def __init__(self, window: OpWindow, start_ns: int) -> None:
        self._window = window
        self._room = MAX_ROWS
        self._begin_ns = start_ns + int(window.begin * _S)
        self._end_ns = start_ns + int(window.end * _S)
        self._calls = 0
        self._traced_frame = 0
        self._backwards = 0
        self._is_by_steps = not (window.is_empty or window.is_seconds or window.function)
        self.left_out = 0
        """Executions that there was no room for, of those that were not told of yet."""
        self.is_open = not window.is_empty and (window.is_seconds or self._holds(1))
        if window.function:
            self.is_open = False

    def _holds(self, position: int) -> bool:
        return self._window.begin <= position < self._window.end

    def keep(self, thread: ThreadCounts, slot: Slot, start_ns: int, duration_ns: int) -> None:
        """An op was run while it is open."""
        if self._window.is_seconds and not self._begin_ns <= start_ns < self._end_ns:
            self.is_open = start_ns < self._end_ns
        elif self._room > 0:
            self._room -= 1
            thread.rows.append((slot, start_ns, duration_ns))
        else:
            self.left_out += 1

    def called(self, function: str, kinds: Kinds) -> None:
        """A traced function is called, not by another."""
        if self._is_by_steps:
            if not self._backwards:
                self._count()
        elif self._window.function and kinds.is_counted(function):
            self._count()

    def backward(self) -> None:
        """A backward pass begins: so does a step. The first one has begun with the program."""
        if self._is_by_steps:
            self._backwards += 1
            self._calls = self._backwards - 1
            self._count()

    def passed(self, frame: FrameType | None, kinds: Kinds) -> FrameType | None:
        """An op was run below the function whose calls are counted: the frame of that call, if it is new."""
        while frame is not None:
            code = frame.f_code
            if code.co_filename in kinds.own and kinds.is_counted(code_name(code)):
                if frame.f_trace is None:
                    frame.f_trace = _mark
                elif frame.f_trace is not _mark and id(frame) != self._traced_frame:
                    self._traced_frame = id(frame)  # somebody traces it: two calls in a row may look like one
                else:
                    return None
                self._count()
                return frame
            frame = frame.f_back
        return None

    def _count(self) -> None:
        self._calls += 1
        self.is_open = self._holds(self._calls)

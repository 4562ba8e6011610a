"""The traces that are under way, by thread: what a conversion, a construct or an op belongs to."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType

    from tracedbg.adapters.py_state.observed import Observed
    from tracedbg.adapters.tf_common.stack import Known
    from tracedbg.events import Frame

    LinesOfOps = dict[str, dict[str, Frame | None]]
    """By name of the graph (of a branch or loop, too) and of the op: the user's line that made it."""


@dataclass(eq=False)
class OpenTrace:
    """A trace between its `TraceStarted` and its `TraceEnded`."""

    id: int
    start_ns: int
    label: str = ""
    conversions: list[tuple[int, int]] = field(default_factory=list)
    """Start and duration of each of AutoGraph's conversions; those for nested traces are theirs."""
    call_line: Frame | None = None
    """The user's line that called the function."""
    wants_lines: bool = True
    """Whether the lines of further ops are to be noted."""
    op_lines: LinesOfOps = field(default_factory=dict)
    """The user's line that made each op."""
    op_count: int = 0
    """Of these."""
    lines: Known = field(default_factory=dict)
    """The lines met so far."""
    observed: Observed | None = None
    """What the user's functions have read and done so far."""
    before_end: list[Callable[[], None]] = field(default_factory=list)
    """What other adapters have to say before the trace ends."""
    opener: CodeType | None = None
    """Code of the frame that must end this trace, where an exception can pass it unseen."""
    abandon: Callable[[], None] | None = None
    """Ends the trace as failed; goes with `opener`."""


class _Running(threading.local):
    def __init__(self) -> None:
        self.stack: list[OpenTrace] = []


_running = _Running()


def innermost(frame: FrameType | None = None) -> OpenTrace | None:
    """The innermost trace of this thread that is under way.

    Args:
        frame: where the thread is; given one, traces that an exception has left behind are dropped.
    """
    stack = _running.stack
    if frame is not None:
        while stack and (opener := stack[-1].opener) is not None and not _runs_below(frame, opener):
            _drop(stack.pop())
    return stack[-1] if stack else None


def push(trace: OpenTrace) -> None:
    """From now on, `trace` is the innermost one of this thread."""
    _running.stack.append(trace)


def pop(trace: OpenTrace) -> None:
    """`trace` has ended, and so have those inside it."""
    stack = _running.stack
    if trace not in stack:
        return
    while (top := stack.pop()) is not trace:
        _drop(top)


def find(label: str) -> OpenTrace | None:
    """The innermost trace of that label."""
    return next((trace for trace in reversed(_running.stack) if trace.label == label), None)


def add_conversion(start_ns: int, duration_ns: int) -> None:
    """Count time spent on a conversion for the innermost trace of this thread."""
    if _running.stack:
        _running.stack[-1].conversions.append((start_ns, duration_ns))


def _drop(trace: OpenTrace) -> None:
    if trace.abandon is not None:
        trace.abandon()


def _runs_below(frame: FrameType, code: CodeType) -> bool:
    at: FrameType | None = frame
    while at is not None:
        if at.f_code is code:
            return True
        at = at.f_back
    return False

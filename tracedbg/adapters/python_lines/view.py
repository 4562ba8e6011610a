"""A Python line that is about to run, as the debugger sees it.

It must not know how it is noticed that the line is about to run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.frames import depth_of, python_stack, real_path, whole

if TYPE_CHECKING:
    from types import FrameType

    from tracedbg.debugging import FrameView


class LineView:
    """A `View` of exactly this frame: a breakpoint may be in a library's file as well."""

    walk = None
    op = None
    iteration = None
    is_backward = False

    def __init__(self, frame: FrameType) -> None:
        self._frame = frame
        self.file = real_path(frame.f_code.co_filename)
        self.line = frame.f_lineno or frame.f_code.co_firstlineno

    @property
    def depth(self) -> int:
        """See `View`; the same for `frames`."""
        return depth_of(whole(self._frame))

    def frames(self) -> list[FrameView]:  # noqa: D102
        return [*python_stack(self._frame)]

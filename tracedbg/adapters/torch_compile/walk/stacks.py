"""The Python frames around a walk, as the user would have them: each function once.

Dynamo runs code of its own making in place of a function, and, after a graph break, calls the rest of it
as another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_compile.walk._compat import HIDDEN_VARIABLES, is_generated, is_resume, users_name
from tracedbg.adapters.torch_compile.walk.timeline import is_dynamos
from tracedbg.frames import PythonFrame
from tracedbg.source import is_ours

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

    from tracedbg.debugging import FrameView


class GeneratedFrame(PythonFrame):
    """A frame of code that Dynamo has made of a function, shown as the function."""

    def __init__(self, frame: FrameType) -> None:
        super().__init__(frame)
        self.function = users_name(frame.f_code)

    def variables(self) -> Mapping[str, Any]:
        """See `FrameView`."""
        return {
            name: value
            for name, value in super().variables().items()
            if not name.startswith(HIDDEN_VARIABLES)
        }


def calling_frame(frame: FrameType | None, name: str) -> FrameType | None:
    """The frame, from `frame` outwards, of the code that calls the global `name`."""
    while frame is not None and name not in frame.f_code.co_names:
        frame = frame.f_back
    return frame


def whole(frame: FrameType) -> FrameType:
    """The frame of the user's function of which `frame` is, after a graph break, the rest."""
    while is_resume(frame.f_code) and frame.f_back is not None and is_generated(frame.f_back.f_code):
        frame = frame.f_back
    return frame


def python_frames(frame: FrameType | None) -> list[FrameView]:
    """The frames around `frame`, which stands for what is traced, innermost first."""
    found: list[FrameView] = []
    at = None if frame is None else whole(frame).f_back
    while at is not None:
        file = at.f_code.co_filename
        if is_generated(at.f_code):
            found.append(GeneratedFrame(at))
            at = whole(at)
        elif not is_ours(file) and not is_dynamos(file):
            found.append(PythonFrame(at))
        at = at.f_back
    return found

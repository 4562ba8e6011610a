"""Real Python frames as the debugger shows them, and how deep a frame is.

It must not know frameworks or what a stop is.
"""

from __future__ import annotations

import ctypes
import os
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tracedbg.debugging import CannotAssignError
from tracedbg.source import code_name, is_ours, is_user_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

_FAST_LOCALS_ARE_LIVE = (3, 13)  # PEP 667: writing to `f_locals` writes to the variable
_CO_OPTIMIZED = 0x1


@lru_cache(maxsize=4096)
def real_path(file: str) -> str:
    """`file` as breakpoints name it; what is no file (`<stdin>`) stays as it is."""
    return file if file.startswith("<") else os.path.realpath(file)


def depth_of(frame: FrameType | None) -> int:
    """How many frames there are from the first of the thread to this one."""
    depth = 0
    while frame is not None:
        depth += 1
        frame = frame.f_back
    return depth


class PythonFrame:
    """A `FrameView` of a running Python frame."""

    is_traced = False

    def __init__(self, frame: FrameType, line: int | None = None) -> None:
        self.frame = frame
        self.function = code_name(frame.f_code)
        self.file = real_path(frame.f_code.co_filename)
        self.line = line or frame.f_lineno or frame.f_code.co_firstlineno
        self.is_user = is_user_file(frame.f_code.co_filename)

    def variables(self) -> Mapping[str, Any]:
        """See `FrameView`; the same for the methods below."""
        return dict(self.frame.f_locals)

    def names(self) -> Mapping[str, Any]:  # noqa: D102
        return self.frame.f_globals

    def assign(self, name: str, value: object) -> None:  # noqa: D102
        frame = self.frame
        known = frame.f_locals
        if name not in known:
            raise CannotAssignError(f"no variable named {name!r} in {self.function}")
        known[name] = value
        if sys.version_info < _FAST_LOCALS_ARE_LIVE and frame.f_code.co_flags & _CO_OPTIMIZED:
            ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), ctypes.c_int(0))


def python_stack(frame: FrameType | None) -> list[PythonFrame]:
    """The frames from `frame` outwards, innermost first, without those of tracedbg itself."""
    found: list[PythonFrame] = []
    while frame is not None:
        if not is_ours(frame.f_code.co_filename):
            found.append(PythonFrame(frame))
        frame = frame.f_back
    return found

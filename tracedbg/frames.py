"""Real Python frames as the debugger shows them, and how deep a frame is.

It must not know frameworks or what a stop is.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, overload

from tracedbg.debugging import CannotAssignError
from tracedbg.source import code_name, is_ours, is_user_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import CodeType, FrameType

    from tracedbg.debugging import FrameView, OpView

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


@dataclass(frozen=True)
class Generated:
    """What a framework has made of a function, and runs in its place."""

    function: str
    """The user's name of it."""
    goes_on_at: int = 0
    """The line in which it goes on with what other code has begun, where it is the rest of a function."""
    hidden: tuple[str, ...] = ()
    """How the variables begin that are not the user's."""


_readers: tuple[Callable[[CodeType], Generated | None], ...] = ()


def add_reader(reader: Callable[[CodeType], Generated | None]) -> Callable[[], None]:
    """How to know code that a framework has made; returns what forgets it again."""
    global _readers  # noqa: PLW0603  frames are looked at where nobody knows a debugger
    _readers = (*_readers, reader)

    def remove() -> None:
        global _readers  # noqa: PLW0603  likewise
        _readers = tuple(one for one in _readers if one is not reader)

    return remove


def generated(code: CodeType) -> Generated | None:
    """What is known of code that a framework has made; None for any other."""
    return next((found for reader in _readers if (found := reader(code)) is not None), None)


def whole(frame: FrameType) -> FrameType:
    """The frame of the whole function, where `frame` is of the rest of one: the two are one to the user."""
    while frame.f_back is not None and (made := generated(frame.f_code)) is not None and made.goes_on_at:
        around = generated(frame.f_back.f_code)
        if around is None or around.function != made.function:
            break
        frame = frame.f_back
    return frame


class PythonFrame:
    """A `FrameView` of a running Python frame."""

    is_traced = False

    def __init__(self, frame: FrameType, line: int | None = None) -> None:
        self.frame = frame
        made = generated(frame.f_code)
        self.function = code_name(frame.f_code) if made is None else made.function
        self._hidden = () if made is None else made.hidden
        self.file = real_path(frame.f_code.co_filename)
        self.line = line or frame.f_lineno or frame.f_code.co_firstlineno
        self.is_user = is_user_file(frame.f_code.co_filename)

    def variables(self) -> Mapping[str, Any]:
        """See `FrameView`; the same for the methods below."""
        found = self.frame.f_locals
        if self._hidden:
            return {name: value for name, value in found.items() if not name.startswith(self._hidden)}
        return dict(found)

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
        frame = whole(frame).f_back
    return found


class Stack(Sequence["FrameView"]):
    """Frames of which the outer ones are looked for only when somebody asks: a condition needs the first."""

    def __init__(self, inner: list[FrameView], outer: Callable[[], Sequence[FrameView]]) -> None:
        self._inner = inner
        self._outer: Callable[[], Sequence[FrameView]] | None = outer

    @overload
    def __getitem__(self, index: int) -> FrameView: ...

    @overload
    def __getitem__(self, index: slice) -> list[FrameView]: ...

    def __getitem__(self, index: int | slice) -> FrameView | list[FrameView]:
        is_inner = isinstance(index, int) and 0 <= index < len(self._inner)
        return self._inner[index] if is_inner else self._all()[index]

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> list[FrameView]:
        if self._outer is not None:
            self._inner, self._outer = [*self._inner, *self._outer()], None
        return self._inner


class PythonView:
    """A `View` of eager code: a Python line, and, for an op, the op that it runs."""

    walk = None
    iteration = None

    def __init__(
        self,
        frame: FrameType | None,
        *,
        op: OpView | None = None,
        outer: FrameView | None = None,
        is_backward: bool = False,
    ) -> None:
        """Look at a thread.

        Args:
            frame: the innermost one; libraries' frames in front of the first one of the user's are left out.
            op: the op that is run there.
            outer: a frame that is shown in front of the Python frames: of the forward, in a backward.
            is_backward: whether the line is that of a forward.
        """
        at = frame
        while at is not None and not is_user_file(at.f_code.co_filename):
            at = at.f_back
        self._frame = at or frame
        self._outer = outer
        self.op = op
        self.is_backward = is_backward

    @property
    def depth(self) -> int:
        """See `View`; the same for the members below."""
        return depth_of(self._frame) + (self._outer is not None)

    @property
    def file(self) -> str:  # noqa: D102
        if self._outer is not None:
            return self._outer.file
        return "" if self._frame is None else real_path(self._frame.f_code.co_filename)

    @property
    def line(self) -> int:  # noqa: D102
        if self._outer is not None:
            return self._outer.line
        return 0 if self._frame is None else self._frame.f_lineno or 0

    def frames(self) -> Sequence[FrameView]:  # noqa: D102
        frame, outer = self._frame, self._outer
        if outer is None:
            if frame is None or is_ours(frame.f_code.co_filename):
                return python_stack(frame)
            return Stack([PythonFrame(frame)], lambda: python_stack(whole(frame).f_back))
        return Stack([outer], lambda: python_stack(frame))


class LineFrame:
    """A `FrameView` of a line that is known, and not what was in its variables."""

    is_traced = True

    def __init__(self, file: str, line: int, function: str) -> None:
        self.file, self.line, self.function = real_path(file), line, function
        self.is_user = is_user_file(file)

    def variables(self) -> Mapping[str, Any]:
        """See `FrameView`; the same for the methods below."""
        return {}

    def names(self) -> Mapping[str, Any]:  # noqa: D102
        return {}

    def assign(self, name: str, value: object) -> None:  # noqa: ARG002, D102
        raise CannotAssignError(f"the variables of {self.function} are not there any more")

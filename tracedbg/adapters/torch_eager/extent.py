"""Calls of compiled functions, at whose end Dynamo puts this thread's dispatch keys back as they were.

A mode that is put in or taken out inside one would then be on the stack and never asked, or be gone while the
keys say that there is one, which torch takes for a bug. So modes are looked after at that end.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_eager._compat import EXTENT_FILE, EXTENT_FUNCTION

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType


def is_inside(frame: FrameType | None) -> bool:
    """Whether `frame`, or a caller of it, calls a compiled function."""
    while frame is not None:
        code = frame.f_code
        if code.co_name == EXTENT_FUNCTION and code.co_filename.endswith(EXTENT_FILE):
            return True
        frame = frame.f_back
    return False


def wrap_guard(original: Callable[..., Any], at_end: Callable[[FrameType], None]) -> type:
    """A guard that does as `original`, and then tells `at_end` in which frame it stood.

    Dynamo is to leave `own_code` of it alone.
    """

    class Guard:
        """See torch's own."""

        __slots__ = ("_guard",)

        def __init__(self, *keys: Any) -> None:
            self._guard = original(*keys)

        def __enter__(self) -> Any:
            return self._guard.__enter__()

        def __exit__(self, *error: object) -> Any:
            ended = self._guard.__exit__(*error)
            at_end(sys._getframe(1))
            return ended

    return Guard


def own_code(guard: type) -> tuple[CodeType, ...]:
    """All that runs as Python while Dynamo looks at frames."""
    return tuple(vars(guard)[name].__code__ for name in ("__init__", "__enter__", "__exit__"))

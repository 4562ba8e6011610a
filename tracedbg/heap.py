"""How much memory the C library has given out: what a profiler keeps of each call and op lies in it.

It must not know what is kept, nor by whom.
"""

from __future__ import annotations

import ctypes
import time
from functools import cache
from typing import Any

_SOONEST_S = 0.1
"""No profiler keeps a million calls in less: what has been allocated by then is the program's own."""


class _MallInfo(ctypes.Structure):
    """`struct mallinfo2` of glibc 2.33 and later."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        )
    )


@cache
def _mallinfo() -> Any:
    try:
        function = ctypes.CDLL(None).mallinfo2
    except (AttributeError, OSError, TypeError):
        return None
    function.restype = _MallInfo
    return function


def in_use_bytes() -> int | None:
    """What is in use of its arenas, blocks that are mapped for themselves aside; None where nobody knows."""
    info = _mallinfo()
    return None if info is None else int(info().uordblks)


class Growth:
    """How much more is in use than when this was made. Never over where nobody knows."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._began = time.monotonic()
        self._before = in_use_bytes()

    def is_over(self) -> bool:
        """Whether it is more than `most_bytes`."""
        if self._before is None or time.monotonic() - self._began < _SOONEST_S:
            return False
        return (in_use_bytes() or 0) - self._before > self._most_bytes

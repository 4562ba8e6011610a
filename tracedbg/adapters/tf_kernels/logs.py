"""Keeps what TensorFlow's profiler says of itself from stderr, which is the program's.

Its C++ code logs five lines for each session. While one is started or ended, nothing below a warning is
logged; where the library does not let us, the lines are there.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_kernels import _compat

if TYPE_CHECKING:
    from collections.abc import Iterator

_WARNING = 1
"""Of `absl::LogSeverityAtLeast`."""


@contextmanager
def quiet() -> Iterator[None]:
    """Run what would log: only warnings and errors come through, of any thread."""
    level = _levels()
    before = level[0]() if level else _WARNING
    if level is None or before >= _WARNING:
        yield
        return
    get, set_to = level
    set_to(_WARNING)
    try:
        yield
    finally:
        if get() == _WARNING:  # else somebody else has set it meanwhile
            set_to(before)


@cache
def _levels() -> tuple[Any, Any] | None:
    """What tells the level of the C++ logs, and what sets it; None where nobody can."""
    import tensorflow as tf

    file = os.path.join(tf.sysconfig.get_lib(), _compat.LIBRARY)
    try:
        library = ctypes.CDLL(file, mode=os.RTLD_NOLOAD)  # the one that runs, and no other
        get, set_to = (getattr(library, name) for name in _compat.LOG_LEVEL)
    except (OSError, AttributeError):
        return None
    get.restype = ctypes.c_int
    set_to.restype, set_to.argtypes = None, [ctypes.c_int]
    return get, set_to

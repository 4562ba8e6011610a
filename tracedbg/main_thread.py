"""Has a function called in the main thread, whatever that is doing.

A profiler has to be started in the thread that it is to see, and no hook of ours runs there in a program
that neither compiles nor computes gradients.
"""

from __future__ import annotations

import ctypes
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_asked: set[MainThread] = set()
"""Those whose turn has not come: the interpreter has a pointer to them, and it may be all that is left."""


class MainThread:
    """Has a function called between two instructions of Python, as a signal's handler is."""

    def __init__(self, function: Callable[[], None]) -> None:
        self._function = function
        self._pending = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(self._run)

    def ask(self) -> None:
        """Call it soon; not twice at a time."""
        if self not in _asked:
            _asked.add(self)
            if ctypes.pythonapi.Py_AddPendingCall(self._pending, None):
                _asked.discard(self)  # there is no room: next time

    def _run(self, _: object) -> int:
        _asked.discard(self)
        if threading.get_ident() == threading.main_thread().ident:
            self._function()
        return 0

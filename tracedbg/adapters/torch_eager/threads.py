"""Runs something in the main thread, from any other; and in each thread that begins from now on."""

from __future__ import annotations

import ctypes
import threading
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_eager._compat import THREAD_START

if TYPE_CHECKING:
    from collections.abc import Callable

_PENDING = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)


class MainThread:
    """Calls a function in the main thread, as soon as that runs Python code."""

    def __init__(self, function: Callable[[], None]) -> None:
        def pending(_: Any) -> int:
            function()
            return 0

        self._call = _PENDING(pending)  # kept: the interpreter has its address only

    def ask(self) -> None:
        """Ask for one call."""
        ctypes.pythonapi.Py_AddPendingCall(self._call, None)


def wrap_threads(original: Callable[..., Any], begin: Callable[[], None], end: Callable[[], None]) -> Any:
    """A `Thread._bootstrap_inner` that does something before and after a thread runs."""

    def _bootstrap_inner(thread: threading.Thread) -> Any:
        begin()
        try:
            return original(thread)
        finally:
            end()

    return _bootstrap_inner


def start_of_threads() -> tuple[Any, str]:
    """What `Hooks.patch` needs to know."""
    return threading.Thread, THREAD_START

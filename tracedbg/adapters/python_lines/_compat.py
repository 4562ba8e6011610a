"""What of CPython's own is private and used here: setting the trace function of another thread.

Known to hold for CPython 3.10 and 3.11; later ones have `sys.monitoring`, and this is not used.
`tests/adapters/python_lines/test_threads.py` fails when it moves.

- `_PyEval_SetTrace(tstate, function, object)`: `sys.settrace` for any thread.
- In `PyThreadState`: the word `c_traceobj`, and, two words before it, `c_tracefunc`. Found by looking which words
  `sys.settrace` has written.
"""

from __future__ import annotations

import ctypes
import gc
import operator
import sys
import threading
import time
from collections import deque
from itertools import accumulate, chain, compress, repeat, takewhile, tee
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_WORD = ctypes.sizeof(ctypes.c_void_p)
_WORDS = 32
_PATIENCE_S = 0.001
_TRIES = 200


class OtherThreads:
    """Sets and clears the trace function of all threads but the current one.

    A thread's state is freed when the thread ends, and that needs the GIL. So from finding a state to writing it
    no bytecode may run, at which Python could hand the GIL on: the steps are iterators written in C.
    """

    def __init__(self) -> None:
        """Find out where things are.

        Raises:
            RuntimeError: this Python is built otherwise.
        """
        here = ctypes.PyDLL(None)  # unlike `CDLL` it keeps the GIL
        self._interpreter = _function(here, "PyInterpreterState_Get")()
        self._head = _function(here, "PyInterpreterState_ThreadHead", ctypes.c_void_p)
        self._next = _function(here, "PyThreadState_Next", ctypes.c_void_p)
        self._current = _function(here, "PyThreadState_Get")
        self._compare = here.memcmp
        self._compare.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
        self._set = here._PyEval_SetTrace
        self._set.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
        self._object_at, self._function = self._probe()

    def set(self, function: Callable[..., Any]) -> None:
        """Make `function` the trace function of all threads that have none."""
        self._write(None, self._function, id(function))

    def clear(self, function: Callable[..., Any]) -> None:
        """Take it out of those that have it."""
        self._write(id(function), None, None)

    def set_again(self, function: Callable[..., Any], is_wanted: Callable[[], bool]) -> None:
        """Set it in this thread again, when the exception that is about to leave it has made Python clear it."""

        def set_when_cleared() -> None:
            for _ in range(_TRIES):
                time.sleep(_PATIENCE_S)
                if is_wanted():
                    self.set(function)

        thread = threading.Thread(target=set_when_cleared, name="tracedbg-settrace", daemon=True)
        vars(thread).update(pydev_do_not_trace=True, is_pydev_daemon_thread=True)
        thread.start()

    def _write(self, found: int | None, function: int | None, argument: int | None) -> None:
        expected = ctypes.c_void_p(found)
        current = self._current()
        was_enabled = gc.isenabled()
        gc.disable()  # a finalizer is bytecode as well
        try:
            states, looked_at, compared = tee(self._states(), 3)
            fields = map(operator.add, compared, repeat(self._object_at))
            fit = map(
                operator.not_, map(self._compare, fields, repeat(ctypes.addressof(expected)), repeat(_WORD))
            )
            others = map(operator.ne, looked_at, repeat(current))
            chosen = compress(states, map(operator.and_, fit, others))
            deque(map(self._set, chosen, repeat(function), repeat(argument)), maxlen=0)
        finally:
            if was_enabled:
                gc.enable()

    def _states(self) -> Iterator[int]:
        links = chain(map(self._head, (self._interpreter,)), repeat(None))
        return takewhile(bool, accumulate(links, self._next))

    def _probe(self) -> tuple[int, int]:
        """Offset of the word that is the trace function, and what `sys.settrace` sets as C's."""
        words = (ctypes.c_size_t * _WORDS).from_address(self._current())

        def probe(*_: object) -> None:
            return None

        present = sys.gettrace()
        before = list(words)
        sys.settrace(probe)
        during = list(words)
        sys.settrace(present)
        at = next((i for i, word in enumerate(during) if word == id(probe) != before[i]), 0)
        if at < 2 or not during[at - 2]:  # noqa: PLR2004  two words before
            raise RuntimeError("no trace function found in CPython's thread state")
        return at * _WORD, during[at - 2]


def _function(library: ctypes.PyDLL, name: str, *argtypes: Any) -> Any:
    found = library[name]
    found.restype, found.argtypes = ctypes.c_void_p, list(argtypes)
    return found

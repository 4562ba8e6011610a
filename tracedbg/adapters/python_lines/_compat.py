"""What of CPython's own is private and used here: setting the trace function of another thread.

Known to hold for CPython 3.10 and 3.11; later ones have `sys.monitoring`, and this is not used.
`tests/adapters/python_lines/test_threads.py` fails when it moves.

- `_PyEval_SetTrace(tstate, function, object)`: `sys.settrace` for any thread.
- In `PyThreadState`: the word `c_traceobj`, and, two words before it, `c_tracefunc`. Found by looking which
  words `sys.settrace` has written.
"""

from __future__ import annotations

import ctypes
import gc
import operator
import sys
import threading
import time
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

    A thread's state is freed when the thread ends, and that needs the GIL. So from finding a state to writing
    it no bytecode may run, at which Python could hand the GIL on: the steps are iterators written in C.
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
        self._setter: threading.Thread | None = None
        self._object_at, self._function = self._probe()

    def set(self, function: Callable[..., Any]) -> None:
        """Make `function` the trace function of all threads that have none."""
        self._write(operator.ne, self._current(), None, (self._function, id(function)))

    def clear(self, function: Callable[..., Any]) -> None:
        """Take it out of those that have it."""
        self._write(operator.ne, self._current(), id(function), (None, None))

    def set_again(self, function: Callable[..., Any], is_wanted: Callable[[], bool]) -> None:
        """Set it in this thread again, once Python has cleared it for an exception that it is to raise."""
        state = self._current()

        def set_when_cleared() -> None:
            for _ in range(_TRIES):
                time.sleep(_PATIENCE_S)
                if not is_wanted():
                    return
                if self._write(operator.eq, state, None, (self._function, id(function))):
                    return

        self._setter = threading.Thread(target=set_when_cleared, name="tracedbg-settrace", daemon=True)
        vars(self._setter).update(pydev_do_not_trace=True, is_pydev_daemon_thread=True)
        self._setter.start()

    def stop(self) -> None:
        """Wait for what `set_again` has begun; it is not wanted any more."""
        if self._setter is not None and self._setter is not threading.current_thread():
            self._setter.join(_TRIES * _PATIENCE_S)

    def _write(
        self,
        compare: Callable[[int, int], bool],
        state: int,
        found: int | None,
        tracer: tuple[int | None, int | None],
    ) -> int:
        """Set C's tracer where `compare` with `state` holds and its object is `found`; how often."""
        expected = ctypes.c_void_p(found)
        was_enabled = gc.isenabled()
        gc.disable()  # a finalizer is bytecode as well
        try:
            states, looked_at, compared = tee(self._states(), 3)
            fields = map(operator.add, compared, repeat(self._object_at))
            differences = map(self._compare, fields, repeat(ctypes.addressof(expected)), repeat(_WORD))
            fit = map(operator.not_, differences)
            meant = map(compare, looked_at, repeat(state))
            chosen = compress(states, map(operator.and_, meant, fit))
            return len([*map(self._set, chosen, *map(repeat, tracer))])
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

"""Numbers that stand for frames and values in messages; they are void when their thread goes on.

It must not know any request.
"""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tracedbg.dap.arguments import RequestError

if TYPE_CHECKING:
    from tracedbg.dap.halted import Halted

_FIRST = 1000


@dataclass(frozen=True)
class Reference:
    """What a number stands for."""

    halted: Halted
    target: Any


class References:
    """All numbers that are valid. Safe in any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(_FIRST)
        self._by_number: dict[int, Reference] = {}
        self._last = _FIRST

    def add(self, halted: Halted, target: object) -> int:
        """A new number for `target`, a value that must not outlive the stop of `halted`."""
        with self._lock:
            self._last = number = next(self._numbers)
            self._by_number[number] = Reference(halted, target)
        return number

    def find(self, number: int, kind: type, what: str) -> Reference:
        """What `number` stands for.

        Raises:
            RequestError: nothing, or something of another kind.
        """
        with self._lock:
            found = self._by_number.get(number)
        if found is not None and isinstance(found.target, kind):
            return found
        if found is None and _FIRST <= number <= self._last:
            raise RequestError(f"{what} {number} is gone: its thread has gone on")
        raise RequestError(f"there is no {what} {number}")

    def forget(self, halted: Halted) -> None:
        """The thread goes on."""
        with self._lock:
            gone = [number for number, one in self._by_number.items() if one.halted is halted]
            for number in gone:
                del self._by_number[number]

    def reset_after_fork(self) -> None:
        """In a forked child: another thread may have held the lock, and does not exist here."""
        self._lock = threading.Lock()
        self._by_number.clear()

"""Signals as bytes that a loop can wait for."""

from __future__ import annotations

import signal
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Signals:
    """While it is not ended, signals do nothing but write their number."""

    def __init__(self, numbers: Iterable[signal.Signals]) -> None:
        self.came, self._wake = socket.socketpair()
        """Where the numbers are read."""
        for one in (self.came, self._wake):
            one.setblocking(False)
        self._old = signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, lambda *_: None) for number in numbers}

    def end(self) -> None:
        """Have all as it was before; a fork does it for itself."""
        signal.set_wakeup_fd(self._old)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self.came.close()
        self._wake.close()

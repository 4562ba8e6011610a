"""Programs as the interface knows them: one that is supervised, and one that is somewhere else."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from tracedbg_tui.child import resize
from tracedbg_tui.contract import Ended
from tracedbg_tui.news import decode_end

if TYPE_CHECKING:
    import socket

    from tracedbg_tui.news import Wires

_NEWS_BYTES = 256


class Supervised:
    """A program that runs under a terminal of ours; see `contract.Program`."""

    def __init__(self, title: str, folder: str, wires: Wires) -> None:
        self.title = title
        self.folder = folder
        self.connection = wires.connection
        self.terminal: int | None = wires.screen.fileno()
        self._wires = wires  # they are closed when nobody holds them
        self._ended: Ended | None = None
        wires.screen.setblocking(False)
        wires.news.setblocking(False)

    @property
    def pid(self) -> int | None:
        """See `contract.Program`; the same for what is below."""
        return self._wires.pid

    @property
    def ended(self) -> Ended | None:  # noqa: D102
        if self._ended is None:
            with suppress(OSError):  # there is nothing new
                if data := self._wires.news.recv(_NEWS_BYTES):
                    self._ended = Ended(*decode_end(data))
        return self._ended

    def resize(self, rows: int, columns: int) -> None:  # noqa: D102
        resize(self._wires.terminal, rows, columns)

    def signal(self, number: int) -> None:  # noqa: D102
        with suppress(OSError):
            self._wires.news.send(bytes([number]))


class Remote:
    """A program that runs in a terminal of its own, perhaps on another machine; see `contract.Program`."""

    pid: int | None = None
    terminal: int | None = None
    ended: Ended | None = None
    """How it ends is known to its own terminal only."""

    def __init__(self, title: str, folder: str, connection: socket.socket) -> None:
        self.title = title
        self.folder = folder
        self.connection: socket.socket | None = connection

    def resize(self, rows: int, columns: int) -> None:
        """See `contract.Program`; the same for the method below."""

    def signal(self, number: int) -> None:  # noqa: D102
        pass

"""One client's end of the wire. Sending never blocks: a client that does not read holds nobody up.

It must not know any request.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from tracedbg.dap.wire import Decoder, encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracedbg.dap.wire import Malformed, Message

_READ_BYTES = 1 << 16
_MAX_OUTPUT_BYTES = 1 << 20
"""Lines of output that may wait; those after it are counted, and said."""
_MAX_WAITING_BYTES = 64 << 20
"""A client that has not read so much is gone."""


class Channel:
    """A connected socket, and what waits to be sent. Safe in any thread, but for `read` and `close`."""

    def __init__(self, connection: socket.socket, wake: Callable[[], None]) -> None:
        """Take over a connection.

        Args:
            connection: of any family.
            wake: called when there is something to send that could not be sent at once.
        """
        connection.setblocking(False)
        connection.set_inheritable(False)
        if connection.family in (socket.AF_INET, socket.AF_INET6):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection = connection
        self.is_open = True
        self.is_finishing = False
        """Whether nothing more is read, and it is closed when all has been sent."""
        self._wake = wake
        self._decoder = Decoder()
        self._lock = threading.Lock()
        self._waiting = bytearray()
        self._seq = 0
        self._left_out = 0

    @property
    def has_waiting(self) -> bool:
        """Whether something waits to be sent."""
        return bool(self._waiting)

    def send(self, message: Message) -> None:
        """Send a message, now or when the client reads again; nothing happens if it is gone."""
        with self._lock:
            self._queue(message)
            self._flush()
        if self._waiting or not self.is_open:
            self._wake()

    def send_output(self, message: Message) -> None:
        """The same for a line that may be left out where there are too many."""
        with self._lock:
            if len(self._waiting) > _MAX_OUTPUT_BYTES:
                self._left_out += 1
                return
        self.send(message)

    def flush(self) -> None:
        """Send what waits, as far as that does not block."""
        with self._lock:
            self._flush()
            if self._left_out and not self._waiting:
                left_out, self._left_out = self._left_out, 0
                self._queue(output(f"({left_out} lines are left out: they came too fast)\n", "important"))
                self._flush()

    def read(self) -> list[Message | Malformed] | None:
        """What has come; None if the client is gone.

        Raises:
            FramingError: what has come makes no sense.
        """
        try:
            data = self.connection.recv(_READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return []
        except OSError:
            return None
        return self._decoder.feed(data) if data else None

    def finish(self) -> None:
        """Close it when what waits has been sent."""
        self.is_finishing = True
        self._wake()

    def close(self) -> None:
        """Say goodbye to the client."""
        with self._lock:
            self.is_open = False
            self._waiting.clear()
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()

    def abandon(self) -> None:
        """In a forked child: the connection is the parent's, and stays open there."""
        self._lock = threading.Lock()  # another thread may have held it, and does not exist here
        self.is_open = False
        self._waiting.clear()
        self.connection.close()

    def _queue(self, message: Message) -> None:
        if self.is_open:
            self._seq += 1
            self._waiting += encode({"seq": self._seq, **message})

    def _flush(self) -> None:
        try:
            while self._waiting and self.is_open:
                del self._waiting[: self.connection.send(self._waiting)]
        except (BlockingIOError, InterruptedError):
            self.is_open = len(self._waiting) <= _MAX_WAITING_BYTES
        except OSError:
            self.is_open = False


def output(text: str, category: str = "console") -> Message:
    """An `output` event."""
    return {"type": "event", "event": "output", "body": {"category": category, "output": text}}

"""The connection from the adapter to the server in the program.

It must not know any request.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from tracedbg.dap.wire import Decoder, FramingError, Malformed, encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracedbg.dap.wire import Message

_READ_BYTES = 1 << 16


class Link:
    """Passes messages. Sending is safe in any thread."""

    def __init__(
        self,
        connection: socket.socket,
        take: Callable[[Message], None],
        end: Callable[[], None],
    ) -> None:
        """Take over a connection.

        Args:
            connection: to the server.
            take: called with each message, in the thread that reads.
            end: called when there are no more, in the same thread.
        """
        self._connection = connection
        self._take = take
        self._end = end
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def send(self, message: Message) -> bool:
        """Send a message; False if the server is gone."""
        with self._lock:
            try:
                self._connection.sendall(encode(message))
            except OSError:
                return False
        return True

    def join(self, timeout_s: float) -> None:
        """Return when the server has gone and all that it has sent is passed on, or after that time."""
        self._thread.join(timeout_s)

    def close(self) -> None:
        """Go away."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        if self._thread is not threading.current_thread():
            self._thread.join()
        self._connection.close()

    def _read(self) -> None:
        decoder = Decoder()
        with suppress(OSError, FramingError):
            while data := self._connection.recv(_READ_BYTES):
                for message in decoder.feed(data):
                    if not isinstance(message, Malformed):
                        self._take(message)
        self._end()

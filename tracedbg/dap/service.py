"""The one thread that listens and reads for all clients of a process.

It must not know any request: `Handler` is told what comes.
"""

from __future__ import annotations

import selectors
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from tracedbg.dap.channel import Channel
from tracedbg.dap.wire import FramingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracedbg.dap.wire import Malformed, Message

_THREAD_NAME = "tracedbg-dap"
_PATIENCE_S = 2.0


class Handler(Protocol):
    """What is told of clients; always in the service's thread."""

    def came(self, channel: Channel, *, is_trusted: bool) -> None:
        """A client has connected; trusted where nobody but the user could have."""

    def said(self, channel: Channel, message: Message | Malformed) -> None:
        """A client has sent a message."""

    def left(self, channel: Channel, why: str) -> None:
        """A client is gone; `why` is empty if it went by itself."""


class Service:
    """Listens, reads, and sends what could not be sent at once."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._selector = selectors.DefaultSelector()
        self._near, self._far = socket.socketpair()
        for end in (self._near, self._far):
            end.setblocking(False)
        self._selector.register(self._far, selectors.EVENT_READ)
        self._lock = threading.Lock()
        self._new: list[tuple[socket.socket, bool]] = []
        self._admits: dict[socket.socket, Callable[[socket.socket], bool | None]] = {}
        self._channels: dict[socket.socket, Channel] = {}
        self._is_ending = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread = thread = threading.Thread(target=self._run, name=_THREAD_NAME, daemon=True)
        mark(thread)
        thread.start()

    def listen(self, listener: socket.socket, admit: Callable[[socket.socket], bool | None]) -> None:
        """Accept clients on a listening socket; before `start`.

        Args:
            listener: is closed by us.
            admit: whether a client is trusted; None to turn it away.
        """
        listener.setblocking(False)
        self._admits[listener] = admit
        self._selector.register(listener, selectors.EVENT_READ)

    def add(self, connection: socket.socket, *, is_trusted: bool) -> None:
        """Talk to a client that is connected."""
        with self._lock:
            self._new.append((connection, is_trusted))
        self.wake()

    def wake(self) -> None:
        """Look again what there is to do. Safe in any thread."""
        with suppress(OSError):
            self._near.send(b"\0")

    def stop(self) -> None:
        """Send what waits, close everything, and end the thread."""
        self._is_ending = True
        if self._thread is None:
            self._close()
            return
        self.wake()
        if self._thread is not threading.current_thread():
            self._thread.join(_PATIENCE_S)

    def abandon(self) -> None:
        """In a forked child, where the thread does not exist: close our copies of the parent's sockets."""
        self._is_ending = True
        for channel in self._channels.values():
            channel.abandon()
        for one in (*self._admits, *(connection for connection, _ in self._new), self._near, self._far):
            one.close()
        self._selector.close()

    def _run(self) -> None:
        try:
            while not self._is_ending:
                for key, events in self._selector.select():
                    self._serve(key.fileobj, events)
                self._take_new()
                self._tend()
        finally:
            self._close()

    def _serve(self, one: object, events: int) -> None:
        if one is self._far:
            with suppress(OSError):
                self._far.recv(4096)
        elif isinstance(one, socket.socket) and one in self._admits:
            self._accept(one)
        elif isinstance(one, socket.socket) and (channel := self._channels.get(one)) is not None:
            if events & selectors.EVENT_WRITE:
                channel.flush()
            if events & selectors.EVENT_READ:
                self._read(channel)

    def _accept(self, listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        is_trusted = self._admits[listener](connection)
        if is_trusted is None:
            connection.close()
        else:
            self._open(connection, is_trusted=is_trusted)

    def _take_new(self) -> None:
        with self._lock:
            new, self._new = self._new, []
        for connection, is_trusted in new:
            self._open(connection, is_trusted=is_trusted)

    def _open(self, connection: socket.socket, *, is_trusted: bool) -> None:
        self._channels[connection] = channel = Channel(connection, self.wake)
        self._selector.register(connection, selectors.EVENT_READ)
        self._handler.came(channel, is_trusted=is_trusted)

    def _read(self, channel: Channel) -> None:
        try:
            messages = channel.read()
        except FramingError as error:
            self._drop(channel, str(error))
            return
        if messages is None:
            self._drop(channel, "")
            return
        for message in messages:
            if channel.is_open and not channel.is_finishing:
                self._handler.said(channel, message)

    def _tend(self) -> None:
        """Close the channels that are done, and wait until the others can be written to."""
        for channel in tuple(self._channels.values()):
            if not channel.is_open or (channel.is_finishing and not channel.has_waiting):
                self._drop(channel, "")
                continue
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if channel.has_waiting else 0)
            if self._selector.get_key(channel.connection).events != wanted:
                self._selector.modify(channel.connection, wanted)

    def _drop(self, channel: Channel, why: str) -> None:
        if self._channels.pop(channel.connection, None) is None:
            return
        self._selector.unregister(channel.connection)
        self._handler.left(channel, why)
        channel.flush()
        channel.close()

    def _close(self) -> None:
        for channel in tuple(self._channels.values()):
            self._drop(channel, "")
        for listener in self._admits:
            listener.close()
        self._near.close()
        self._far.close()
        self._selector.close()


def mark(thread: threading.Thread) -> None:
    """Tell debugpy to leave a thread of ours alone: it would stop it together with the program's."""
    marks = {"pydev_do_not_trace": True, "is_pydev_daemon_thread": True}
    vars(thread).update(marks)

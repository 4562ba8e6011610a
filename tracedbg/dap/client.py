"""A client for the server: for the user interface and for tests.

Requests wait for their answer for a bounded time, as a program that sits in C code cannot answer; events go
to a callback in the thread that reads. It must not import the engine.
"""

from __future__ import annotations

import itertools
import queue
import socket
import threading
import time
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tracedbg.dap.protocol import refusal
from tracedbg.dap.security import split_address
from tracedbg.dap.service import mark
from tracedbg.dap.wire import Decoder, FramingError, Malformed, encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracedbg.dap.wire import Message

TIMEOUT_S = 10.0
_READ_BYTES = 1 << 16


class ClientError(Exception):
    """A request was not done; the text says why."""


class NotRespondingError(ClientError):
    """No answer in time: the program may be in C code that does not let Python run."""


class ClosedError(ClientError):
    """The other end is gone."""


class Answer(Future[dict[str, Any]]):
    """The body of the answer to a request, or a `ClientError`."""

    def __init__(self, seq: int) -> None:
        super().__init__()
        self.seq = seq
        """Of the request: what `cancel` asks for as `requestId`."""


class Client:
    """One connection to a server. Safe in any thread."""

    def __init__(
        self,
        connection: socket.socket,
        on_event: Callable[[str, dict[str, Any]], None] | None = None,
        on_close: Callable[[], None] | None = None,
    ) -> None:
        """Take over a connection.

        Args:
            connection: to a server.
            on_event: called with the name and body of each event, in the thread that reads.
            on_close: called when the connection has ended, in the same thread.
        """
        self._connection = connection
        self._on_event = on_event
        self._on_close = on_close
        self.on_request: Callable[[Message], dict[str, Any]] | None = None
        """Answers what the other end asks: `runInTerminal`. Called in the thread that reads."""
        self._seq = itertools.count(1)
        self._lock = threading.Lock()
        self._waiting: dict[int, tuple[Future[dict[str, Any]], float]] = {}
        self._is_open = True
        self._thread = threading.Thread(target=self._read, name="tracedbg-dap-client", daemon=True)
        mark(self._thread)
        self._thread.start()

    @classmethod
    def connect(cls, address: str, on_event: Callable[[str, dict[str, Any]], None] | None = None) -> Client:
        """Connect to the path of a Unix socket, or to `HOST:PORT`.

        Raises:
            OSError: nobody listens there.
        """
        if "/" in address:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                connection.connect(address)
            except OSError:
                connection.close()
                raise
        else:
            connection = socket.create_connection(split_address(address), TIMEOUT_S)
            connection.settimeout(None)
        return cls(connection, on_event)

    @property
    def is_open(self) -> bool:
        """Whether the other end is there."""
        return self._is_open

    def silent_s(self) -> float:
        """For how long the oldest request has waited for its answer: 0.0 if none waits."""
        with self._lock:
            begun = [since for _, since in self._waiting.values()]
        return time.monotonic() - min(begun) if begun else 0.0

    def send(self, command: str, **arguments: Any) -> Answer:
        """Send a request; the future holds the body of its answer, or a `ClientError`."""
        seq = next(self._seq)
        future = Answer(seq)
        future.set_running_or_notify_cancel()
        data = encode({"seq": seq, "type": "request", "command": command, "arguments": arguments})
        with self._lock:
            if not self._is_open:
                future.set_exception(ClosedError("the connection is closed"))
                return future
            self._waiting[seq] = future, time.monotonic()
            with suppress(OSError):  # the thread that reads finds out
                self._connection.sendall(data)
        return future

    def request(self, command: str, *, timeout_s: float = TIMEOUT_S, **arguments: Any) -> dict[str, Any]:
        """Send a request and wait for its answer.

        Raises:
            ClientError: it was not done.
            NotRespondingError: there was no answer in time.
            ClosedError: the connection has ended.
        """
        try:
            return self.send(command, **arguments).result(timeout_s)
        except FutureTimeoutError:
            raise NotRespondingError(f"no answer to {command!r} in {timeout_s:g} s") from None

    def close(self) -> None:
        """Go away; the program goes on."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self) -> None:
        decoder = Decoder()
        with suppress(OSError, FramingError):
            while data := self._connection.recv(_READ_BYTES):
                for message in decoder.feed(data):
                    if not isinstance(message, Malformed):
                        self._take(message)
        with self._lock:
            self._is_open = False
            waiting, self._waiting = self._waiting, {}
            self._connection.close()
        for future, _ in waiting.values():
            future.set_exception(ClosedError("the connection is closed"))
        if self._on_close is not None:
            self._on_close()

    def _take(self, message: Message) -> None:
        if message.get("type") == "event" and self._on_event is not None:
            self._on_event(str(message.get("event")), message.get("body") or {})
        elif message.get("type") == "request":
            self._answer(message)
        elif message.get("type") == "response":
            with self._lock:
                future, _ = self._waiting.pop(message.get("request_seq", 0), (None, 0.0))
            if future is None:
                return
            if message.get("success"):
                future.set_result(message.get("body") or {})
            else:
                future.set_exception(ClientError(str(message.get("message") or "failed")))

    def _answer(self, message: Message) -> None:
        try:
            if self.on_request is None:
                raise ClientError(f"unknown request {message.get('command')!r}")  # noqa: TRY301
            body = self.on_request(message)
        except Exception as error:  # noqa: BLE001  the other end is told
            answer = refusal(message, str(error))
        else:
            answer = {**refusal(message, ""), "success": True, "body": body}
        with self._lock, suppress(OSError):
            self._connection.sendall(encode({"seq": next(self._seq), **answer}))


class Events:
    """A callback for `Client` that keeps events until somebody waits for them."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[tuple[str, dict[str, Any]]] = queue.SimpleQueue()
        self.seen: list[tuple[str, dict[str, Any]]] = []
        """All that were waited for, and those that came before them."""

    def __call__(self, name: str, body: dict[str, Any]) -> None:
        """See `Client`."""
        self._queue.put((name, body))

    def wait(self, name: str, timeout_s: float = TIMEOUT_S) -> dict[str, Any]:
        """The body of the next event of that name.

        Raises:
            NotRespondingError: none came in time.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                found = self._queue.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise NotRespondingError(f"no event {name!r} in {timeout_s:g} s") from None
            self.seen.append(found)
            if found[0] == name:
                return found[1]

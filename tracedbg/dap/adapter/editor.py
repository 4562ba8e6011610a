"""The editor at the other end of the standard streams.

It must not know any request.
"""

from __future__ import annotations

import os
import queue
import threading
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tracedbg.dap.channel import output
from tracedbg.dap.protocol import event, refusal
from tracedbg.dap.wire import Decoder, FramingError, Malformed, encode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracedbg.dap.protocol import Body, Request
    from tracedbg.dap.wire import Message

_READ_BYTES = 1 << 16


class Editor:
    """Reads requests from one descriptor and writes to another. Writing is safe in any thread."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._lock = threading.Lock()
        self._seq = 0
        self._asked: dict[int, Future[Body]] = {}
        self._is_gone = False
        self._requests: queue.SimpleQueue[Message | None] = queue.SimpleQueue()

    def messages(self) -> Iterator[Message]:
        """All requests until the editor is gone; it is told of those that make no sense."""
        # Read in a thread of its own: an answer may come while the request before it is being done.
        threading.Thread(target=self._read, daemon=True).start()
        while (message := self._requests.get()) is not None:
            yield message

    def send(self, message: Message) -> None:
        """Send a message; nothing happens if the editor is gone."""
        with self._lock:
            self._write(message)

    def ask(self, command: str, arguments: Body) -> Future[Body]:
        """Ask the editor for something; the future holds the body of its answer, or a `RuntimeError`."""
        future: Future[Body] = Future()
        with self._lock:
            seq = self._write({"type": "request", "command": command, "arguments": arguments})
            self._asked[seq] = future
        return future

    def answer(self, request: Request, body: Body | None = None) -> None:
        """A request has been done."""
        self.send(request.answer(body))

    def refuse(self, message: Message, why: str) -> None:
        """A request has not been done."""
        self.send(refusal(message, why))

    def tell(self, name: str, body: Body | None = None) -> None:
        """Send an event."""
        self.send(event(name, body))

    def say(self, text: str, category: str = "console") -> None:
        """Show some text."""
        self.send(output(text, category))

    def _write(self, message: Message) -> int:
        self._seq += 1
        data = encode({**message, "seq": self._seq})
        try:
            while data and not self._is_gone:
                data = data[os.write(self._outgoing, data) :]
        except OSError:
            self._is_gone = True
        return self._seq

    def _read(self) -> None:
        decoder = Decoder()
        try:
            while data := os.read(self._incoming, _READ_BYTES):
                for message in decoder.feed(data):
                    if isinstance(message, Malformed):
                        self.say(f"{message.why}\n", "important")
                    elif message.get("type") == "response":
                        self._take(message)
                    else:
                        self._requests.put(message)
        except FramingError as error:
            self.say(f"the connection is closed: {error}\n", "important")
        except OSError:
            pass
        self._requests.put(None)

    def _take(self, message: dict[str, Any]) -> None:
        with self._lock:
            future = self._asked.pop(message.get("request_seq", 0), None)
        if future is None:
            return
        with suppress(Exception):  # somebody has given it up
            if message.get("success"):
                future.set_result(message.get("body") or {})
            else:
                future.set_exception(RuntimeError(str(message.get("message") or "refused")))

"""The base protocol of the Debug Adapter Protocol: messages as JSON behind a `Content-Length` header.

Source: the specification's "Base protocol". It must not know any request.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

Message = dict[str, Any]

MAX_HEADER_BYTES = 4096
MAX_BODY_BYTES = 16 * 1024 * 1024
_END_OF_HEADER = b"\r\n\r\n"
_LENGTH = b"content-length"


class FramingError(Exception):
    """The stream cannot be followed any further: where the next message begins is unknown."""


@dataclass(frozen=True)
class Malformed:
    """A message that could be told from its neighbours, and not be read."""

    why: str


def encode(message: Message) -> bytes:
    """A message with its header. A NaN or an infinity, which JSON has not, is sent as a string."""
    try:
        text = json.dumps(message, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except ValueError:
        text = json.dumps(_without_nan(message), separators=(",", ":"), ensure_ascii=False)
    body = text.encode("utf-8", "replace")  # a lone surrogate is no text to any other program
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


def _without_nan(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _without_nan(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(one) for one in value]
    return value


class Decoder:
    """Takes a stream apart, in whatever pieces it comes."""

    def __init__(self, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        self._max_body_bytes = max_body_bytes
        self._buffer = bytearray()
        self._length: int | None = None

    def feed(self, data: bytes) -> list[Message | Malformed]:
        """The messages that `data` completes.

        Raises:
            FramingError: a header is none. What was complete before it is lost with the connection.
        """
        self._buffer += data
        found: list[Message | Malformed] = []
        at = 0
        while True:
            if self._length is None:
                end = self._buffer.find(_END_OF_HEADER, at)
                if end < 0:
                    if len(self._buffer) - at > MAX_HEADER_BYTES:
                        raise FramingError(f"no header in {MAX_HEADER_BYTES} bytes")
                    break
                self._length = self._length_of(bytes(self._buffer[at:end]))
                at = end + len(_END_OF_HEADER)
            if len(self._buffer) - at < self._length:
                break
            found.append(_read(bytes(self._buffer[at : at + self._length])))
            at += self._length
            self._length = None
        del self._buffer[:at]
        return found

    def _length_of(self, header: bytes) -> int:
        if len(header) > MAX_HEADER_BYTES:
            raise FramingError(f"no header in {MAX_HEADER_BYTES} bytes")
        length = None
        for line in header.split(b"\r\n"):
            name, separator, value = line.partition(b":")
            if not separator or b" " in name:  # a web page can have a browser send HTTP to a port
                raise FramingError(f"a header that is none: {header[:80]!r}")
            if name.lower() == _LENGTH:
                length = self._checked(value)
        if length is None:
            raise FramingError(f"a header without Content-Length: {header[:80]!r}")
        return length

    def _checked(self, value: bytes) -> int:
        digits = value.strip()
        if not digits.isdigit() or len(digits) > len(str(self._max_body_bytes)):
            raise FramingError(f"Content-Length {digits[:40]!r} is no number of bytes")
        if int(digits) > self._max_body_bytes:
            raise FramingError(f"a message of {int(digits)} bytes; at most {self._max_body_bytes} are read")
        return int(digits)


def _read(body: bytes) -> Message | Malformed:
    try:
        message = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        return Malformed(f"a message that is no JSON: {type(error).__name__}: {error}")
    if not isinstance(message, dict):
        return Malformed(f"a message that is no JSON object but a {type(message).__name__}")
    return message

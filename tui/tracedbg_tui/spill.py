"""Output that waits for somebody to read it: bounded, so that nobody waits for the reader.

It must not load Textual: see `supervise`.
"""

from __future__ import annotations

from collections import deque

MAX_BYTES = 8 << 20
_AT_ONCE = 1 << 16


class Spill:
    """Bytes in order. When there are too many, lines in the middle are left out, and counted."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._is_cut = False

    def __bool__(self) -> bool:
        return self._size > 0

    def add(self, data: bytes) -> None:
        """Put `data` behind the rest."""
        self._chunks.append(data)
        self._size += len(data)
        if self._size > self._max_bytes:
            self._leave_out()

    def peek(self) -> bytes:
        """The oldest bytes, not too many at once; empty if there are none."""
        if not self._chunks:
            return b""
        if len(self._chunks[0]) < _AT_ONCE and len(self._chunks) > 1:
            parts, size = [], 0
            while self._chunks and size < _AT_ONCE:
                parts.append(self._chunks.popleft())
                size += len(parts[-1])
            self._chunks.appendleft(b"".join(parts))
        return self._chunks[0]

    def drop(self, count: int) -> None:
        """Take the oldest `count` bytes away; `peek` has shown them."""
        rest = self._chunks.popleft()[count:]
        if rest:
            self._chunks.appendleft(rest)
        self._size -= count

    def _leave_out(self) -> None:
        """Keep the younger half, from the beginning of a line."""
        lines = 0
        while len(self._chunks) > 1 and self._size > self._max_bytes // 2:
            gone = self._chunks.popleft()
            self._size -= len(gone)
            lines += gone.count(b"\n")
        head, newline, rest = self._chunks.popleft().partition(b"\n")
        note = b"\r\n\x1b[0m\x1b[2m[%d lines left out: they came too fast]\x1b[0m\r\n"
        kept = note % (lines + 1) + (rest if newline else head)
        self._chunks.appendleft(kept)
        self._size = sum(map(len, self._chunks))

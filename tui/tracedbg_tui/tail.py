"""The last lines of what a program has written: its console is gone when the interface is."""

from __future__ import annotations

import re

from tracedbg_tui.escapes import ESCAPE

_BYTES = 1 << 13
_LINES = 20
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Tail:
    """Keeps the end of a stream of bytes."""

    def __init__(self) -> None:
        self._kept = b""
        self._is_cut = False

    def add(self, data: bytes) -> None:
        """The stream goes on with `data`."""
        whole = data if len(data) >= _BYTES else self._kept + data
        self._is_cut |= len(whole) > _BYTES or len(data) >= _BYTES
        self._kept = whole[-_BYTES:]

    def lines(self) -> list[str]:
        """The last lines as they were to be read: without colours, and without what was written over."""
        text = ESCAPE.sub(b"", self._kept).decode("utf-8", "replace").replace("\r\n", "\n")
        lines = [_CONTROL.sub("", line.rpartition("\r")[2]).rstrip() for line in text.split("\n")]
        if self._is_cut:
            lines = lines[1:]  # of the first one only the end is left
        while lines and not lines[-1]:
            lines.pop()
        return lines[-_LINES:]

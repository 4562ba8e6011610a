"""What a thread runs in the place of Python: the line of an op that is no eager op of the program's.

It must not know who runs it, nor who asks.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracedbg.events import Frame


class _Running(threading.local):
    line: Frame | None = None


_HERE = _Running()


def line() -> Frame | None:
    """The line of which this thread runs an op just now; None where Python itself runs it."""
    return _HERE.line


@contextmanager
def at(frame: Frame | None) -> Iterator[None]:
    """Inside, this thread runs an op of that line."""
    before, _HERE.line = _HERE.line, frame
    try:
        yield
    finally:
        _HERE.line = before

"""What a command is at, on a terminal, while it takes more than a second. It must not know what that is."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from tracedbg.ticker import Ticker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_INTERVAL_S = 1.0
_CLEAR = "\r\x1b[K"


@contextmanager
def working(
    words: str | Callable[[], str], stream: TextIO | None = None, interval_s: float = _INTERVAL_S
) -> Iterator[None]:
    """Say `words` and the seconds on stderr, where that is a terminal, until the block ends.

    Args:
        words: what is being done, or what tells it.
        stream: where to, instead of stderr.
        interval_s: how often the seconds are told.
    """
    shown = stream or sys.stderr
    if shown is None or not shown.isatty() or os.environ.get("TERM") == "dumb":
        yield
        return
    started_s = time.monotonic()

    def tell() -> bool:
        said = words if isinstance(words, str) else words()
        shown.write(f"{_CLEAR}tracedbg: {said}, {time.monotonic() - started_s:.0f} s")
        shown.flush()
        return True

    ticker = Ticker(tell, interval_s)
    ticker.start()
    try:
        yield
    finally:
        ticker.stop()
        shown.write(_CLEAR)
        shown.flush()

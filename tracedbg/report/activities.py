"""What a thread is doing, in words. It must not know how that was found out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.activities import Activity

if TYPE_CHECKING:
    from tracedbg.activities import Doing

_WORDS = {
    Activity.PYTHON: "running Python",
    Activity.EAGER_OPS: "running eager ops",
    Activity.BACKWARD: "backward",
    Activity.TRACING: "tracing",
    Activity.COMPILING: "compiling",
    Activity.COMPILED: "running compiled code",
    Activity.DATA_LOADING: "loading data",
    Activity.WAITING: "waiting",
    Activity.IMPORTS: "importing",
    Activity.STARTUP: "starting",
    Activity.OVERHEAD: "tracedbg's own work",
    Activity.UNKNOWN: "unknown",
}


def words(doing: Doing) -> str:
    """`compiling (Inductor)`, `waiting`."""
    return f"{_WORDS[doing.activity]} ({doing.phase})" if doing.phase else _WORDS[doing.activity]

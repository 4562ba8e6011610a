"""A retrace with its causes, as the Python interface gives it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracedbg.events import Cause
    from tracedbg.store.records import TraceRecord


@dataclass(frozen=True)
class Retrace:
    """A trace that a call caused although the function had been traced before."""

    trace: TraceRecord
    causes: tuple[Cause, ...]
    """Why; never empty."""

    @property
    def function(self) -> str:
        """The function's qualified name; for the rest of one after a graph break, that function's."""
        traceable = self.trace.started.traceable
        return traceable.owner or traceable.name

    @property
    def settled(self) -> bool:
        """Whether it came to its end by itself: no other value of what has changed causes another one."""
        return all(cause.settled for cause in self.causes)

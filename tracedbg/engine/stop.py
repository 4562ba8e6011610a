"""A thread that stands still, as it is shown to whoever answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracedbg.debugging import View


@dataclass(frozen=True)
class Stop:
    """A thread that stands still."""

    thread_id: int
    reason: str
    """In the Debug Adapter Protocol's words: `breakpoint`, `function breakpoint`, `instruction breakpoint`,
    `exception`, `step`, `pause`, `entry`."""
    view: View
    text: str = ""
    """For a person: what was found."""
    breakpoint_ids: tuple[int, ...] = ()
    filter: str = ""
    """The filter that stopped it, where the reason is `exception`."""

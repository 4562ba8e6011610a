"""Where the wall time of a process went: a ledger that adds up. Data only, ready to be shown.

It must not know how it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TimePart:
    """A part of what an activity took."""

    name: str
    """A phase: of `events.PHASES` where it was recorded, else as the sampler saw it (`optimizer`)."""
    seconds: float


@dataclass(frozen=True)
class TimeShare:
    """What one activity took."""

    activity: str
    """A value of `activities.Activity`."""
    seconds: float
    parts: tuple[TimePart, ...] = ()
    """What is known of it more closely, the costliest first; they need not add up to it."""


@dataclass(frozen=True)
class TimeLine:
    """What one line of the user's took, with all that it called."""

    file: str
    line: int
    function: str
    seconds: float
    shares: tuple[TimeShare, ...]
    """They add up to `seconds`; the costliest first."""


@dataclass(frozen=True)
class Ledger:
    """The wall time of one process, by what its main thread did."""

    pid: int
    rank: int | None
    is_main: bool
    """Whether it is the process that the user started, or the first rank of several."""
    seconds: float
    """From its start to its end, as far as it is known."""
    shares: tuple[TimeShare, ...]
    """They add up to `seconds`; the costliest first, what is unknown last."""
    lines: tuple[TimeLine, ...]
    """The costliest first; what no line is known of is in `shares` alone."""
    rate_hz: int
    samples: int
    sampler_seconds: float
    """CPU time of the sampler, in a thread of its own: no part of `seconds`."""
    threads: int = 0
    """Other threads that were seen."""
    threads_seconds: float = 0.0
    """Their CPU time, without that of threads of ours."""

    @property
    def unknown_share(self) -> float:
        """The share of the time of which nothing is known."""
        unknown = sum(share.seconds for share in self.shares if share.activity == "unknown")
        return unknown / self.seconds if self.seconds else 0.0

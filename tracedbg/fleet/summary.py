"""What the recordings of many ranks come to. Data only, ready to be shown.

It must not know how it is shown, nor who has added it up.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Ranks = tuple[int | None, ...]
"""Numbers of ranks, in their order; None: processes of no rank."""


@dataclass(frozen=True)
class Spread:
    """One number for each rank."""

    total: float
    p50: float
    p95: float
    most: float
    counts: tuple[int, ...] = ()
    """Ranks in equal parts of the way from nothing to the most; empty where nobody asked."""


@dataclass(frozen=True)
class FleetRun:
    """One run of the dataset."""

    id: str
    argv: tuple[str, ...]
    exit_code: int | None
    wall_s: float | None
    ranks: int


@dataclass(frozen=True)
class FleetFunction:
    """One function on all ranks."""

    framework: str
    name: str
    file: str
    line: int
    ranks: int
    """On how many it was traced."""
    traces: int
    retraces: int
    graph_breaks: int
    """Places."""
    limit_hits: int
    """Ranks on which the framework reached its limit of traces."""
    seconds: Spread
    """Of its traces, without what was traced on the way."""


@dataclass(frozen=True)
class FleetCause:
    """All retraces of a function for one kind of reason."""

    kind: str
    argument: str
    function: str
    file: str
    line: int
    """Where the value came in, or whose condition decided."""
    count: int
    seconds: float
    ranks: Ranks
    before: str
    """In the first of them."""
    after: str
    """In the last of them."""
    message: str
    advice: str


@dataclass(frozen=True)
class Group:
    """Ranks that have traced a function equally often."""

    traces: int
    ranks: Ranks


@dataclass(frozen=True)
class Difference:
    """A function that some ranks have traced more often than others."""

    run: str
    framework: str
    name: str
    file: str
    line: int
    extra_s: float
    """What it took beyond the median, on all ranks that took more."""
    groups: tuple[Group, ...]
    """The most common first; ranks that have not traced it are among them."""
    causes: tuple[FleetCause, ...] = ()
    """Causes of its retraces that not all ranks have."""


@dataclass(frozen=True)
class FleetRank:
    """One rank."""

    run: str
    rank: int | None
    host: str
    processes: int
    traces: int
    retraces: int
    seconds: float
    """Of its traces."""
    wall_s: float | None
    """Of its main process; None where it was not sampled."""
    most: str = ""
    """The function that took most of it."""
    most_s: float = 0.0


@dataclass(frozen=True)
class Activity:
    """What one activity of the main threads took."""

    name: str
    seconds: Spread


@dataclass(frozen=True)
class Fleet:
    """A dataset, added up; everything sorted, the costliest first."""

    name: str
    runs: tuple[FleetRun, ...]
    ranks: int
    hosts: int
    processes: int
    frameworks: tuple[str, ...]
    """`torch 2.13.0`."""
    traces: int
    retraces: int
    seconds: Spread
    """Of all traces of a rank."""
    functions: tuple[FleetFunction, ...] = ()
    causes: tuple[FleetCause, ...] = ()
    differences: tuple[Difference, ...] = ()
    slowest: tuple[FleetRank, ...] = ()
    activities: tuple[Activity, ...] = ()
    """Where ranks were sampled."""
    faults: tuple[tuple[str, str, int], ...] = ()
    """Faults of tracedbg: place, message, and on how many ranks."""
    dropped: dict[str, int] = field(default_factory=dict)
    """Kind of event -> how many were counted but not kept."""


def ranks_text(ranks: Ranks, pieces: int = 6) -> str:
    """`0-511, 513-1023`: as few words as it takes; what is beyond `pieces` is counted."""
    numbers = sorted(rank for rank in ranks if rank is not None)
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    words = [str(first) if first == last else f"{first}-{last}" for first, last in spans]
    if len(words) > pieces:
        left = sum(last - first + 1 for first, last in spans[pieces:])
        words = [*words[:pieces], f"{left} more"]
    return ", ".join([*words, *(["no rank"] if None in ranks else [])])

"""How long ranks waited while others traced: their stays, laid over the time of the traces.

Processes are aligned by the wall clock at which each of them started; clocks of several machines are taken as
they are. It must not know how a stay was seen.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracedbg.explain.ranks.model import RankWait
from tracedbg.explain.spans import union

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tracedbg.explain.ranks.traces import Rank
    from tracedbg.explain.spans import Span

NS = 1e9
NOTICEABLE_S = 0.05
"""A shorter wait of a rank is none: samples are some 10 ms apart."""

_Place = tuple[str, int, str, str, str]


@dataclass(frozen=True)
class Waited:
    """What some ranks did in a stretch of time."""

    waits: tuple[RankWait, ...]
    """The longest first."""
    by_rank: dict[int, float]
    """Seconds, of those that were sampled."""

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The least and the most; None where nobody was sampled."""
        return (min(self.by_rank.values()), max(self.by_rank.values())) if self.by_rank else None

    @property
    def most(self) -> float:
        """Of the rank that waited longest."""
        return max(self.by_rank.values(), default=0.0)


def waited(ranks: Iterable[Rank], spans: Sequence[Span]) -> Waited:
    """How long each of `ranks` waited within `spans`."""
    spans = union(spans)
    places: defaultdict[_Place, dict[int, int]] = defaultdict(dict)
    by_rank: dict[int, float] = {}
    for rank in ranks:
        if not rank.is_sampled:
            continue
        total_ns = 0
        for wait in rank.waits:
            overlap_ns = sum(
                max(min(end_ns, wait.end_ns) - max(start_ns, wait.start_ns), 0) for start_ns, end_ns in spans
            )
            if overlap_ns:
                stack, stayed = wait.stayed.stack, wait.stayed
                frame = stack[0] if stack else None
                place = (
                    frame.file if frame else "",
                    frame.line if frame else 0,
                    frame.function if frame else "",
                    stayed.activity,
                    stayed.phase,
                )
                places[place][rank.rank] = places[place].get(rank.rank, 0) + overlap_ns
                total_ns += overlap_ns
        by_rank[rank.rank] = total_ns / NS
    waits = [
        RankWait(tuple(sorted(spent)), *place, max(spent.values()) / NS)
        for place, spent in places.items()
        if max(spent.values()) / NS >= NOTICEABLE_S
    ]
    return Waited(tuple(sorted(waits, key=lambda one: (-one.seconds, one.file, one.line))), by_rank)

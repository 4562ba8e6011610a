"""Which functions the ranks of a run have not traced equally often: what the report says of it in a line.

Why, and who waited, is told by `compare_ranks`, which reads more.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from tracedbg.explain.causes import CALLED
from tracedbg.explain.ranks.model import RankCounts, RankFunctionKey, RanksDiffer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracedbg.store.records import ProcessInfo, TraceRecord

_NS = 1e9


class RankTally:
    """Takes in one process after the other."""

    def __init__(self) -> None:
        self._ranks: defaultdict[int, set[int]] = defaultdict(set)
        """By generation."""
        self._counts: defaultdict[tuple[int, RankFunctionKey], Counter[int]] = defaultdict(Counter)
        self._spent_ns: Counter[tuple[int, RankFunctionKey, int]] = Counter()

    def add(self, info: ProcessInfo, traces: Iterable[TraceRecord]) -> None:
        """One process; of those that are no rank themselves nothing is taken."""
        if info.rank is None or not info.is_rank:
            return
        generation = info.generation or 0
        self._ranks[generation].add(info.rank)
        for trace in traces:
            of = trace.started.traceable
            if trace.started.role in CALLED:
                function = RankFunctionKey(of.framework, of.name, of.file, of.line, of.owner)
                self._counts[generation, function][info.rank] += 1
                self._spent_ns[generation, function, info.rank] += trace.duration_ns

    def done(self) -> tuple[RanksDiffer, ...]:
        """The functions, by generation."""
        found = []
        for (generation, function), counts in sorted(self._counts.items(), key=lambda item: item[0][0]):
            by_count: defaultdict[int, list[int]] = defaultdict(list)
            for rank in sorted(self._ranks[generation]):
                by_count[counts[rank]].append(rank)
            if len(by_count) > 1:
                found.append(RanksDiffer(generation, function, self._rows(generation, function, by_count)))
        return tuple(found)

    def _rows(
        self, generation: int, function: RankFunctionKey, by_count: dict[int, list[int]]
    ) -> tuple[RankCounts, ...]:
        return tuple(
            RankCounts(
                tuple(ranks), count, max(self._spent_ns[generation, function, rank] for rank in ranks) / _NS
            )
            for count, ranks in sorted(by_count.items(), key=lambda item: (-len(item[1]), item[0]))
        )

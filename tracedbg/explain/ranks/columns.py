"""Which trace of one rank is which of another: those made for the same reasons, in the same order.

It must not know times, graphs or waits.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, TypeAlias

from tracedbg.events import CauseKind

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from tracedbg.explain.ranks.traces import RankTrace

Pair: TypeAlias = "tuple[int | None, int | None]"


@dataclass
class Column:
    """One trace, as far as it is the same one, of all ranks that made it."""

    by_rank: dict[int, RankTrace] = field(default_factory=dict)

    @property
    def traces(self) -> list[RankTrace]:
        """By rank."""
        return [self.by_rank[rank] for rank in sorted(self.by_rank)]

    @property
    def start_ns(self) -> int:
        """When the first rank began it."""
        return min(trace.start_ns for trace in self.by_rank.values())


def columns(traces: Mapping[int, Sequence[RankTrace]]) -> list[Column]:
    """The traces of one function, laid beside each other.

    Args:
        traces: of each rank, in their order; ranks that have none belong to it as well.
    """
    behaviours: defaultdict[tuple[Hashable, ...], list[int]] = defaultdict(list)
    for rank, made in traces.items():
        behaviours[tuple((trace.label, trace.outcome) for trace in made)].append(rank)
    norm = max(
        behaviours, key=lambda labels: (len(behaviours[labels]), -len(labels), -min(behaviours[labels]))
    )
    usual = traces[behaviours[norm][0]]
    found = [Column() for _ in usual]
    extra: dict[tuple[Hashable, ...], Column] = {}
    for ranks in behaviours.values():
        pairs = list(_pairs(usual, traces[ranks[0]]))
        for rank in ranks:
            position = 0
            met: Counter[tuple[Hashable, ...]] = Counter()
            for at, number in pairs:
                position = position if at is None else at + 1
                if number is None:
                    continue
                trace = traces[rank][number]
                if at is not None:
                    found[at].by_rank[rank] = trace
                    continue
                key = (position, trace.label)
                met[key] += 1
                extra.setdefault((*key, met[key]), Column()).by_rank[rank] = trace
    return [*(column for column in found if column.by_rank), *extra.values()]


def _pairs(usual: Sequence[RankTrace], made: Sequence[RankTrace]) -> Iterator[Pair]:
    """Which trace of the one is which of the other: exactly, or else but for the values."""
    exact = SequenceMatcher(None, [t.label for t in usual], [t.label for t in made], autojunk=False)
    for tag, low, high, first, last in exact.get_opcodes():
        if tag == "equal":
            yield from zip(range(low, high), range(first, last), strict=True)
            continue
        coarse = SequenceMatcher(
            None,
            [trace.coarse for trace in usual[low:high]],
            [trace.coarse for trace in made[first:last]],
            autojunk=False,
        )
        for kind, inner_low, inner_high, inner_first, inner_last in coarse.get_opcodes():
            at, number = (
                range(low + inner_low, low + inner_high),
                range(first + inner_first, first + inner_last),
            )
            if kind == "equal":
                yield from zip(at, number, strict=True)
                continue
            yield from _rest(usual, made, at, number)


def _rest(usual: Sequence[RankTrace], made: Sequence[RankTrace], low: range, high: range) -> Iterator[Pair]:
    """What no reason joins: one after the other as long as one of the two has no reason of its own.

    Where guards are a collective (`torch.compiler.set_enable_guard_collectives`), a rank whose guards all
    hold traces with another one whose guards do not.
    """
    both = 0
    while both < min(len(low), len(high)):
        if not (_is_unknown(usual[low[both]]) or _is_unknown(made[high[both]])):
            break
        yield low[both], high[both]
        both += 1
    yield from ((one, None) for one in low[both:])
    yield from ((None, one) for one in high[both:])


def _is_unknown(trace: RankTrace) -> bool:
    return all(kind == CauseKind.UNKNOWN.value for kind, _, _ in trace.label)

"""Puts the ops of two runs of one function side by side.

Ops of two runs belong together if they are of one type, on one line, in forward or backward alike: the k-th
of such ops in the one run to the k-th in the other. So a loop's turns meet, and ops that a tracer has moved,
folded away or put in shift nothing but ops of their own kind on their own line.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tracedbg.compare.records import OpRecord


@dataclass(frozen=True)
class Pair:
    """An op of one run, the other's, or both."""

    eager: OpRecord | None
    traced: OpRecord | None


def align(eager: Sequence[OpRecord], traced: Sequence[OpRecord]) -> Iterator[Pair]:
    """All ops of both runs in the order of the eager one; what it has not stands where it was traced."""
    waiting: dict[tuple[str, int, str, bool], deque[int]] = {}
    for position, record in enumerate(traced):
        waiting.setdefault(record.key, deque()).append(position)
    partner_of: list[int | None] = []
    for record in eager:
        positions = waiting.get(record.key)
        partner_of.append(positions.popleft() if positions else None)
    alone = deque(sorted(position for positions in waiting.values() for position in positions))
    for record, partner in zip(eager, partner_of, strict=True):
        while partner is not None and alone and alone[0] < partner:
            yield Pair(None, traced[alone.popleft()])
        yield Pair(record, None if partner is None else traced[partner])
    for position in alone:
        yield Pair(None, traced[position])

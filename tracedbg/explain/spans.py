"""Stretches of time: from when until when, in nanoseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Span = tuple[int, int]


def union(spans: Iterable[Span]) -> list[Span]:
    """The same time, none of it twice."""
    found: list[Span] = []
    for start_ns, end_ns in sorted(spans):
        if found and start_ns <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end_ns))
        else:
            found.append((start_ns, end_ns))
    return found


def length(spans: Iterable[Span]) -> int:
    """How long they are together, if they do not overlap."""
    return sum(end_ns - start_ns for start_ns, end_ns in spans)

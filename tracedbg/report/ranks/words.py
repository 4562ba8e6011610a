"""Ranks in words: `rank 1`, `ranks 0-511, 513-1023`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_FEW = 3
_MANY = 6
"""Stretches of ranks that are listed; of more only the number is told as well."""


def spans(ranks: Sequence[int]) -> str:
    """`0-511, 513-1023`."""
    found: list[list[int]] = []
    for rank in sorted(ranks):
        if found and rank == found[-1][1] + 1:
            found[-1][1] = rank
        else:
            found.append([rank, rank])
    return ", ".join(_span(first, last) for first, last in found)


def _span(first: int, last: int) -> str:
    if first == last:
        return str(first)
    return f"{first}, {last}" if last == first + 1 else f"{first}-{last}"


def ranks_title(ranks: Sequence[int]) -> str:
    """The same where there is little room: `994 ranks` where they are many stretches."""
    return ranks_words(ranks) if len(spans(ranks).split(", ")) <= _FEW else f"{len(ranks)} ranks"


def ranks_words(ranks: Sequence[int]) -> str:
    """`rank 1`, `ranks 0, 2-7`; the first stretches and the number where there are many of them."""
    if not ranks:
        return "no rank"
    words = spans(ranks).split(", ")
    text = ", ".join(words)
    if len(words) > _MANY:
        text = f"{', '.join(words[:_MANY])}, ... ({len(ranks)} in all)"
    return f"rank {text}" if len(ranks) == 1 else f"ranks {text}"

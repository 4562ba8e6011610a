"""Numbers as pictures of characters: histograms and heat maps. It must not know any widget."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_BY_NAME = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def number(value: Any) -> float:
    """An element as the debugger gives it; NaN for what is none."""
    if isinstance(value, bool | int | float):
        return float(value)
    return _BY_NAME.get(str(value), math.nan)


def short(value: Any, cells: int = 8) -> str:
    """An element in a few cells."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)[:cells]
    for digits in (4, 3, 2, 1):
        text = f"{value:.{digits}g}"
        if len(text) <= cells:
            return text
    return f"{value:.0e}"


def columns(counts: Sequence[int], height: int, blocks: str) -> list[str]:
    """A histogram with one column for each count, the highest row first.

    Args:
        counts: none negative.
        height: in rows.
        blocks: nine characters, from nothing to full.
    """
    most = max(counts, default=0)
    steps = len(blocks) - 1
    rows = []
    for row in range(height - 1, -1, -1):
        line = ""
        for count in counts:
            filled = math.ceil(count / most * height * steps) if most else 0
            line += blocks[max(0, min(steps, filled - row * steps))]
        rows.append(line)
    return rows


def scale(rows: Sequence[Sequence[float]]) -> tuple[float, float]:
    """(least, greatest) of the finite elements; (0, 0) if there are none."""
    finite = [one for row in rows for one in row if math.isfinite(one)]
    return (min(finite), max(finite)) if finite else (0.0, 0.0)


def level(value: float, least: float, greatest: float) -> float | None:
    """Where a value is between the two, from 0 to 1; None for a NaN or an infinity."""
    if not math.isfinite(value):
        return None
    return 0.5 if greatest <= least else min(1.0, max(0.0, (value - least) / (greatest - least)))


def shade(at: float, shades: str) -> str:
    """The character for a level."""
    return shades[min(len(shades) - 1, int(at * len(shades)))]


_LOW, _MIDDLE, _HIGH = (49, 54, 149), (247, 247, 247), (165, 0, 38)
"""Blue, white, red: told apart by people who see red and green alike."""


def colour(at: float) -> tuple[int, int, int]:
    """The colour for a level."""
    low, high, part = (_LOW, _MIDDLE, at * 2) if at < 0.5 else (_MIDDLE, _HIGH, at * 2 - 1)  # noqa: PLR2004
    return tuple(round(one + (other - one) * part) for one, other in zip(low, high, strict=True))  # type: ignore[return-value]

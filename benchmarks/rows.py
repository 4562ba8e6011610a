"""The one form in which every benchmark tells its figures: a `Row`, printed as it comes, and kept as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

OURS = "tracedbg"
"""What a row is of that names no tool."""


@dataclass(frozen=True)
class Row:
    """One figure of one tool on one piece of work: the median of `count` values, and how far they lie apart.

    Rows with the same `name` and `what` stand beside each other: they were measured in turn, in one run.
    """

    name: str
    """What the benchmark calls it on its command line; empty if it has no names."""
    what: str
    unit: str
    """`x` is a ratio to the same work without the tool."""
    value: float | None
    low: float | None = None
    high: float | None = None
    count: int = 1
    limit: float | None = None
    is_least: bool = False
    """Whether the limit is the least that the value may be."""
    tool: str = OURS
    absent: str = ""
    """Why there is no value."""

    @property
    def is_within(self) -> bool:
        if self.limit is None or self.value is None:
            return True
        return self.value >= self.limit if self.is_least else self.value <= self.limit

    def figure(self) -> str:
        """The value with its unit, to the digits that it is good for."""
        if self.value is None:
            return self.absent
        return f"{shown(self.value, self.unit)}{'' if self.unit == 'x' else ' '}{self.unit}".strip()

    def limit_words(self) -> str:
        """What the value may be; empty if it may be anything."""
        if self.limit is None:
            return ""
        return f"{'at least' if self.is_least else 'at most'} {self.limit:.4g}"

    def spread(self) -> str:
        """From the lowest to the highest value; empty where there is but one."""
        if self.low is None or self.high is None or self.count == 1:
            return ""
        return f"{shown(self.low, self.unit)} to {shown(self.high, self.unit)}"


def shown(value: float, unit: str) -> str:
    """A figure, with fewer digits the larger it is; of a ratio near 1, those that its limit is about."""
    if not unit:
        return f"{value:.0f}"
    for below, digits in ((0.1, 4), (1.1 if unit == "x" else 0.1, 3), (10, 2), (100, 1)):
        if 0 < abs(value) < below:
            return f"{value:.{digits}f}"
    return f"{value:,.0f}"


def measured(  # noqa: PLR0913  the fields of a row
    name: str,
    what: str,
    unit: str,
    values: Sequence[float],
    limit: float | None = None,
    *,
    tool: str = OURS,
    is_least: bool = False,
) -> Row:
    """The row of values that were measured one after the other."""
    middle, low, high = (round(one, 6) for one in (median(values), min(values), max(values)))
    return Row(name, what, unit, middle, low, high, len(values), limit, is_least, tool)


def missing(name: str, what: str, unit: str, tool: str, why: str = "not installed") -> Row:
    """The row of a tool that could not be measured."""
    return Row(name, what, unit, None, tool=tool, absent=why)


@dataclass
class Results:
    """The rows of a run of a benchmark, printed and written as they come: it may be stopped."""

    file: str | None = None
    rows: list[Row] = field(default_factory=list)

    def add(self, row: Row) -> None:
        self.rows.append(row)
        tool = "" if row.tool == OURS else f": {row.tool}"
        limit = f"{row.limit_words()} {'ok' if row.is_within else 'OVER'}" if row.limit is not None else ""
        spread = f"({row.spread()})" if row.spread() else ""
        print(f"{row.what + tool:64} {row.figure():>12}  {spread:20} {limit}".rstrip(), flush=True)

        self._write(is_whole=False)

    def end(self) -> int:
        """All has been measured; 1 if a limit is not kept."""
        self._write(is_whole=True)
        return 0 if all(row.is_within for row in self.rows) else 1

    def _write(self, *, is_whole: bool) -> None:
        if self.file:
            data = {"is_whole": is_whole, "rows": [asdict(row) for row in self.rows]}
            Path(self.file).write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def told(file: Path) -> tuple[list[Row], bool]:
    """The rows that a benchmark has written, and whether these are all; nothing if it has written none."""
    if not file.exists():
        return [], False
    data = json.loads(file.read_text(encoding="utf-8"))
    return [Row(**row) for row in data["rows"]], data["is_whole"]


def add_option(parser: argparse.ArgumentParser) -> None:
    """The option that every benchmark has."""
    parser.add_argument("--json", metavar="FILE", help="write the rows there as well")

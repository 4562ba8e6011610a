"""The section of the report that says which functions the ranks have not traced equally often."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.report.ranks.words import ranks_words
from tracedbg.report.style import clean, count

if TYPE_CHECKING:
    from tracedbg.explain import Summary
    from tracedbg.explain.ranks.model import RankCounts, RanksDiffer
    from tracedbg.report.style import Style

MAX_FUNCTIONS = 5
_IN = 2


def ranks_differ(summary: Summary, style: Style) -> list[str]:
    """A line for each function; why is another report."""
    if not summary.ranks:
        return []
    lines = [style.paint("Ranks that traced more than others", "bold")]
    has_several = len({process.generation for process in summary.processes if process.is_rank}) > 1
    for one in summary.ranks[:MAX_FUNCTIONS]:
        lines += style.wrap(_words(one, style, has_several=has_several), _IN)
    rest = len(summary.ranks) - MAX_FUNCTIONS
    if rest > 0:
        lines += style.wrap(f"and {count(rest, 'more function')}: see --format json", _IN)
    words = f"tracedbg report {clean(summary.run.id)} --ranks shows why, and who waited"
    return [
        *lines,
        *(style.paint(line, "green") for line in style.wrap(words, _IN, f"{style.glyphs.advice} ")),
    ]


def _words(one: RanksDiffer, style: Style, *, has_several: bool) -> str:
    """`rank 1 traced step (train.py:9) 3 times, ranks 0, 2-7 once`."""
    usual, *others = one.counts
    of = one.function
    name = clean(f"{of.owner} after break" if of.owner else of.name)
    first, *more = sorted(others, key=lambda row: -row.traces)
    words = f"{ranks_words(first.ranks)} traced {name} ({style.place(of.file, of.line)}) {_times(first)}"
    words += "".join(f", {ranks_words(row.ranks)} {_times(row)}" for row in (*more, usual))
    return f"generation {one.generation}: {words}" if has_several else words


def _times(row: RankCounts) -> str:
    return {0: "not at all", 1: "once", 2: "twice"}.get(row.traces, f"{row.traces} times")

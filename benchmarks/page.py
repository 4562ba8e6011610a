"""The page of the benchmarks, and what README quotes of it: text, made of what was measured alone."""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.parts import PARTS
from benchmarks.rows import OURS, Row

if TYPE_CHECKING:
    from benchmarks.record import Record

BEGIN, END = "<!-- figures: written by make bench -->", "<!-- end of figures -->"
_INTRODUCTION = Path(__file__).with_name("introduction.md")


class Quote(NamedTuple):
    """A line of the table in README: the rows of one work."""

    part: str
    name: str
    what: str
    """A regular expression, as a work may have a size in its name."""


QUOTES = (
    Quote("cost", "torch_compile_loop", ".*"),
    Quote("cost", "tf_loop", ".*"),
    Quote("cost", "torch_trace", ".*"),
    Quote("cost", "tf_trace", ".*"),
    Quote("cost", "startup", ".*"),
    Quote("cost", "debug_torch", ".*"),
    Quote("cost", "debug_armed_torch", ".*"),
    Quote("cost", "sampled_torch", ".*"),
    Quote("ops", "steps_transformer", ".*"),
    Quote("ops", "steps_conv", ".*"),
    Quote("ops", "steps_mlp", ".*"),
    Quote("ops", "whole", ".*CPU time of all of it"),
    Quote("tf_ops", "small", ".*CPU time of the loop"),
    Quote("cost", "kernels_eager_inside", ".*"),
    Quote("cost", "kernels_eager_process", ".*"),
    Quote("kernels", "", "CPU time to read.*"),
    Quote("kernels", "", "peak of memory to read.*"),
    Quote("fleet", "", ".* report of the run: CPU time"),
    Quote("fleet", "", ".* report of the run: peak of memory"),
    Quote("day", "", ".*the recording at its largest"),
)
"""What a reader of README wants to know first."""


def page(record: Record) -> str:
    """All that was measured, a section for each benchmark."""
    sections = [_INTRODUCTION.read_text(encoding="utf-8"), _measurements(record)]
    for name, part in PARTS.items():
        found = record.rows(name)
        sections.append(f"## {part.title}\n\n`{part.command()}`. {part.about}\n")
        sections.append(_table(found) if found else "Not measured yet.\n")
    return "\n".join(sections)


def readme(text: str, record: Record) -> str:
    """README with its block of figures as they were measured last."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not rest or END not in text:
        raise SystemExit(f"README.md has no block between {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{quotes(record)}{END}{after}"


def quotes(record: Record) -> str:
    """The table of README."""
    lines = ["| | tracedbg | limit | others, in the same run |", "|---|---|---|---|"]
    for quote in QUOTES:
        found = [row for _, row in record.rows(quote.part, quote.name) if re.fullmatch(quote.what, row.what)]
        lines += [_line(what, list(rows)) for what, rows in groupby(found, key=lambda row: row.what)]
    return "\n".join([*lines, "", *_where(record), ""])


def _where(record: Record) -> list[str]:
    """When and on what the figures of README were measured, and how far to trust them."""
    quoted = {
        number - 1
        for quote in QUOTES
        for number, row in record.rows(quote.part, quote.name)
        if re.fullmatch(quote.what, row.what)
    }
    found = [record.measurements[number][0] for number in sorted(quoted)]
    if not found:
        return []
    dates = sorted({one.date for one in found})
    when = " to ".join(dict.fromkeys((dates[0], dates[-1])))
    machines = "; or on ".join(sorted({one.machine.words() for one in found}))
    lines = [f"Measured {when} on {machines}."]
    if busy := sum(one.is_busy for one in found):
        share = "All" if busy == len(found) else f"{busy} of the {len(found)} commands"
        lines.append(
            f"{share} ran while the machine had much else to do: trust them as far as the brackets go."
        )
    return lines


def _measurements(record: Record) -> str:
    machines: list[str] = []
    lines = [
        "| | command | date | commit | machine | others before | took |",
        "|---|---|---|---|---|---|---|",
    ]
    for number, (one, _) in enumerate(record.measurements, 1):
        words = one.machine.words()
        if words not in machines:
            machines.append(words)
        busy = ", **busy**" if one.is_busy else ""
        letter = chr(ord("A") + machines.index(words))
        lines.append(
            f"| {number} | `{one.command}` | {one.date} | {one.commit} | {letter}"
            f" | {one.load:.1f} on {one.machine.cores}{busy} | {_duration(one.took_s)} |"
        )
    where = [f"- **{chr(ord('A') + number)}**: {words}" for number, words in enumerate(machines)]
    return "\n".join(["## When and where", "", *where, "", *lines, ""])


def _duration(seconds: int) -> str:
    return f"{seconds} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _table(found: list[tuple[int, Row]]) -> str:
    lines = ["| | tracedbg | limit | others, in the same run | measured |", "|---|---|---|---|---|"]
    for (number, what), group in groupby(found, key=lambda one: (one[0], one[1].what)):
        lines.append(f"{_line(what, [row for _, row in group])} {number} |")
    return "\n".join(lines) + "\n"


def _line(what: str, rows: list[Row]) -> str:
    ours = [row for row in rows if row.tool.startswith(OURS)]
    others = [row for row in rows if not row.tool.startswith(OURS)]
    ours.sort(key=lambda row: row.tool)
    bound = [row for row in ours if row.limit is not None]
    limits = [f"{_of(row)}{row.limit_words()}{'' if row.is_within else ', **over**'}" for row in bound]
    return f"| {what} | {_figures(ours)} | {', '.join(limits)} | {_figures(others)} |"


def _figures(rows: list[Row]) -> str:
    """Of some tools, each by its name; our own stands in a column of its own."""
    words = []
    for row in rows:
        spread = f" ({row.spread()})" if row.spread() else ""
        words.append(f"{_of(row)}{row.figure()}{spread}")
    return "; ".join(words)


def _of(row: Row) -> str:
    """Whose figure it is; nothing if it is plainly ours."""
    name = row.tool.removeprefix(OURS).lstrip(", ")
    return f"{name}: " if name else ""

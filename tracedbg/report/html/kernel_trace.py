"""Kernel time of a profiler's files as one page: the table, the source beside it, and the device's gaps.

It must not know a format of file, nor how a line was found.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from tracedbg.explain.kernels.attributed import Whose
from tracedbg.explain.kernels.table import Level
from tracedbg.report.html.excerpts import Excerpts
from tracedbg.report.html.kernels import Timed, annotated
from tracedbg.report.html.markup import element
from tracedbg.report.html.page import page
from tracedbg.report.html.parts import Cell, Column, Look, Section, bar, muted, place, prose, shortened, table
from tracedbg.report.kernel_places import label
from tracedbg.report.kernels import head_words, idle_words, milliseconds, percent
from tracedbg.report.style import Style, count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.explain.kernels.idle import IdleTime
    from tracedbg.explain.kernels.reading import Explained
    from tracedbg.explain.kernels.table import Place, Row, Table
    from tracedbg.report.html.markup import Element, Node
    from tracedbg.report.kernel_places import Sources

MAX_ROWS = 300
_MAX_IDLE = 60
_LABEL = 160
_TITLES = {
    Level.LINE: "Kernels by line",
    Level.FUNCTION: "Kernels by function",
    Level.MODULE: "Kernels by module",
    Level.OP: "Kernels by op",
    Level.KERNEL: "Kernels by name",
}


def to_html(
    explained: Sequence[Explained],
    times: Table,
    idle: Sequence[IdleTime],
    sources: Sources,
    *,
    folder: str = "",
) -> str:
    """The whole page.

    Args:
        explained: the files.
        times: their kernels, by any level.
        idle: the gaps of each file's devices.
        sources: where the text of lines is found.
        folder: paths below it are shown relative to it.
    """
    look = Look(Style(folder=folder), Excerpts(None, find=sources.find))
    found = (_summary(explained, times), _rows(times, look), _source(times, look), _idle(idle, look))
    names = [os.path.basename(one.timeline.file) for one in explained]
    title = shortened(", ".join(names), 160)
    header = element(
        "header",
        element("p", "tracedbg", class_="brand"),
        element("h1", element("code", title)),
        class_="top",
    )
    return page(title, header, [section for section in found if section is not None])


def _summary(explained: Sequence[Explained], times: Table) -> Section:
    notes = dict.fromkeys(note for one in explained for note in one.notes)
    content: list[Node] = [element("p", f"{head_words(explained, times)}.", class_="verdict")]
    if notes:
        content += [
            element("h3", "What would show more"),
            element("ul", [element("li", prose(note)) for note in notes]),
        ]
    return Section("summary", "Summary", tuple(content))


def _rows(times: Table, look: Look) -> Section:
    shown, rest = times.rows[:MAX_ROWS], times.rows[MAX_ROWS:]
    most = times.rows[0].time_ns if times.rows else 1
    columns = (
        Column(times.level.value.capitalize()),
        Column("ms", is_number=True),
        Column("Share", is_number=True),
        Column("", is_bar=True),
        Column("Kernels", is_number=True),
        Column("Backward", is_number=True, hint="of backward passes"),
        Column("Inferred", is_number=True, hint="by likeness with other kernels"),
        Column("Fused", is_number=True, hint="of kernels fused of several lines, in even parts"),
    )
    words = ""
    if rest:
        spent = milliseconds(sum(row.time_ns for row in rest))
        words = f"{count(len(rest), 'more row')} left out here: {spent} ms. See --json."
    content: list[Node] = [
        table(_TITLES[times.level], columns, [_row(row, times, most, look) for row in shown], rest=words)
    ]
    if times.level is Level.LINE and any(row.place.line and not row.place.is_exact for row in shown):
        content.append(muted("A line is that on which its function begins, where the file tells no other."))
    return Section("kernels", _TITLES[times.level], tuple(content), str(times.count))


def _row(row: Row, times: Table, most: int, look: Look) -> list[Cell]:
    return [
        Cell(_where(row.place, times.level, look), f"{row.place.file}:{row.place.line:07} {row.place.name}"),
        Cell(milliseconds(row.time_ns), row.time_ns / 1e9),
        Cell(percent(times.share(row.time_ns)), row.time_ns / 1e9),
        Cell(bar(row.time_ns / max(most, 1)), row.time_ns / 1e9),
        Cell(row.count, row.count),
        *(
            Cell(f"{part / row.time_ns:.0%}" if part else "", part / 1e9)
            for part in (row.backward_ns, row.inferred_ns, row.fused_ns)
        ),
    ]


def _where(at: Place, level: Level, look: Look) -> Node:
    if at.whose is Whose.LINE and at.file and at.line:
        text = look.excerpts.line(at.file, at.line) if level is Level.LINE else ""
        return [
            place(look, at.file, at.line, at.name),
            element("code", text, class_="text") if text else None,
        ]
    return element(
        "code", label(at, look.style, _LABEL), class_="name" if at.whose is Whose.LINE else "muted"
    )


def _source(times: Table, look: Look) -> Section | None:
    """Files with the time beside their lines."""
    if times.level is not Level.LINE or not times.total_ns:
        return None
    files: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for row in times.rows:
        if row.place.whose is Whose.LINE and row.place.line:
            files[row.place.file][row.place.line] += row.time_ns
    timed = [Timed(file, {line: ns / 1e9 for line, ns in lines.items()}) for file, lines in files.items()]
    timed.sort(key=lambda one: -sum(one.seconds.values()))
    shown = annotated(timed, times.total_ns / 1e9, look)
    if shown is None:
        return None
    return Section("source", "Beside the source", (muted("Files are shown as they are now."), shown))


def _idle(idle: Sequence[IdleTime], look: Look) -> Section | None:
    rows = sorted((row for one in idle for row in one.rows), key=lambda row: -row.time_ns)
    if not rows or not sum(one.span_ns for one in idle):
        return None
    idle_ns = sum(one.idle_ns for one in idle)
    most = rows[0].time_ns
    cells = [
        [
            Cell(_where(row.place, Level.LINE, look), f"{row.place.file}:{row.place.line:07}"),
            Cell(milliseconds(row.time_ns), row.time_ns / 1e9),
            Cell(percent(row.time_ns / idle_ns), row.time_ns / 1e9),
            Cell(bar(row.time_ns / most), row.time_ns / 1e9),
            Cell(row.gaps, row.gaps),
            Cell(milliseconds(row.longest_ns), row.longest_ns / 1e9),
        ]
        for row in rows[:_MAX_IDLE]
    ]
    columns = (
        Column("Line of the host"),
        Column("ms", is_number=True),
        Column("Share", is_number=True),
        Column("", is_bar=True),
        Column("Gaps", is_number=True),
        Column("Longest ms", is_number=True),
    )
    words = idle_words(idle)
    lead: Element = element("p", f"{words[0].upper()}{words[1:]}:", class_="lead")
    rest = len(rows) - _MAX_IDLE
    more = f"{count(rest, 'more line')} left out here: see --json." if rest > 0 else ""
    return Section(
        "idle",
        "Idle",
        (lead, table("Where the host was while the device had nothing to do", columns, cells, rest=more)),
    )

"""Kernel time for people: the table of lines with bars and source text, idle gaps, and what could show more.

It must not know a format of file, nor how a line was found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracedbg.explain.kernels.attributed import Whose
from tracedbg.explain.kernels.table import Level
from tracedbg.report.kernel_places import BEFORE, label
from tracedbg.report.style import clean, count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.explain.kernels.idle import IdleTime
    from tracedbg.explain.kernels.reading import Explained
    from tracedbg.explain.kernels.table import Row, Table
    from tracedbg.report.kernel_places import Sources
    from tracedbg.report.style import Style

_BAR = 8
_INDENT = 2
_A_PERCENT = 0.005
_FEW_MS = 10
_MANY_MS = 1000
LEGEND = {
    "bwd": "bwd: of backward passes",
    "inf": "inf: inferred by likeness with other kernels",
    "fused": "fused: of kernels fused of several lines, in even parts",
}


@dataclass(frozen=True)
class Extent:
    """How much of a table is shown."""

    top: int
    """How many rows of each kind."""
    sources: Sources
    """Where the text of lines is found."""


def to_text(
    explained: Sequence[Explained],
    table: Table,
    idle: Sequence[IdleTime],
    style: Style,
    extent: Extent,
) -> str:
    """The report on one or several files.

    Args:
        explained: the files.
        table: their kernels, by any level.
        idle: the gaps of each file's devices.
        style: how it looks.
        extent: how much of it.
    """
    parts = [_head(explained, table, style)]
    parts.append(_rows(table, style, extent))
    parts.append(_idle(idle, style, extent))
    parts.append(_notes(explained, style))
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def milliseconds(time_ns: int) -> str:
    """`0.042`, `12.3`, `1204`: three digits or so."""
    ms = time_ns / 1e6
    if ms < _FEW_MS:
        return f"{ms:.3f}"
    return f"{ms:.1f}" if ms < _MANY_MS else f"{ms:.0f}"


def percent(share: float) -> str:
    """`12.3%`."""
    return f"{100 * share:.1f}%"


def head_words(explained: Sequence[Explained], table: Table) -> str:
    """How much there is, and how far it could be followed."""
    is_host = all(one.is_host_time for one in explained)
    devices = {(id(each), one.kernel.device) for each in explained for one in each.kernels}
    noun = "op" if is_host else "kernel"
    where = "the CPU, as there are no kernels" if is_host else count(len(devices), "device")
    words = (
        f"{milliseconds(table.total_ns)} ms in {count(table.count, noun)} on {where}:"
        f" {percent(table.share(table.time_of(Whose.LINE)))} on lines"
    )
    for name, time_ns in (
        ("backward", table.backward_ns),
        ("inferred", table.inferred_ns),
        ("libraries only", table.time_of(Whose.LIBRARY)),
        ("no Python stack", table.time_of(Whose.OP, Whose.LAUNCH)),
        (BEFORE, table.time_of(Whose.BEFORE)),
    ):
        if time_ns:
            words += f", {percent(table.share(time_ns))} {name}"
    return words


def _head(explained: Sequence[Explained], table: Table, style: Style) -> list[str]:
    lines = style.wrap(f"tracedbg: {head_words(explained, table)}", 0)
    lines[0] = lines[0].replace("tracedbg", style.paint("tracedbg", "bold"), 1)
    files = ", ".join(style.path(one.timeline.file) for one in explained)
    return [*lines, style.paint(style.end(files, style.width), "dim")]


def _rows(table: Table, style: Style, extent: Extent) -> list[str]:
    shown, rest = table.rows[: extent.top], table.rows[extent.top :]
    extras = [
        name
        for name, has in (
            ("bwd", table.backward_ns),
            ("inf", table.inferred_ns),
            ("fused", any(row.fused_ns for row in table.rows)),
        )
        if has
    ]
    head = f"{'share':>6}  {'ms':>7}  {'count':>6}" + "".join(f"  {name:>5}" for name in extras)
    head += f"  {'':{_BAR}}  {table.level.value}"
    room = style.width - len(head) + len(table.level.value)
    lines = [style.paint(head, "dim")]
    most_ns = table.rows[0].time_ns if table.rows else 1
    for row in shown:
        numbers = _numbers(row, table, extras)
        bar = style.paint(style.bar(row.time_ns / max(most_ns, 1), _BAR), "cyan")
        lines.append(f"{numbers}  {bar}  {label(row.place, style, room)}")
        text = extent.sources.line(row.place) if table.level is Level.LINE else ""
        if text:
            at = len(head) - len(table.level.value) + _INDENT
            lines.append(" " * at + style.paint(style.end(clean(text), style.width - at), "dim"))
    if rest:
        time_ns = sum(row.time_ns for row in rest)
        words = f"{count(len(rest), 'more row')} (--top)"
        lines.append(
            style.paint(
                f"{percent(table.share(time_ns)):>6}  {milliseconds(time_ns):>7}  "
                f"{sum(row.count for row in rest):>6}{'':{7 * len(extras)}}  {'':{_BAR}}  {words}",
                "dim",
            )
        )
    if extras:
        legend = "; ".join(LEGEND[name] for name in extras)
        lines += [style.paint(line, "dim") for line in style.wrap(legend, 0)]
    if table.level is Level.LINE and any(row.place.line and not row.place.is_exact for row in shown):
        words = "a line is that on which its function begins, where the file tells no other"
        lines += [style.paint(line, "dim") for line in style.wrap(words, 0)]
    return lines


def _numbers(row: Row, table: Table, extras: list[str]) -> str:
    parts = {"bwd": row.backward_ns, "inf": row.inferred_ns, "fused": row.fused_ns}
    text = f"{percent(table.share(row.time_ns)):>6}  {milliseconds(row.time_ns):>7}  {row.count:>6}"
    for name in extras:
        share = parts[name] / row.time_ns if row.time_ns else 0
        text += f"  {f'{share:.0%}' if share >= _A_PERCENT else '':>5}"
    return text


def idle_words(idle: Sequence[IdleTime]) -> str:
    """How long devices had nothing to do."""
    idle_ns, span_ns = sum(one.idle_ns for one in idle), sum(one.span_ns for one in idle)
    words = f"the device had nothing to do for {milliseconds(idle_ns)} of {milliseconds(span_ns)} ms"
    return f"{words} ({percent(idle_ns / span_ns)}); meanwhile the host was at"


def _idle(idle: Sequence[IdleTime], style: Style, extent: Extent) -> list[str]:
    idle_ns, span_ns = sum(one.idle_ns for one in idle), sum(one.span_ns for one in idle)
    rows = sorted((row for one in idle for row in one.rows), key=lambda row: -row.time_ns)
    if not rows or not span_ns:
        return []
    lines = [style.paint(line, "bold") for line in style.wrap(f"Idle: {idle_words(idle)}", 0)]
    head = f"{'share':>6}  {'ms':>7}  {'gaps':>6}  {'longest':>7}  {'':{_BAR}}  "
    lines.append(style.paint(f"{head}line", "dim"))
    for row in rows[: max(extent.top // 2, 1)]:
        bar = style.paint(style.bar(row.time_ns / rows[0].time_ns, _BAR), "yellow")
        lines.append(
            f"{percent(row.time_ns / idle_ns):>6}  {milliseconds(row.time_ns):>7}  {row.gaps:>6}"
            f"  {milliseconds(row.longest_ns):>7}  {bar}  {label(row.place, style, style.width - len(head))}"
        )
        text = extent.sources.line(row.place)
        if text:
            at = len(head) + _INDENT
            lines.append(" " * at + style.paint(style.end(clean(text), style.width - at), "dim"))
    return lines


def _notes(explained: Sequence[Explained], style: Style) -> list[str]:
    notes = dict.fromkeys(note for one in explained for note in one.notes)
    return [line for note in notes for line in style.wrap(note, 0, f"{style.glyphs.advice} ")]

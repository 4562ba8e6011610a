"""The section of the report on waits of the host for the device, and on copies that nobody asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg import source
from tracedbg.report.ops import many
from tracedbg.report.style import clean, count, milliseconds

if TYPE_CHECKING:
    from tracedbg.explain import Summary, SyncLine
    from tracedbg.report.style import Style

MAX_LINES = 10
LEAST_CALLS = 10
"""What is called less often is told only if it takes long."""
_LONG = 0.01
"""A part of the time in ops that is worth telling."""
_IN = 4
_MAX_OPS = 3


def host_syncs(summary: Summary, style: Style) -> list[str]:
    """Each line with how often, how long, what it is, and what to do instead."""
    told = told_syncs(summary)
    if not told:
        return []
    lines = [style.paint("Host waits for the device, and hidden copies", "bold")]
    for number, one in enumerate(told[:MAX_LINES]):
        lines += ["", *_entry(one, style)] if number else _entry(one, style)
    more = [f"{len(told) - MAX_LINES} more"] if len(told) > MAX_LINES else []
    rare = len(summary.syncs) - len(told)
    more += [f"{count(rare, 'line')} of less than {LEAST_CALLS} calls"] if rare else []
    if more:
        lines += ["", style.paint(f"  and {', '.join(more)}: see --format json", "dim")]
    return lines


def told_syncs(summary: Summary) -> list[SyncLine]:
    """The lines that are worth telling: of many calls, or that take long."""
    whole = summary.ops.seconds if summary.ops else 0.0
    return [one for one in summary.syncs if one.count >= LEAST_CALLS or one.seconds > _LONG * whole]


def _entry(one: SyncLine, style: Style) -> list[str]:
    how_often = "called once" if one.count == 1 else f"called {many(one.count, 'time')}"
    right = f"{how_often}  {milliseconds(one.seconds)}"
    if one.file:
        room = max(style.width - 2 - len(right) - 2, 12)
        name = f" in {clean(one.function)}" if one.function else ""
        place = style.place(one.file, one.line, max(room - len(name) - len(f":{one.line}"), room // 2))
        name = style.end(name, room - len(place)) if len(place) + len(" in x") < room else ""
        shown = f"{style.paint(place, 'cyan')}{name}"
        taken = len(place) + len(name)
    else:
        shown = "(no line of yours is known)"
        taken = len(shown)
    gap = " " * max(style.width - 2 - taken - len(right), 2)
    lines = [f"  {shown}{gap}{style.paint(right, 'yellow')}"]
    text = clean(source.line_text(one.file, one.line)) if one.file else ""
    if text:
        lines.append(style.paint(f"{'':{_IN + 2}}{style.end(text, style.width - _IN - 2)}", "dim"))
    named = ", ".join(one.ops[:_MAX_OPS]) + (", ..." if len(one.ops) > _MAX_OPS else "")
    lines += style.wrap(f"{one.message} ({named})" if one.message else named, _IN)
    advice = style.wrap(one.advice, _IN, f"{style.glyphs.advice} ") if one.advice else []
    return lines + [style.paint(line, "green") for line in advice]

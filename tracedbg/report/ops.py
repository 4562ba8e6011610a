"""The ops of a run for people: a section of the report, and the long form of `tracedbg report --ops`.

It must not know how an op was seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg import source
from tracedbg.explain.ops import OpLevel
from tracedbg.report.style import clean, count, milliseconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.explain import OpRow, OpSummary, Summary
    from tracedbg.report.style import Style

MAX_LINES = 10
MAX_OPS = 5
_BAR = 6
_IN = 2
_BELOW = 6
"""Where the second line of a row begins."""
_LEAST_SOURCE = 24
"""Columns that the text of a line gets, before what it is made of."""
_A_PERCENT = 0.005
_LITTLE = 0.0005
_MUCH = 0.3
_MANY = 10_000_000
_LEAST_NAME = 6
"""Columns without which the name of a function says nothing."""
_EXACT_BELOW = 0.0995
_TITLES = {OpLevel.OP: "name and shapes", OpLevel.MODULE: "file"}
_NOWHERE = "(no line of yours is known)"


def ops_by_line(summary: Summary, style: Style) -> list[str]:
    """The section: the costliest lines, the costliest ops, and what their sizes say."""
    ops = summary.ops
    if ops is None:
        return []
    lines = [style.paint("Ops by line", "bold"), *_head(ops, style)]
    if not ops.count:
        return lines
    lines += ["", *_table(ops, ops.lines, OpLevel.LINE, style, MAX_LINES)]
    lines += ["", *_table(ops, ops.ops, OpLevel.OP, style, MAX_OPS)]
    if len(ops.lines) > MAX_LINES or len(ops.ops) > MAX_OPS:
        words = style.wrap("all of them: tracedbg report --ops, and --ops --by op", _IN)
        lines += ["", *(style.paint(line, "dim") for line in words)]
    return [*lines, *_hint(ops, style)]


def to_text(ops: OpSummary, rows: Sequence[OpRow], level: OpLevel, style: Style, top: int) -> str:
    """The long form.

    Args:
        ops: all together.
        rows: those of the level.
        level: what they stand for.
        style: how it looks.
        top: how many rows.
    """
    lines = [style.paint(f"Ops by {_TITLES.get(level, level.value)}", "bold"), *_head(ops, style)]
    if ops.count:
        lines += ["", *_table(ops, rows, level, style, top), *_hint(ops, style)]
    return "\n".join(lines) + "\n"


def _head(ops: OpSummary, style: Style) -> list[str]:
    """What was seen, by what, and what is missing."""
    words = f"{many(ops.count, 'op')} in {milliseconds(ops.seconds)}"
    if ops.threads > 1:
        words += f" of {ops.threads} threads"
    parts = [f"{ops.on_lines:.0%} on lines of yours"]
    for seconds, name in ((ops.backward_seconds, "backward"), (ops.traced_seconds, "in compiled graphs")):
        if seconds:
            parts.append(f"{_rough(seconds, ops.seconds)} {name}")
    if ops.count:
        words += f": {', '.join(parts)}"
    seen_by = " and ".join(one.observer for one in ops.observers)
    lines = style.wrap(f"{words}; seen by {seen_by}", _IN)
    for one in ops.observers:
        if one.note:
            lines += style.wrap(f"{one.observer}: {one.note}", _IN)
        if one.left_out:
            words = f"{many(one.left_out, 'execution')} of the window had no room on the timeline"
            lines += style.wrap(f"{one.observer}: {words}; they are counted here", _IN)
    return lines


def _hint(ops: OpSummary, style: Style) -> list[str]:
    lines = style.wrap(ops.hint, _IN, f"{style.glyphs.advice} ") if ops.hint else []
    return ["", *(style.paint(line, "green") for line in lines)] if lines else []


def _table(ops: OpSummary, rows: Sequence[OpRow], level: OpLevel, style: Style, top: int) -> list[str]:
    shown, rest = rows[:top], rows[top:]
    head = _columns(ops, level, "time", "share", " " * _BAR, "bwd", "traced", "calls", "mean")
    lines = [style.paint(f"{head}{level.value}", "dim")]
    most = max((row.seconds for row in shown), default=0.0) or 1.0
    for row in shown:
        number = row.count if level is OpLevel.OP else row.calls or row.count
        numbers = _columns(
            ops,
            level,
            milliseconds(row.seconds),
            _share(row.seconds, ops.seconds),
            style.paint(style.bar(min(row.seconds / most, 1.0), _BAR), "cyan"),
            _part(row.backward_seconds, row.seconds),
            _part(row.traced_seconds, row.seconds),
            number_text(number),
            _mean(row.seconds, row.count),
        )
        lines.append(numbers + _label(row, style, max(style.width - len(head), 12)))
        lines += _below(row, style)
    if rest:
        seconds = sum(row.seconds for row in rest)
        is_op = level is OpLevel.OP
        number = sum(row.count if is_op else row.calls or row.count for row in rest)
        words = count(len(rest), "more row")
        numbers = _columns(
            ops,
            level,
            milliseconds(seconds),
            _share(seconds, ops.seconds),
            " " * _BAR,
            "",
            "",
            number_text(number),
            "",
        )
        lines.append(style.paint(style.end(numbers + words, style.width), "dim"))
    return lines


def _columns(  # noqa: PLR0913, PLR0917  the columns of a row
    ops: OpSummary,
    level: OpLevel,
    time: str,
    share: str,
    bar: str,
    backward: str,
    traced: str,
    calls: str,
    mean: str,
) -> str:
    """The numbers of a row; columns that would be empty in all rows are left out."""
    text = f"{'':{_IN}}{time:>8}  {share:>5}  {bar}"
    if ops.backward_seconds:
        text += f"  {backward:>4}"
    if ops.traced_seconds:
        text += f"  {traced:>6}"
    text += f"  {calls:>7}"
    if level is OpLevel.OP:
        text += f"  {mean:>8}"
    return f"{text}  "


def _label(row: OpRow, style: Style, room: int) -> str:
    if row.op:
        return style.paint(style.end(clean(row.op), room), "bold")
    if row.is_nowhere:
        return style.paint(style.end(_NOWHERE, room), "dim")
    number = f":{row.line}" if row.line else ""
    place = style.path(row.file, max(room - len(number) - (8 if row.function else 0), 12)) + number
    name = f" in {clean(row.function)}" if row.function else ""
    name = style.end(name, room - len(place)) if len(place) + _LEAST_NAME <= room else ""
    return style.paint(place, "cyan") + name


def _below(row: OpRow, style: Style) -> list[str]:
    """The text of the line, and the ops that it is made of; of an op its shapes."""
    text = f"({clean(row.inputs)})" if row.inputs else ""
    if row.line:
        text = clean(source.line_text(row.file, row.line))
    parts = [f"{clean(part.op)} {_rough(part.seconds, row.seconds)}" for part in row.ops]
    if row.op and row.count > 1 and _MUCH * row.seconds <= row.longest_seconds <= row.seconds:
        parts = [f"the longest: {milliseconds(row.longest_seconds)}"]  # as the mean says nothing of it
    room = style.width - _BELOW
    if not text and not parts:
        return []
    for_parts = room - (min(max(len(text), _LEAST_SOURCE), room) + 2 if text else 0)
    made_of = ""
    while parts and not made_of:
        # The costliest that fit: at least one, if the text of the line has to be cut for it.
        joined = ", ".join(parts)
        if len(joined) <= for_parts or len(parts) == 1:
            made_of = style.end(joined, room if not text else max(for_parts, room - _LEAST_SOURCE - 2))
        parts.pop()
    shown = style.end(text, room - len(made_of) - 2) if text else ""
    gap = " " * (room - len(shown) - len(made_of)) if shown else ""
    return [style.paint(f"{'':{_BELOW}}{shown}{gap}{made_of}".rstrip(), "dim")]


def _share(seconds: float, whole: float) -> str:
    """`62.0%`, `100%`."""
    share = seconds / whole if whole else 0.0
    return f"{share:.1%}" if share < 1 else "100%"


def _rough(seconds: float, whole: float) -> str:
    """`62%`, `3.1%`, `under 0.1%`: to two digits."""
    share = seconds / whole if whole else 0.0
    if share >= _EXACT_BELOW:
        return f"{share:.0%}"
    return f"{share:.1%}" if share >= _LITTLE else "under 0.1%"


def _part(seconds: float, whole: float) -> str:
    """The same in few characters; empty for next to nothing."""
    share = seconds / whole if whole else 0.0
    return f"{share:.0%}" if share >= _A_PERCENT else ""


def _mean(seconds: float, number: int) -> str:
    if not number:
        return ""
    us = seconds / number * 1e6
    return f"{us:.2f} us" if us < 100 else milliseconds(seconds / number)  # noqa: PLR2004  three digits


def number_text(number: int) -> str:
    """`1234567`, `12.3M`: at most seven characters."""
    return str(number) if number < _MANY else f"{number / 1e6:.1f}M"


def many(number: int, noun: str) -> str:
    """`12.3M ops`, `1 op`."""
    return count(number, noun) if number < _MANY else f"{number_text(number)} {noun}s"

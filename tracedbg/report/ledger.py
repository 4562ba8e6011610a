"""The section of the report that says where the wall time went: a bar for each activity, then the lines.

It must not know how time was measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg import source
from tracedbg.events import PHASES
from tracedbg.report.style import clean, count, seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.explain import Ledger, Summary, TimeLine, TimeShare
    from tracedbg.report.style import Style

NOTICEABLE_S = 0.5
"""Below it, nobody asks where it went."""
MAX_LINES = 8
_LITTLE = 0.005
"""The share of the time below which an activity, or a line, has no row of its own."""
_PART = 0.02
"""The share of the time below which a part of an activity has none."""
_BAR = 10
_NAME = 13
_NUMBERS = 2 + 7 + 2 + 2 + 6 + 2
"""Columns before a bar, or the place of a line."""
_BELOW = _NUMBERS
NAMES = {
    "python": ("Python", "your code, and libraries"),
    "eager_ops": ("eager ops", "called one by one"),
    "backward": ("backward", "eager gradients"),
    "tracing": ("tracing", "Python to graphs"),
    "compiling": ("compiling", "graphs to code"),
    "compiled": ("compiled", "traced graphs, running"),
    "data_loading": ("data loading", "and waiting for workers"),
    "waiting": ("waiting", "for locks, files, time, others"),
    "imports": ("imports", "loading modules"),
    "startup": ("start and end", "before the framework, and after"),
    "overhead": ("tracedbg", "our own work"),
    "unknown": ("unknown", "no sample tells"),
}
"""Activity -> what a report calls it, and what it is."""
TRACED = ("tracing", "compiling")
_OTHER = "other"


def name_of(activity: str) -> str:
    """What a report calls it."""
    return NAMES.get(activity, (activity, ""))[0]


def is_shown(summary: Summary) -> bool:
    """Whether the section is there."""
    return bool(summary.ledgers) and summary.ledgers[0].seconds >= NOTICEABLE_S


def where_wall_time_went(summary: Summary, style: Style) -> list[str]:
    """The main process' activities and costliest lines, and the sum of the other processes."""
    if not is_shown(summary):
        return []
    main, *others = summary.ledgers
    lines = [style.paint("Where the time went", "bold"), *_head(main, style)]
    for share in main.shares:
        if share.seconds >= main.seconds * _LITTLE:
            lines += _activity(share, main, style)
    lines += _line_rows(main, style)
    return [*lines, *_others(others, style)]


def _head(main: Ledger, style: Style) -> list[str]:
    rank = "" if main.rank is None else f"rank {main.rank}, "
    words = f"{rank}{seconds(main.seconds)} s, by {count(main.samples, 'sample')} of the main thread"
    if main.threads and main.threads_seconds >= NOTICEABLE_S:
        busy = seconds(main.threads_seconds)
        words += f"; {count(main.threads, 'other thread')} ran for {busy} s beside it"
    return style.wrap(words, 2)


def _activity(share: TimeShare, main: Ledger, style: Style) -> list[str]:
    name, what = NAMES.get(share.activity, (share.activity, ""))
    parts = [part for part in share.parts if part.seconds >= main.seconds * _PART]
    if share.activity not in TRACED and parts:
        what = ", ".join(f"{clean(part.name)} {seconds(part.seconds)} s" for part in parts)
    lines = [_row(share.seconds, main.seconds, f"{name:<{_NAME}}  {what}", style)]
    if share.activity in TRACED and [part.name for part in parts] != [_OTHER]:
        for part in parts:
            words = f"{seconds(part.seconds):>9} s  {clean(part.name)}"
            what = f": {PHASES[part.name]}" if part.name in PHASES else ""
            lines.append(style.paint(style.end(f"{'':{_NUMBERS}}{words}{what}", style.width), "dim"))
    return lines


def _row(spent: float, whole: float, words: str, style: Style) -> str:
    bar = style.paint(style.bar(spent / whole, _BAR), "cyan")
    room = style.width - _NUMBERS - _BAR - 2
    return f"{_numbers(spent, whole)}{bar}  {style.end(words.rstrip(), room)}"


def _numbers(spent: float, whole: float) -> str:
    return f"  {seconds(spent):>7} s  {spent / whole:>6.1%}  "


def _line_rows(main: Ledger, style: Style) -> list[str]:
    shown = [line for line in main.lines if line.seconds >= main.seconds * _LITTLE][:MAX_LINES]
    if not shown:
        return []
    lines = [""]
    for line in shown:
        lines += _line(line, main, style)
    rest = main.lines[len(shown) :]
    if rest:
        spent = sum(line.seconds for line in rest)
        words = f"{count(len(rest), 'more line')}: see --format json"
        lines.append(style.paint(style.end(_numbers(spent, main.seconds) + words, style.width), "dim"))
    return lines


def _line(line: TimeLine, main: Ledger, style: Style) -> list[str]:
    room = style.width - _NUMBERS
    place = style.place(line.file, line.line, max(room - len(f":{line.line}") - 8, 12))
    name = f" in {clean(line.function)}" if line.function else ""
    name = style.end(name, max(room - len(place), 0)) if len(place) + 6 <= room else ""
    split = _split(line.shares, line.seconds)
    text = clean(source.line_text(line.file, line.line))
    for_text = style.width - _BELOW - len(split) - 2
    shown = style.end(text, for_text) if text and for_text >= _NAME else ""
    below = style.end(f"{'':{_BELOW}}{split}{'  ' if shown else ''}{shown}", style.width)
    return [
        f"{_numbers(line.seconds, main.seconds)}{style.paint(place, 'cyan')}{name}",
        style.paint(below, "dim"),
    ]


def _split(shares: Sequence[TimeShare], whole: float) -> str:
    """`compiling 70%, tracing 28%`; one alone is named without a number."""
    if len(shares) == 1:
        return name_of(shares[0].activity)
    found = [(round(share.seconds / whole * 100), share) for share in shares]
    words = [f"{name_of(share.activity)} {percent}%" for percent, share in found if percent]
    return ", ".join(words[:3])


def _others(others: Sequence[Ledger], style: Style) -> list[str]:
    if not others:
        return []
    spent: dict[str, float] = {}
    for ledger in others:
        for share in ledger.shares:
            spent[share.activity] = spent.get(share.activity, 0.0) + share.seconds
    whole = sum(spent.values())
    largest = sorted(spent.items(), key=lambda item: -item[1])
    parts = [f"{name_of(name)} {own / whole:.0%}" for name, own in largest if own >= whole * _PART]
    words = f"{count(len(others), 'other process')}, {seconds(whole)} s together: {', '.join(parts)}"
    words = words.replace("processs", "processes")
    return ["", *(style.paint(line, "dim") for line in style.wrap(words, 2))]

"""Where the wall time went: activities, the flame graph, lines, and the phases of tracing.

It must not know how time was measured.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tracedbg.events import PHASES
from tracedbg.report.html.flame import fill_of, flames
from tracedbg.report.html.markup import Element, element
from tracedbg.report.html.parts import Cell, Column, Section, bar, muted, place, shortened, table
from tracedbg.report.ledger import NAMES, NOTICEABLE_S, TRACED, name_of
from tracedbg.report.style import count, seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tracedbg.explain import FunctionSummary, Ledger, NativeSummary, Summary, TimeShare
    from tracedbg.explain.detail import Detail
    from tracedbg.report.html.markup import Node
    from tracedbg.report.html.parts import Look

MAX_LINES = 60
MAX_LEDGERS = 16
_MAX_PARTS = 3
_LEAST_SHOWN = 0.0005


def wall_time(detail: Detail, look: Look) -> Section | None:
    """The main process at length, the others in a table."""
    summary = detail.summary
    if not summary.ledgers:
        return _phases_alone(summary)
    main, *others = summary.ledgers
    content: list[Node] = [
        element("p", _head(main), class_="lead"),
        _ribbon(main),
        _activities(main),
        flames(detail.flames, look),
        _lines(main, look),
        _phases(summary),
        _other_processes(others, look),
    ]
    return Section("time", "Where the time went", tuple(content))


def _head(main: Ledger) -> str:
    rank = "" if main.rank is None else f"Rank {main.rank}: "
    words = (
        f"{rank}{seconds(main.seconds)} s, by {count(main.samples, 'sample')} of the main thread; tracing and"
        " compiling as they were recorded"
    )
    if main.threads and main.threads_seconds >= NOTICEABLE_S:
        words += (
            f". {count(main.threads, 'other thread')} ran for {seconds(main.threads_seconds)} s beside it"
        )
    return f"{words}."


def _ribbon(main: Ledger) -> Element:
    """All of the time as one bar."""
    drawn = []
    at = 0.0
    for share in main.shares:
        width = share.seconds / main.seconds * 100 if main.seconds else 0.0
        drawn.append(
            element(
                "rect",
                x=f"{at:.3f}%",
                width=f"{max(width - 0.15, 0.05):.3f}%",
                height="100%",
                class_=f"fill-{fill_of(share.activity)}",
            )
        )
        at += width
    return element("svg", drawn, class_="ribbon", aria_hidden="true")


def _activities(main: Ledger) -> Element:
    rows = []
    for share in main.shares:
        name, what = NAMES.get(share.activity, (share.activity, ""))
        key = element("span", class_=f"key key-{fill_of(share.activity)}", aria_hidden="true")
        rows.append(
            [
                Cell([key, " ", element("b", name), element("span", f" {what}", class_="muted")], name),
                Cell(seconds(share.seconds), share.seconds),
                Cell(_percent(share.seconds, main.seconds), share.seconds),
                Cell(_parts(share), None),
            ]
        )
    columns = (
        Column("Activity"),
        Column("Seconds", is_number=True),
        Column("Share", is_number=True),
        Column("More closely"),
    )
    return table("Activities of the main thread; they add up to the wall time", columns, rows)


def _parts(share: TimeShare) -> str:
    parts = [
        f"{part.name} {seconds(part.seconds)} s"
        for part in share.parts[:_MAX_PARTS]
        if part.seconds >= _LEAST_SHOWN
    ]
    return ", ".join(parts) + (", …" if len(share.parts) > _MAX_PARTS else "")


def _percent(part: float, whole: float) -> str:
    return f"{part / whole:.1%}" if whole else ""


def _lines(main: Ledger, look: Look) -> Node:
    if not main.lines:
        return None
    most = main.lines[0].seconds or 1.0
    rows = [
        [
            Cell(
                [place(look, line.file, line.line, line.function), _text(look, line.file, line.line)],
                f"{line.file}:{line.line:07}",
            ),
            Cell(seconds(line.seconds), line.seconds),
            Cell(_percent(line.seconds, main.seconds), line.seconds),
            Cell(bar(line.seconds / most), line.seconds),
            Cell(_split(line.shares, line.seconds), None),
        ]
        for line in main.lines[:MAX_LINES]
    ]
    columns = (
        Column("Line"),
        Column("Seconds", is_number=True, hint="with all that it called"),
        Column("Share", is_number=True),
        Column("", is_bar=True),
        Column("Of it"),
    )
    rest = main.lines[MAX_LINES:]
    words = ""
    if rest:
        spent = seconds(sum(one.seconds for one in rest))
        words = f"{count(len(rest), 'more line')} left out here: {spent} s. See --format json."
    return [element("h3", "By line"), table("Lines by wall time", columns, rows, rest=words)]


def _text(look: Look, file: str, line: int) -> Node:
    """What the line says, below its place."""
    text = look.excerpts.line(file, line)
    return element("code", text, class_="text") if text else None


def _split(shares: Sequence[TimeShare], whole: float) -> str:
    found = [(share.seconds / whole if whole else 0.0, share) for share in shares]
    return ", ".join(f"{name_of(share.activity)} {part:.0%}" for part, share in found[:_MAX_PARTS])


def _phases_alone(summary: Summary) -> Section | None:
    phases = _phases(summary)
    return None if phases is None else Section("time", "Where the time went", (phases,))


def _phases(summary: Summary) -> Node:
    """What tracing spent in all functions together, and what the compiler caches said."""
    functions = list(summary.every_function())
    spent: Counter[str] = Counter()
    number: Counter[str] = Counter()
    for function in functions:
        for phase in function.phases:
            spent[phase.name] += phase.seconds  # type: ignore[assignment]  # seconds are added up as well
            number[phase.name] += phase.count
    whole = sum(spent.values())
    if not whole:
        return None
    order = [name for name in PHASES if spent[name]]
    rows = [
        [
            Cell([element("b", name), element("span", f" {PHASES[name]}", class_="muted")], name),
            Cell(seconds(spent[name]), spent[name]),
            Cell(_percent(spent[name], whole), spent[name]),
            Cell(bar(spent[name] / whole), spent[name]),
            Cell(number[name], number[name]),
        ]
        for name in order
    ]
    columns = (
        Column("Phase"),
        Column("Seconds", is_number=True),
        Column("Share", is_number=True),
        Column("", is_bar=True),
        Column("Traces", is_number=True),
    )
    shown = table("Phases of tracing, of all functions together, in their order", columns, rows)
    return [element("h3", "Where tracing time went"), shown, _caches(functions)]


def _caches(functions: Iterable[FunctionSummary]) -> Node:
    asked: Counter[str] = Counter()
    for function in functions:
        asked.update(dict(function.caches))
    words = ", ".join(f"{name.replace('_', ' ')} {number}" for name, number in sorted(asked.items()))
    return muted(f"Compiler caches: {words}.") if words else None


def _other_processes(others: Sequence[Ledger], look: Look) -> Node:
    if not others:
        return None
    del look
    rows = []
    for one in others[:MAX_LEDGERS]:
        name = f"process {one.pid}" if one.rank is None else f"rank {one.rank}, process {one.pid}"
        traced = sum(share.seconds for share in one.shares if share.activity in TRACED)
        rows.append(
            [
                Cell(name, f"{one.rank if one.rank is not None else 10**9:010} {one.pid:010}"),
                Cell(seconds(one.seconds), one.seconds),
                Cell(seconds(traced), traced),
                Cell(_split(one.shares, one.seconds), None),
            ]
        )
    columns = (
        Column("Process"),
        Column("Seconds", is_number=True),
        Column("Traced", is_number=True, hint="tracing and compiling"),
        Column("Of it"),
    )
    rest = len(others) - MAX_LEDGERS
    words = (
        f"{count(rest, 'more process').replace('processs', 'processes')} left out here: see --format json."
        if rest > 0
        else ""
    )
    return [
        element("h3", "Other processes"),
        table("Wall time of the other processes", columns, rows, rest=words),
    ]


def native(summary: Summary, look: Look) -> Section | None:
    """Functions of C and C++ by line."""
    if summary.native is None:
        return None
    found = summary.native
    head = f"{count(found.samples, 'sample')} of the main thread, {found.rate_hz} a second, by py-spy."
    content = (
        muted(" ".join(filter(None, (head if found.samples else "", found.note)))),
        _native_lines(found, look),
    )
    return Section("native", "Native functions by line", content)


def _native_lines(found: NativeSummary, look: Look) -> Node:
    if not found.lines:
        return None
    rows = [
        [
            Cell(
                place(look, line.file, line.line, line.function) if line.file else "no line of yours",
                f"{line.file}:{line.line:07}",
            ),
            Cell(line.samples, line.samples),
            Cell(_percent(line.samples, found.samples), line.samples),
            Cell(
                [
                    element(
                        "code",
                        f"{shortened(part.function, 80)} {_percent(part.samples, line.samples)}",
                        class_="text",
                    )
                    for part in line.functions[:_MAX_PARTS]
                ],
                None,
            ),
        ]
        for line in found.lines[:MAX_LINES]
    ]
    columns = (
        Column("Line"),
        Column("Samples", is_number=True),
        Column("Share", is_number=True),
        Column("Mostly in"),
    )
    return table("Lines by native samples", columns, rows)

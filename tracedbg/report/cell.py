"""What a notebook shows of a run: a small table, safe to put into any page.

It must not know who shows it. Everything that a program can name is escaped, and nothing is loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg import source
from tracedbg.report.html.markup import Node, element
from tracedbg.report.html.markup import render as render_node
from tracedbg.report.style import Style, count, seconds
from tracedbg.report.text import WIDTH, headline, render
from tracedbg.store.run import current_folder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracedbg.explain import Summary

LIMIT = 10
"""Rows of each table, by default."""
_LONG = 60
_HEADS = ("traces", "retraces", "breaks", "seconds", "function", "line")
_NUMBERS = 4
_CELL = "padding: 0.15em 0.7em; vertical-align: top; text-align:"


def bundle(
    summary: Summary, folder: str, *, limit: int = LIMIT, color: bool = False, width: int = WIDTH
) -> dict[str, str]:
    """By MIME type, as a notebook takes it: `text/html`, and the report as `text/plain`."""
    return {
        "text/plain": render(summary, color=color, width=width).rstrip("\n"),
        "text/html": html(summary, folder, limit=limit),
    }


def html(summary: Summary, folder: str, *, limit: int = LIMIT) -> str:
    """Functions by cost, why they were traced again, and what else there is to change.

    Args:
        summary: of the run.
        folder: of the run, for the line that says where more is.
        limit: rows of each table at most.
    """
    style = Style(folder=current_folder())
    parts: list[Node] = [element("p", element("b", "tracedbg"), f": {headline(summary)}")]
    if summary.functions:
        parts.append(_functions(summary, style, limit))
    for title, entries in (
        ("Why it was traced again", _retraces(summary, style)),
        ("Graph breaks", _breaks(summary, style)),
        ("Runs eager, without a word", _eager(summary, style)),
        ("Stale: traced once, changed since", _stale(summary, style)),
    ):
        parts += _section(title, entries, limit)
    parts += (
        element(
            "details", element("summary", "the whole report"), element("pre", render(summary, width=100))
        ),
        element("p", element("small", "kept in ", element("code", folder))),
    )
    return render_node(element("div", parts, class_="tracedbg", style="font-size: 0.9em"))


def _functions(summary: Summary, style: Style, limit: int) -> Node:
    shown, rest = summary.functions[:limit], summary.functions[limit:]
    rows: list[tuple[Node, ...]] = [
        (
            str(one.traces),
            str(one.retraces),
            str(one.graph_breaks),
            seconds(one.seconds),
            element("code", style.tail(one.name, _LONG, ".")),
            style.place(one.file, one.line),
        )
        for one in shown
    ]
    if rest:
        rest_rows = sum(one.traces for one in rest), sum(one.retraces for one in rest)
        spent = seconds(sum(one.self_seconds for one in rest))
        rows.append((*map(str, rest_rows), "", spent, count(len(rest), "more function"), ""))
    head = element("thead", _row("th", _HEADS))
    return element("table", head, element("tbody", [_row("td", row) for row in rows]))


def _row(tag: str, cells: Iterable[Node]) -> Node:
    """A row of the table: numbers to the right."""
    return element(
        "tr",
        [
            element(tag, cell, style=f"{_CELL} {'right' if column < _NUMBERS else 'left'}")
            for column, cell in enumerate(cells)
        ],
    )


def _section(title: str, entries: Iterable[Node], limit: int) -> list[Node]:
    found = list(entries)
    if not found:
        return []
    section: list[Node] = [
        element("p", element("b", title)),
        element("ul", [element("li", entry) for entry in found[:limit]]),
    ]
    if len(found) > limit:
        section.append(element("p", f"and {len(found) - limit} more"))
    return section


def _entry(place: str, function: str, numbers: str, said: Iterable[Node]) -> Node:
    """A place with its source, and what there is to say of it."""
    lines = [(element("br"), line) for line in said if line]
    return place, " in ", element("code", function), f" ({numbers})" if numbers else "", lines


def _source(file: str, line: int) -> Node:
    text = source.line_text(file, line)
    return element("code", text) if text else None


def _retraces(summary: Summary, style: Style) -> Iterable[Node]:
    found = [(group, function) for function in summary.every_function() for group in function.causes]
    for group, function in sorted(found, key=lambda one: (one[0].settled, -one[0].seconds)):
        numbers = f"{count(group.count, 'retrace')}, {seconds(group.seconds)} s"
        yield _entry(
            style.place(group.file, group.line),
            function.name,
            f"{numbers}, settled" if group.settled else numbers,
            (_source(group.file, group.line), group.message, element("em", group.advice)),
        )


def _breaks(summary: Summary, style: Style) -> Iterable[Node]:
    for one in summary.graph_breaks:
        place = style.place(one.file, one.line)
        yield _entry(place, one.function, one.code, (_source(one.file, one.line), one.kind))


def _eager(summary: Summary, style: Style) -> Iterable[Node]:
    for one in summary.functions:
        if one.silent_eager is not None:
            said = one.silent_eager.reason, element("em", one.silent_eager.advice)
            yield _entry(style.place(one.file, one.line), one.name, "", said)


def _stale(summary: Summary, style: Style) -> Iterable[Node]:
    for function in summary.every_function():
        for one in function.stale:
            said = _source(one.file, one.line), one.message, element("em", one.advice)
            yield _entry(style.place(one.file, one.line), function.name, one.kind.replace("_", " "), said)

"""What a notebook shows of a run: a small table, safe to put into any page.

It must not know who shows it. Everything that a program can name is escaped, and nothing is loaded.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from tracedbg import source
from tracedbg.report.style import Style, clean, count, seconds
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
    parts = [f"<p><b>tracedbg</b>: {_text(headline(summary))}</p>"]
    if summary.functions:
        parts.append(_functions(summary, style, limit))
    for title, entries in (
        ("Why it was traced again", _retraces(summary, style)),
        ("Graph breaks", _breaks(summary, style)),
        ("Runs eager, without a word", _eager(summary, style)),
        ("Stale: traced once, changed since", _stale(summary, style)),
    ):
        parts += _section(title, entries, limit)
    report = escape("".join(line + "\n" for line in map(clean, render(summary, width=100).splitlines())))
    parts.append(
        f"<details><summary>the whole report</summary><pre>{report}</pre></details>"
        f"<p><small>kept in <code>{_text(folder)}</code></small></p>"
    )
    return f'<div class="tracedbg" style="font-size: 0.9em">{"".join(parts)}</div>'


def _text(text: str) -> str:
    return escape(clean(text))


def _functions(summary: Summary, style: Style, limit: int) -> str:
    shown, rest = summary.functions[:limit], summary.functions[limit:]
    rows: list[tuple[str, ...]] = [
        (
            str(one.traces),
            str(one.retraces),
            str(one.graph_breaks),
            seconds(one.seconds),
            f"<code>{_text(style.tail(one.name, _LONG, '.'))}</code>",
            _text(style.place(one.file, one.line)),
        )
        for one in shown
    ]
    if rest:
        rest_rows = sum(one.traces for one in rest), sum(one.retraces for one in rest)
        spent = seconds(sum(one.self_seconds for one in rest))
        rows.append((*map(str, rest_rows), "", spent, _text(count(len(rest), "more function")), ""))
    head = _row("th", _HEADS)
    body = "".join(_row("td", row) for row in rows)
    return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"


def _row(tag: str, cells: Iterable[str]) -> str:
    """A row of the table: numbers to the right."""
    row = [
        f'<{tag} style="{_CELL} {"right" if column < _NUMBERS else "left"}">{cell}</{tag}>'
        for column, cell in enumerate(cells)
    ]
    return f"<tr>{''.join(row)}</tr>"


def _section(title: str, entries: Iterable[str], limit: int) -> list[str]:
    found = list(entries)
    if not found:
        return []
    items = "".join(f"<li>{entry}</li>" for entry in found[:limit])
    more = f"<p>and {len(found) - limit} more</p>" if len(found) > limit else ""
    return [f"<p><b>{title}</b></p><ul>{items}</ul>{more}"]


def _entry(place: str, function: str, numbers: str, said: Iterable[str]) -> str:
    """A place with its source, and what there is to say of it."""
    lines = "".join(f"<br>{line}" for line in said if line)
    numbers = f" ({_text(numbers)})" if numbers else ""
    return f"{_text(place)} in <code>{_text(function)}</code>{numbers}{lines}"


def _source(file: str, line: int) -> str:
    text = source.line_text(file, line)
    return f"<code>{_text(text)}</code>" if text else ""


def _retraces(summary: Summary, style: Style) -> Iterable[str]:
    found = [(group, function) for function in summary.every_function() for group in function.causes]
    for group, function in sorted(found, key=lambda one: (one[0].settled, -one[0].seconds)):
        numbers = f"{count(group.count, 'retrace')}, {seconds(group.seconds)} s"
        yield _entry(
            style.place(group.file, group.line),
            function.name,
            f"{numbers}, settled" if group.settled else numbers,
            (_source(group.file, group.line), _text(group.message), f"<em>{_text(group.advice)}</em>"),
        )


def _breaks(summary: Summary, style: Style) -> Iterable[str]:
    for one in summary.graph_breaks:
        place = style.place(one.file, one.line)
        yield _entry(place, one.function, one.code, (_source(one.file, one.line), _text(one.kind)))


def _eager(summary: Summary, style: Style) -> Iterable[str]:
    for one in summary.functions:
        if one.silent_eager is not None:
            said = _text(one.silent_eager.reason), f"<em>{_text(one.silent_eager.advice)}</em>"
            yield _entry(style.place(one.file, one.line), one.name, "", said)


def _stale(summary: Summary, style: Style) -> Iterable[str]:
    for function in summary.every_function():
        for one in function.stale:
            said = _source(one.file, one.line), _text(one.message), f"<em>{_text(one.advice)}</em>"
            yield _entry(style.place(one.file, one.line), function.name, one.kind.replace("_", " "), said)

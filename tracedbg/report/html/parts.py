"""What all sections of the page are made of: places, code, bars, tables, advice.

It must not know what a section says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracedbg.report.html.markup import Element, element

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tracedbg.report.html.excerpts import Excerpts
    from tracedbg.report.html.markup import Node, Value
    from tracedbg.report.style import Style

_CODE = re.compile(r"`([^`]+)`")
_PATH = 56
MAX_TEXT = 2000
"""Characters of one message; the rest is left out."""


@dataclass(frozen=True)
class Look:
    """How the page shows places."""

    style: Style
    excerpts: Excerpts


@dataclass(frozen=True)
class Section:
    """A part of the page that has a place in its list of contents."""

    slug: str
    title: str
    content: tuple[Node, ...]
    count: str = ""
    """Beside the title in the list of contents."""

    def node(self) -> Element:
        """The section as it stands on the page."""
        title = f"{self.slug}-title"
        return element(
            "section",
            element("h2", self.title, id=title),
            self.content,
            id=self.slug,
            aria_labelledby=title,
            tabindex="-1",
        )


@dataclass(frozen=True)
class Column:
    """Of a table."""

    name: str
    is_number: bool = False
    hint: str = ""
    """What it counts, where its name does not say it."""
    is_bar: bool = False


@dataclass(frozen=True)
class Cell:
    """Of a table."""

    shown: Node
    value: float | str | None = None
    """What it is sorted by; what is shown, by default."""


def prose(text: str) -> Node:
    """A sentence of ours; what stands in backticks is code."""
    text = shortened(text)
    parts = _CODE.split(text)
    return [element("code", part) if number % 2 else part for number, part in enumerate(parts)]


def shortened(text: str, limit: int = MAX_TEXT) -> str:
    """Text that fits; what is left out is told."""
    left_out = len(text) - limit
    return text if left_out <= 0 else f"{text[:limit]}… ({left_out} more characters)"


def capitalised(text: str) -> str:
    """With a capital at its beginning; a name of the program's is left alone."""
    return text[:1].upper() + text[1:]


def paragraph(text: str, class_: str | None = None) -> Node:
    """A sentence of ours as a paragraph; nothing for none."""
    return element("p", prose(text), class_=class_) if text else None


def muted(text: str) -> Node:
    """A remark."""
    return paragraph(text, "muted")


def place(look: Look, file: str, line: int, function: str = "") -> Element:
    """`train.py:12 in step`."""
    where = look.style.place(file, line, _PATH) if line else look.style.path(file, _PATH)
    of: Node = [" in ", element("code", shortened(function, 200), class_="name")] if function else None
    return element("span", element("code", where, class_="path", title=file), of, class_="place")


def advice(text: str) -> Node:
    """What to do."""
    if not text:
        return None
    return element("p", element("strong", "What to do"), " ", prose(text), class_="advice")


def code_around(look: Look, file: str, line: int, otherwise: str = "", context: int = 2) -> Node:
    """The line with some around it; `otherwise`, if the file is not there."""
    found = look.excerpts.around(file, line, context)
    if found is None:
        if otherwise and look.excerpts.are_wanted:
            return code_lines([(line, otherwise)], line)
        if file in look.excerpts.changed:
            words = f"{look.style.path(file, _PATH)} has changed since the run: its lines are not shown."
            return element("p", words, class_="muted small")
        return None
    return code_lines(enumerate(found.lines, found.first), found.here)


def code_lines(lines: Iterable[tuple[int, str]], here: int = 0) -> Element:
    """Numbered lines of code; one of them is marked."""
    shown = [
        element("span", text or " ", "\n", data_n=number, class_="here" if number == here else None)
        for number, text in lines
    ]
    return element("pre", element("code", shown), class_="code")


def bar(share: float, class_: str = "") -> Element:
    """A bar of a share of the whole; its number stands beside it."""
    width = f"{min(max(share, 0.0), 1.0) * 100:.2f}%"
    drawn = element("rect", width=width, height="100%", class_=class_ or None)
    return element("svg", drawn, class_="bar", aria_hidden="true")


def numbers(*items: tuple[str, str]) -> Element:
    """`4 traces · 1.2 s`: each with its meaning."""
    return element(
        "ul", [element("li", element("b", value), " ", noun) for value, noun in items], class_="numbers"
    )


def table(
    caption: str,
    columns: Sequence[Column],
    rows: Iterable[Sequence[Cell]],
    *,
    rest: str = "",
    is_sortable: bool = True,
) -> Element:
    """A table; the first cell of a row is its header. A column in which nothing stands is left out.

    Args:
        caption: what it shows, for who does not see where it stands.
        columns: their heads.
        rows: a cell for each column.
        rest: what is left out.
        is_sortable: whether the script lets the reader sort it.
    """
    rows = list(rows)
    kept = [
        at for at in range(len(columns)) if not rows or any(row[at].shown not in ("", None) for row in rows)
    ]
    columns = [columns[at] for at in kept]
    rows = [[row[at] for at in kept] for row in rows]
    head = [
        element(
            "th",
            column.name,
            scope="col",
            class_=_class_of(column),
            title=column.hint or None,
        )
        for column in columns
    ]
    body = [
        element(
            "tr",
            [
                _cell(cell, column, number == 0)
                for number, (cell, column) in enumerate(zip(row, columns, strict=True))
            ],
        )
        for row in rows
    ]
    whole = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", head)),
        element("tbody", body),
        class_="data",
        data_sortable=is_sortable,
    )
    return element(
        "div",
        element("div", whole, class_="scroll", role="region", aria_label=caption, tabindex="0"),
        element("p", rest, class_="muted small") if rest else None,
        class_="table",
    )


def _class_of(column: Column) -> str | None:
    return "num" if column.is_number else "drawn" if column.is_bar else None


def _cell(cell: Cell, column: Column, is_head: bool) -> Element:
    value: Value = cell.value
    if is_head:
        return element("th", cell.shown, scope="row", data_value=value)
    return element("td", cell.shown, class_=_class_of(column), data_value=value)


def entries(items: Sequence[Node], total: int, where: str = "--format json") -> Node:
    """Cards below each other, and how many were left out."""
    rest = total - len(items)
    return [list(items), muted(f"And {rest} more: see {where}.") if rest > 0 else None]


def entry(title: Node, numbers_: Node, *content: Node, id_: str = "") -> Element:
    """A card."""
    head = element("header", element("h3", title), numbers_)
    return element("article", head, content, class_="entry", id=id_ or None)


def change(what: str, before: str, after: str) -> Node:
    """Before and after, side by side."""
    if not before and not after:
        return None
    sides = [
        element("div", element("dt", name), element("dd", element("code", shortened(text or "nothing", 600))))
        for name, text in (("before", before), ("after", after))
    ]
    label = element("p", element("code", what), class_="of") if what else None
    return element("div", label, element("dl", sides, class_="change"), class_="changed")

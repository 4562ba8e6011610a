"""A page taken apart by Python's own parser: whether it is well formed, and what stands in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "br"}


@dataclass
class Tag:
    """An element."""

    name: str
    attributes: dict[str, str | None]
    parent: Tag | None = None
    children: list[Tag | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    def all(self, name="", **attributes) -> list[Tag]:
        """The elements in it that have the name and the attributes."""
        wanted = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
        found = []
        for child in self.children:
            if isinstance(child, str):
                continue
            if name in ("", child.name) and all(child.attributes.get(k) == v for k, v in wanted.items()):
                found.append(child)
            found += child.all(name, **attributes)
        return found

    def one(self, name="", **attributes) -> Tag:
        (found,) = self.all(name, **attributes)
        return found


class Page(HTMLParser):
    """Reads a page; `faults` says what is not well formed."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self.at = Tag("", {})
        self.faults: list[str] = []
        self.feed(text)
        self.close()
        if self.at is not self.root:
            self.faults.append(f"<{self.at.name}> has no end")

    def handle_starttag(self, tag, attrs):
        made = Tag(tag, dict(attrs), self.at)
        if len(made.attributes) != len(attrs):
            self.faults.append(f"<{tag}> has an attribute twice")
        self.at.children.append(made)
        if tag not in VOID:
            self.at = made

    def handle_endtag(self, tag):
        if self.at.name != tag:
            self.faults.append(f"</{tag}> in <{self.at.name}>")
            return
        self.at = self.at.parent

    def handle_data(self, data):
        self.at.children.append(data)

    def handle_comment(self, data):
        self.faults.append(f"a comment: {data}")


def parsed(text: str) -> Tag:
    """The page, which must be well formed."""
    page = Page(text)
    assert page.faults == []
    return page.root


def rows(table: Tag) -> list[list[float | str | None]]:
    """What the cells of a table are sorted by: what it shows, exactly."""
    return [[value(cell) for cell in row.all("th") + row.all("td")] for row in table.one("tbody").all("tr")]


def value(cell: Tag) -> float | str | None:
    told = cell.attributes.get("data-value")
    if told is None:
        return None
    try:
        return float(told)
    except ValueError:
        return told


def table_of(page: Tag, caption: str) -> Tag:
    """The table with that caption."""
    (found,) = [table for table in page.all("table") if table.one("caption").text == caption]
    return found

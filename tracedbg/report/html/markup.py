"""HTML as data: elements, and the one place where text becomes markup. It must not know what a page says.

A `str` is always text, whatever is in it, and an `Element` always markup: nothing can be escaped twice, or
not at all. Control characters, and those that turn text around, are spelled out. What comes out is ASCII, so
that no encoding can change what it says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, TypeAlias

from tracedbg.plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_VOID = frozenset({"br", "meta"})
"""Elements that have no end. Those of SVG all have one, in HTML."""
_NAME = re.compile(r"[a-z][a-zA-Z0-9]*(?:-[a-z0-9]+)*")
_TAB = 4

Node: TypeAlias = "Element | Inline | str | int | Iterable[Node] | None"
"""What may stand in an element; None is nothing."""
Value: TypeAlias = "str | int | float | bool | None"
"""Of an attribute; True is an attribute without a value, False and None are none at all."""


@dataclass(frozen=True)
class Element:
    """An element with what is in it."""

    tag: str
    attributes: tuple[tuple[str, Value], ...] = ()
    children: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Inline:
    """The content of a `style` or `script`, which is not escaped: it comes with the package, as it is."""

    text: str

    def __post_init__(self) -> None:
        if "</" in self.text or "<!--" in self.text or not self.text.isascii():
            raise ValueError("what stands in a style or script must be ASCII, and hold no markup")


def element(tag: str, *children: Node, **attributes: Value) -> Element:
    """An element. `class_` stands for `class`, `data_value` for `data-value`."""
    named = tuple((name.rstrip("_").replace("_", "-"), value) for name, value in attributes.items())
    return Element(tag, named, children)


def text_of(value: str) -> str:
    """Text as it may stand in an element, or between the quotes of an attribute."""
    shown = "\n".join(plain(line.expandtabs(_TAB)) for line in value.split("\n"))
    return escape(shown, quote=True).encode("ascii", "xmlcharrefreplace").decode()


def render(node: Node) -> str:
    """A node as HTML."""
    return "".join(_pieces(node))


def _pieces(node: Node) -> Iterator[str]:
    if node is None:
        return
    if isinstance(node, str):
        yield text_of(node)
    elif isinstance(node, int):
        yield str(node)
    elif isinstance(node, Inline):
        yield node.text
    elif isinstance(node, Element):
        yield f"<{_name(node.tag)}{''.join(_attributes(node))}>"
        if node.tag not in _VOID:
            for child in node.children:
                yield from _pieces(child)
            yield f"</{node.tag}>"
    else:
        for child in node:
            yield from _pieces(child)


def _attributes(node: Element) -> Iterator[str]:
    for name, value in node.attributes:
        if value is True:
            yield f" {_name(name)}"
        elif value is not None and value is not False:
            text = f"{value:.9f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
            yield f' {_name(name)}="{text_of(text)}"'


def _name(name: str) -> str:
    """A name that is one: they are all ours."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of an element or attribute")
    return name

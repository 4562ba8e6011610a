"""Python source as pieces of text with the name of a colour each. It must not know any widget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pygments.lexers.python import PythonLexer  # type: ignore[import-untyped]
from pygments.token import (  # type: ignore[import-untyped]
    Comment,
    Keyword,
    Name,
    Number,
    Operator,
    String,
    Token,
)

from tracedbg_tui.debug.lines import printable

if TYPE_CHECKING:
    from pygments.token import _TokenType

Piece = tuple[str, str]
"""(text, name of a colour)."""

COLOURS = ("text", "keyword", "string", "comment", "number", "function", "builtin", "operator")
_MOST_CHARACTERS = 2_000_000
"""A longer text stays without colours: it would take seconds."""

_BY_TOKEN: dict[_TokenType, str] = {
    Comment: "comment",
    Keyword: "keyword",
    Keyword.Constant: "number",
    Operator.Word: "keyword",
    Operator: "operator",
    String: "string",
    Number: "number",
    Name.Function: "function",
    Name.Class: "function",
    Name.Decorator: "builtin",
    Name.Builtin: "builtin",
    Name.Exception: "builtin",
}


def plain(text: str) -> list[list[Piece]]:
    """Each line as one piece."""
    return [[(printable(line), "text")] for line in _lines(text)]


def highlighted(text: str) -> list[list[Piece]]:
    """Each line in pieces; safe in any thread, and slow for long texts."""
    if len(text) > _MOST_CHARACTERS:
        return plain(text)
    lines: list[list[Piece]] = [[]]
    for token, value in PythonLexer(ensurenl=False, stripnl=False).get_tokens("\n".join(_lines(text))):
        colour = _colour(token)
        first, *others = value.split("\n")
        if first:
            lines[-1].append((printable(first), colour))
        lines.extend([(printable(other), colour)] if other else [] for other in others)
    return lines


def _lines(text: str) -> list[str]:
    """As Python counts lines: a form feed or another separator of Unicode's does not end one."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").expandtabs(4).split("\n")
    return lines[:-1] if len(lines) > 1 and not lines[-1] else lines


def _colour(token: _TokenType) -> str:
    while token is not Token:
        if (found := _BY_TOKEN.get(token)) is not None:
            return found
        token = token.parent
    return "text"

"""The little Markdown that our own pages use, as text for a terminal.

It must not know what a page is about.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracedbg.report.style import Style

_CODE_INDENT = 4
_FENCE = re.compile(r"^```\w*(?:\n|\Z)", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")
_STRONG = re.compile(r"\*\*([^*]+)\*\*|\*([^*]+)\*")
_BREAK = re.compile(r"\n\s*\n|\n(?=- )")
"""Between two paragraphs, or before an item of a list."""


def as_text(markdown: str, style: Style) -> list[str]:
    """Paragraphs and lists wrapped, code as it is; links and emphasis by their words alone."""
    lines: list[str] = []
    prose, *rest = _FENCE.split(markdown)
    lines += _prose(prose, style)
    for number, part in enumerate(rest):
        if number % 2:
            lines += _prose(part, style)
        else:
            lines += [(" " * _CODE_INDENT + line).rstrip() for line in part.splitlines()] + [""]
    return lines[:-1] if lines[-1:] == [""] else lines


def _prose(text: str, style: Style) -> list[str]:
    lines: list[str] = []
    paragraphs = [part for part in _BREAK.split(text) if part.strip()]
    for number, paragraph in enumerate(paragraphs):
        words = _STRONG.sub(lambda found: found[1] or found[2], _LINK.sub(r"\1", " ".join(paragraph.split())))
        is_item = words.startswith("- ")
        lines += style.wrap(words.removeprefix("- "), 0, "- " if is_item else "")
        if not (is_item and number + 1 < len(paragraphs) and paragraphs[number + 1].startswith("- ")):
            lines.append("")
    return lines

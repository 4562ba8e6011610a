"""A pane of sentences: wrapped to its width, some with a line of source behind them.

It must not know what they are about.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len

from tracedbg_tui.debug.lines import printable
from tracedbg_tui.recorded.listing import Searchable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.segment import Segment
    from textual.events import Resize

_LEAST_CELLS = 20


@dataclass(frozen=True)
class Told:
    """One sentence, or one line."""

    text: str = ""
    style: str = ""
    """`title`, `dim`, `note`, `stop`, `name`, `value`, `good`, `code`, or nothing."""
    indent: int = 0
    lead: str = ""
    """What stands before its first line."""
    right: str = ""
    """What stands at the right edge of its first line."""
    file: str = ""
    line: int = 0
    is_wrapped: bool = True


@dataclass(frozen=True)
class _Line:
    text: str
    told: Told
    right: str = ""


class Telling(Searchable):
    """Shows sentences."""

    def __init__(self, nothing: str = "") -> None:
        """Make it.

        Args:
            nothing: what is shown first.
        """
        super().__init__()
        self.told_lines: Sequence[Told] = (Told(nothing, "dim", 2),) if nothing else ()
        self._lines: list[_Line] = []
        self._width = 0

    def tell(self, lines: Sequence[Told], *, from_start: bool = True) -> None:
        """Show other sentences.

        Args:
            lines: the sentences.
            from_start: whether they are about something else than before.
        """
        if tuple(lines) == tuple(self.told_lines):
            return
        self.told_lines = tuple(lines)
        self._wrap()
        self.reload()
        self.call_after_refresh(self._wrap_again)
        if from_start:
            self.scroll_to(y=0, animate=False, immediate=True, force=True)
            self.cursor = 0

    def on_resize(self, event: Resize) -> None:
        """Wrap to the new width."""
        self._wrap()
        super().on_resize(event)
        self.call_after_refresh(self._wrap_again)

    def _wrap_again(self) -> None:
        """Wrap to the width that it has come to: a scroll bar, or the first layout, comes after the text."""
        if self._width != self._room():
            self._wrap()
            self.reload()

    def _room(self) -> int:
        return max(_LEAST_CELLS, self.scrollable_content_region.width or self.size.width)

    def _wrap(self) -> None:
        width = self._width = self._room()
        self._lines = [line for told in self.told_lines for line in _wrapped(told, width)]

    def count(self) -> int:
        """See `Lines`; the same for the methods below."""
        return len(self._lines)

    def draw(self, index: int, width: int) -> list[Segment]:  # noqa: D102
        line = self._lines[index]
        made = [self.ink(line.text, line.told.style)]
        if line.right:
            gap = width - cell_len(line.text) - cell_len(line.right) - 1
            made += [self.ink(" " * max(2, gap)), self.ink(line.right, "note")]
        return made

    def text_at(self, index: int) -> str:  # noqa: D102
        return self._lines[index].text.strip() if index < len(self._lines) else ""

    def place_at(self, index: int) -> tuple[str, int] | None:
        """The line of source of the nearest line above that has one."""
        for line in reversed(self._lines[: index + 1]):
            if line.told.file and line.told.line:
                return line.told.file, line.told.line
            if not line.told.text:
                break
        return None

    def copied(self) -> str:
        """The whole sentence."""
        if not self._lines:
            return ""
        told = self._lines[self.cursor].told
        return "  ".join(filter(None, (told.text, told.right)))


def _wrapped(told: Told, width: int) -> list[_Line]:
    first = " " * told.indent + told.lead
    text = printable(told.text)
    if not text or not told.is_wrapped:
        return [_Line(first + text, told, told.right)]
    room = max(_LEAST_CELLS, width - 1)
    if told.right:
        room = max(_LEAST_CELLS, room - len(told.right) - 2)
    made = textwrap.wrap(
        text, room, initial_indent=first, subsequent_indent=" " * len(first), break_on_hyphens=False
    )
    return [_Line(line, told, "" if number else told.right) for number, line in enumerate(made)]

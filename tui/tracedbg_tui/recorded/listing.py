"""A list of rows that can be searched, filtered and copied. It must not know what a row is."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from rich.segment import Segment

from tracedbg_tui import keys
from tracedbg_tui.debug.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from textual.binding import BindingType

Row = TypeVar("Row")
_LEAST_CELLS = 20


class Searchable(Lines):
    """Lines that have a text each."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"recorded--title", "recorded--good", "recorded--code"}
    DEFAULT_CSS = """
    Searchable > .recorded--title { text-style: bold; }
    Searchable > .recorded--good { color: $text-success; }
    Searchable > .recorded--code { color: $foreground 80%; text-style: italic; }
    """

    def text_at(self, index: int) -> str:
        """A line as one would read it: what is searched, and copied."""
        raise NotImplementedError

    def copied(self) -> str:
        """What is copied from the line at the cursor."""
        return self.text_at(self.cursor) if self.count() else ""

    def place_at(self, index: int) -> tuple[str, int] | None:  # noqa: ARG002  for subclasses
        """The line of source that a line is about."""
        return None

    async def find(self, text: str, start: int, step: int) -> int | None:
        """The first line that has a text, from one on, round the end; capitals count if it has any.

        Args:
            text: to look for.
            start: where to begin, from 0.
            step: 1 forward, -1 backward.
        """
        is_exact, total = text != text.lower(), self.count()
        for distance in range(total):
            index = (start + step * distance) % total
            line = self.text_at(index)
            if text in (line if is_exact else line.lower()):
                return index
        return None

    def ink(self, text: str, style: str = "") -> Segment:
        """A piece of a line, in a style by its short name."""
        name = f"recorded--{style}" if style in ("title", "good", "code") else style
        return Segment(text, self.style_of(name) if name else None)


class Listing(Searchable, Generic[Row]):
    """Rows of one kind, of which some may be hidden by a filter."""

    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.LISTING)
    NOTHING = "nothing here"
    """What is shown where there are no rows."""

    def __init__(self) -> None:
        super().__init__()
        self.all_rows: Sequence[Row] = ()
        self.rows: list[Row] = []
        """Those that are shown."""
        self.filter = ""

    # --- for subclasses --------------------------------------------------------------------------

    def text_of(self, row: Row) -> str:
        """A row as one would read it."""
        raise NotImplementedError

    def key_of(self, row: Row) -> Hashable:
        """What stays the same of a row when there are others."""
        raise NotImplementedError

    def segments(self, row: Row, width: int) -> list[Segment]:
        """A row as it is drawn."""
        raise NotImplementedError

    # --- what is shown ---------------------------------------------------------------------------

    @property
    def row(self) -> Row | None:
        """The one at the cursor."""
        return self.rows[self.cursor] if self.cursor < len(self.rows) else None

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show other rows; the cursor stays with the one that it is on."""
        row = self.row
        self._put(rows, None if row is None else self.key_of(row))

    def _put(self, rows: Sequence[Row], key: Hashable) -> None:
        self.all_rows = rows
        wanted = self.filter.lower()
        self.rows = [row for row in rows if not wanted or wanted in self.text_of(row).lower()]
        self.note = f"{len(self.rows):,} of {len(rows):,} have {self.filter!r}" if wanted else ""
        at = next((n for n, row in enumerate(self.rows) if self.key_of(row) == key), None) if key else None
        self.reload()
        before = self.cursor
        self.cursor = self.cursor if at is None else at
        if before == self.cursor:
            self.post_message(self.Moved(self, self.cursor))  # another row may be there

    def filter_by(self, text: str) -> None:
        """Show only the rows that have a text; all, if it is empty."""
        self.filter = text.strip()
        self.show_rows(self.all_rows)

    def action_unfilter(self) -> None:
        """Show all rows."""
        if self.filter:
            self.filter_by("")

    def go_to_key(self, key: Hashable) -> bool:
        """Put the cursor on a row; whether there is one of that key."""
        for is_last in (False, True):
            for index, row in enumerate(self.rows):
                if self.key_of(row) == key:
                    self.go_to(index)
                    return True
            if not is_last and self.filter:
                self.filter_by("")
        return False

    # --- drawing ---------------------------------------------------------------------------------

    def _why_nothing(self) -> list[str]:
        """What is told where there are no rows, in lines."""
        words = "no row has it" if self.all_rows else self.NOTHING
        room = max(_LEAST_CELLS, self.scrollable_content_region.width - 1)
        made = textwrap.wrap(words, room, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
        return made or [""]

    def count(self) -> int:
        """See `Lines`; the same for the methods below."""
        return len(self.rows) or len(self._why_nothing())

    def draw(self, index: int, width: int) -> list[Segment]:  # noqa: D102
        if not self.rows:
            return [self.ink(self._why_nothing()[index], "dim")]
        return self.segments(self.rows[index], width)

    def text_at(self, index: int) -> str:  # noqa: D102
        return self.text_of(self.rows[index]) if index < len(self.rows) else ""

    def action_choose(self) -> None:  # noqa: D102
        if self.rows:
            super().action_choose()

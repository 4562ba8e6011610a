"""The breakpoints pane: all that may stop the program, to switch on and off, edit and take out."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.message import Message

from tracedbg_tui import keys
from tracedbg_tui.breakpoints import Book, Wanted
from tracedbg_tui.debug.glyphs import glyphs_of
from tracedbg_tui.debug.lines import Lines
from tracedbg_tui.debug.source import glyph_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.binding import BindingType

    from tracedbg_tui.answers import Filter


class BreakpointsPane(Lines):
    """Shows breakpoints, and below them the events that the program can stop at."""

    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.BREAKPOINTS)

    class EditWanted(Message):
        """A breakpoint is to be edited; None: a new one on ops by name."""

        def __init__(self, wanted: Wanted | None) -> None:
            self.wanted = wanted
            super().__init__()

    class FilterEditWanted(Message):
        """The condition of a filter is to be edited."""

        def __init__(self, name: str) -> None:
            self.name = name
            super().__init__()

    class PlaceWanted(Message):
        """Somebody wants to see where one is."""

        def __init__(self, wanted: Wanted) -> None:
            self.wanted = wanted
            super().__init__()

    def __init__(self, book: Book) -> None:
        """Make it.

        Args:
            book: what is shown and changed.
        """
        super().__init__()
        self.book = book
        self.filters: Sequence[Filter] = ()
        self._rows: list[Wanted | str] = []

    def changed(self) -> None:
        """There are others."""
        names = list(dict.fromkeys([*(one.name for one in self.filters), *self.book.filters]))
        self._rows = [*self.book.entries, *names]
        self.reload()

    def count(self) -> int:
        """See `Lines`; the same for the methods below."""
        return len(self._rows) or 1

    def draw(self, index: int, width: int) -> list[Segment]:  # noqa: ARG002, D102
        glyphs = glyphs_of(self)
        if not self._rows:
            return [Segment("b on a line sets a breakpoint, a here one on ops by name", self.style_of("dim"))]
        row = self._rows[index]
        if isinstance(row, str):
            is_on = row in self.book.filters
            known = next((one for one in self.filters if one.name == row), None)
            condition = self.book.filters.get(row)
            told = f"if {condition}" if condition else (known.meaning.removeprefix("Stop ") if known else "")
            return [
                Segment(f"{glyphs.on if is_on else glyphs.off} ", self.style_of("stop" if is_on else "dim")),
                Segment(f"{known.label if known else row}", self.style_of("name" if is_on else "dim")),
                Segment(f"  {told}", self.style_of("dim")),
            ]
        state = self.book.state(row)
        segments = [
            Segment(f"{glyph_of(row, state, glyphs)} ", self.style_of("stop")),
            Segment(row.place, self.style_of("name" if row.is_enabled else "dim")),
        ]
        if state.line and row.line and state.line != row.line:
            segments.append(Segment(f" {glyphs.arrow} {state.line}", self.style_of("note")))
        if row.details:
            segments.append(Segment(f"  {row.details}"))
        if state.message and row.is_enabled:
            segments.append(Segment(f"  {state.message}", self.style_of("note")))
        return segments

    @property
    def row(self) -> Wanted | str | None:
        """The breakpoint, or the name of the filter, at the cursor."""
        return self._rows[self.cursor] if self.cursor < len(self._rows) else None

    def action_switch(self) -> None:
        """Switch it on or off."""
        row = self.row
        if isinstance(row, Wanted):
            self.book.toggle(row)
        elif row is not None:
            self.book.toggle_filter(row)

    def action_choose(self) -> None:
        """Show where a breakpoint is; switch a filter on or off."""
        row = self.row
        if isinstance(row, Wanted) and row.file:
            self.post_message(self.PlaceWanted(row))
        elif isinstance(row, Wanted):
            self.action_edit()
        else:
            self.action_switch()

    def action_edit(self) -> None:
        """Edit it."""
        row = self.row
        if isinstance(row, Wanted):
            self.post_message(self.EditWanted(row))
        elif row is not None:
            self.post_message(self.FilterEditWanted(row))

    def action_add(self) -> None:
        """A new one on ops by name."""
        self.post_message(self.EditWanted(None))

    def action_delete(self) -> None:
        """Take it out."""
        row = self.row
        if isinstance(row, Wanted):
            self.book.remove(row)
        elif row in self.book.filters:
            self.book.toggle_filter(row)

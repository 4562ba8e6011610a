"""A list of lines that is drawn line by line: its cost is what is seen, however long it is.

It must not know what its lines are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tracedbg_tui import keys

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.binding import BindingType
    from textual.events import Click, Resize


_AROUND = 3
"""Lines above and below one that is gone to."""


class Lines(ScrollView, can_focus=True):
    """Lines with a cursor. Subclasses say how many there are and draw one."""

    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.LISTS)
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "lines--cursor",
        "lines--dim",
        "lines--here",
        "lines--stop",
        "lines--name",
        "lines--value",
        "lines--note",
        "lines--match",
    }
    DEFAULT_CSS = """
    Lines { background: $surface; color: $foreground; scrollbar-size: 0 1; overflow-x: hidden; }
    Lines > .lines--cursor { background: $foreground 10%; }
    Lines:focus > .lines--cursor { background: $primary 35%; text-style: bold; }
    Lines > .lines--dim { color: $foreground 60%; }
    Lines > .lines--here { color: $text-warning; text-style: bold; }
    Lines > .lines--stop { color: $text-error; text-style: bold; }
    Lines > .lines--name { color: $text-primary; }
    Lines > .lines--value { color: $text-success; }
    Lines > .lines--note { color: $text-warning; }
    Lines > .lines--match { text-style: reverse; }
    """
    cursor: reactive[int] = reactive(0)
    told: reactive[str] = reactive("")
    """What stands above it: which file, which graph."""
    note: reactive[str] = reactive("")
    """What stands behind that, in another style."""

    class Chosen(Message):
        """A line was chosen: Enter, or a double click."""

        def __init__(self, lines: Lines, index: int) -> None:
            self.lines = lines
            self.index = index
            super().__init__()

        @property
        def control(self) -> Lines:
            """Where."""
            return self.lines

    class Moved(Message):
        """The cursor is at another line."""

        def __init__(self, lines: Lines, index: int) -> None:
            self.lines = lines
            self.index = index
            super().__init__()

        @property
        def control(self) -> Lines:
            """Where."""
            return self.lines

    def __init__(self) -> None:
        super().__init__()
        self._ink: dict[str, Style] = {}
        self._ground: dict[str, Style] = {}

    # --- for subclasses --------------------------------------------------------------------------

    def count(self) -> int:
        """How many lines there are."""
        raise NotImplementedError

    def draw(self, index: int, width: int) -> list[Segment]:
        """One line; what is too long is cut off."""
        raise NotImplementedError

    def row_style(self, index: int) -> Style | None:  # noqa: ARG002  for subclasses
        """What a whole line is drawn with, on top of its own styles."""
        return None

    def width(self) -> int:
        """Of the longest line, where it can be scrolled sideways; else 0."""
        return 0

    def gutter_width(self) -> int:
        """Cells at the left that do not scroll sideways."""
        return 0

    def style_of(self, name: str) -> Style:
        """What a component class draws text with: by its name, or the end of it where it is of ours."""
        if (known := self._ink.get(name)) is None:
            whole = self.get_component_rich_style(name if "--" in name else f"lines--{name}")
            known = Style(color=whole.color, bold=whole.bold, italic=whole.italic, reverse=whole.reverse)
            self._ink[name] = known
        return known

    def ground_of(self, name: str) -> Style:
        """What a component class draws below text, by its name."""
        if (known := self._ground.get(name)) is None:
            whole = self.get_component_rich_style(name)
            known = self._ground[name] = Style(bgcolor=whole.bgcolor, bold=whole.bold)
        return known

    def notify_style_update(self) -> None:
        """See `Widget`: there may be another theme, or the keys go elsewhere."""
        self._ink.clear()
        self._ground.clear()
        super().notify_style_update()

    # --- moving ----------------------------------------------------------------------------------

    def reload(self) -> None:
        """Draw again, as there may be other lines, or more."""
        self.virtual_size = Size(max(self.size.width, self.width()), self.count())
        self.cursor = self.validate_cursor(self.cursor)
        self.refresh()

    def show(self, index: int, *, is_centred: bool = False) -> None:
        """Scroll until a line can be seen; and, if it is to be centred then, some lines around it."""
        height = self.scrollable_content_region.height
        if height <= 0:
            return
        top = round(self.scroll_y)
        margin = min(_AROUND, height // 4) if is_centred else 0
        is_last = top + height >= self.count()
        if (top == 0 or top + margin <= index) and (top <= index < top + height - margin or is_last):
            return
        wanted = index - height // 2 if is_centred else (index if index < top else index - height + 1)
        self.scroll_to(y=max(0, wanted), animate=False, immediate=True, force=True)

    def go_to(self, index: int) -> None:
        """Put the cursor on a line, in the middle where it could not be seen."""
        self.show(index, is_centred=True)
        self.cursor = index

    def validate_cursor(self, index: int) -> int:
        """A line that exists."""
        return max(0, min(index, self.count() - 1))

    def watch_cursor(self, old: int, new: int) -> None:
        """Show it."""
        self.show(new)
        if abs(old - new) > self.size.height:
            self.refresh()
        else:
            self.refresh_line(old)
            self.refresh_line(new)
        self.post_message(self.Moved(self, new))

    def action_move(self, by: int) -> None:
        """Move the cursor by lines."""
        self.cursor += by

    def action_page(self, by: int) -> None:
        """Move the cursor by pages."""
        height = max(1, self.scrollable_content_region.height - 1)
        self.scroll_to(y=self.scroll_y + by * height, animate=False, immediate=True, force=True)
        self.cursor += by * height

    def action_first(self) -> None:
        """To the first line."""
        self.cursor = 0

    def action_last(self) -> None:
        """To the last line."""
        self.cursor = self.count() - 1

    def action_sideways(self, by: int) -> None:
        """Scroll sideways."""
        if self.width():
            self.scroll_to(x=self.scroll_x + by, animate=False, immediate=True, force=True)

    def action_choose(self) -> None:
        """Tell that the line at the cursor is chosen."""
        if self.count():
            self.post_message(self.Chosen(self, self.cursor))

    def line_at(self, event: Click) -> int | None:
        """The line that was clicked on."""
        offset = event.get_content_offset(self)
        index = None if offset is None else round(self.scroll_y) + offset.y
        return index if index is not None and index < self.count() else None

    def on_click(self, event: Click) -> None:
        """Put the cursor there; choose by a double click."""
        index = self.line_at(event)
        if index is None:
            return
        self.cursor = index
        if event.chain == 2:  # noqa: PLR2004  a double click, once
            self.action_choose()

    def on_resize(self, _: Resize) -> None:
        """Keep the cursor in sight."""
        self.reload()
        self.show(self.cursor)

    # --- drawing ---------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """See `Widget`."""
        index = round(self.scroll_y) + y
        width = self.scrollable_content_region.width
        base = self.rich_style
        if index >= self.count():
            return Strip.blank(width, base)
        strip = Strip(_clean(self.draw(index, width)))
        gutter, left = self.gutter_width(), round(self.scroll_x) if self.width() else 0
        if left:
            strip = Strip.join([strip.crop(0, gutter), strip.crop(gutter + left, gutter + left + width)])
        strip = strip.crop_extend(0, width, base)
        own = self.row_style(index)
        if own is not None:
            strip = _under(strip, own)
        if index == self.cursor and (own is None or self.has_focus):
            strip = _under(strip, self.ground_of("lines--cursor"))
        return strip.apply_style(base)


def _under(strip: Strip, style: Style) -> Strip:
    """A strip with another background, and what it has of its own kept."""
    return Strip(
        [
            Segment(segment.text, style if segment.style is None else segment.style + style)
            for segment in strip
        ],
        strip.cell_length,
    )


def _clean(segments: Iterable[Segment]) -> list[Segment]:
    """Without what would move the cursor of the terminal."""
    return [
        segment if segment.text.isprintable() else Segment(printable(segment.text), segment.style)
        for segment in segments
    ]


def printable(text: str) -> str:
    """A text with what cannot be printed as a question mark: it may come from anywhere."""
    return "".join(one if one.isprintable() else "?" for one in text.expandtabs(4))


def fitted(segments: list[Segment], cells: int, more: str) -> list[Segment]:
    """Segments that take exactly so many cells: cut off with a sign, or filled up."""
    used = sum(one.cell_length for one in segments)
    if used <= cells:
        return [*segments, Segment(" " * (cells - used))]
    kept, _ = Segment.divide(segments, [max(0, cells - 1), used])
    return [*kept, Segment(more)]

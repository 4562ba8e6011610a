"""Panes that show where the time went: a ledger with bars, a flame graph, a timeline."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style

from tracedbg.report.style import clean
from tracedbg_tui import keys
from tracedbg_tui.debug.glyphs import glyphs_of
from tracedbg_tui.debug.lines import fitted
from tracedbg_tui.recorded.functions import name_of
from tracedbg_tui.recorded.listing import Listing, Searchable
from tracedbg_tui.recorded.spans import Bar, Entry, Frame
from tracedbg_tui.recorded.words import cells, look, milliseconds, seconds, share
from tracedbg_tui.snapshot import Explained

if TYPE_CHECKING:
    from collections.abc import Hashable

    from textual.binding import BindingType

_BAR_CELLS = 16
_NAME_CELLS = 22
_LABEL_CELLS = 26
_COLOURS = {
    "trace": "#4c9be8",
    "autograph": "#9f7aea",
    "dynamo": "#4c9be8",
    "aot": "#38b2ac",
    "backend": "#ed8936",
    "backward_aot": "#81c784",
    "backward_backend": "#f6ad55",
    "parse": "#9f7aea",
    "first_run": "#a0aec0",
}
_LETTERS = {"backward_aot": "A", "backward_backend": "B", "first_run": "r"}
_OTHER = "#718096"


class LedgerPane(Listing[Entry]):
    """Each phase and each function with its time."""

    def text_of(self, row: Entry) -> str:
        """See `Listing`; the same for the methods below."""
        return (
            f"{row.name} {seconds(row.seconds)} {share(row.seconds, row.whole).strip()} {row.words}".strip()
        )

    def key_of(self, row: Entry) -> Hashable:  # noqa: D102
        return row.name, row.file, row.line, row.is_title

    def place_at(self, index: int) -> tuple[str, int] | None:  # noqa: D102
        row = self.rows[index] if index < len(self.rows) else None
        return (row.file, row.line) if row and row.file else None

    def segments(self, row: Entry, width: int) -> list[Segment]:  # noqa: D102
        glyphs = glyphs_of(self)
        part = min(1.0, row.seconds / row.whole) if row.whole else 0.0
        indent = 0 if row.is_title else 2
        name = cells(clean(row.name), min(_NAME_CELLS, width // 4) - indent, glyphs.more)
        made = [
            self.ink(" " * (indent + 1) + name, "title" if row.is_title else "name"),
            self.ink(f" {seconds(row.seconds):>10} {share(row.seconds, row.whole)} "),
            self.ink(look(self).bar(part, _BAR_CELLS) + "  ", "value"),
            self.ink(clean(row.words), "dim"),
        ]
        return fitted(made, width, glyphs.more)


class FlamePane(Searchable):
    """Boxes, each as wide as what took its time; what happened within it stands below it."""

    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.FLAME)
    NOTHING = "nothing was traced"

    def __init__(self) -> None:
        super().__init__()
        self._zoomed: list[Frame] = [Frame("tracing")]
        """From the root to the one that is as wide as the pane."""
        self._path: list[Frame] = self._zoomed[:]
        """From the root to the one at the cursor."""

    @property
    def frame(self) -> Frame:
        """The one at the cursor."""
        return self._path[-1]

    def show_flame(self, root: Frame) -> None:
        """Show another one; stay at the same box, if there is one."""
        self._zoomed = _followed(root, self._zoomed)
        self._path = _followed(root, self._path)
        self._renew()

    def _renew(self) -> None:
        self.reload()
        self.cursor = len(self._path) - 1
        frame = self.frame
        whole = self._path[0].ns
        self.told = f"{clean(frame.name)}  {milliseconds(frame.ns)} {share(frame.ns, whole)}{_times(frame)}"
        self.refresh()

    def action_beside(self, step: int) -> None:
        """To the box beside it."""
        if len(self._path) > len(self._zoomed):
            others = self._path[-2].sorted_children()
            at = next(number for number, one in enumerate(others) if one is self.frame) + step
            self._path[-1] = others[max(0, min(at, len(others) - 1))]
            self._renew()

    def action_deeper(self) -> None:
        """To the widest box within it."""
        if inner := self.frame.sorted_children():
            self._path.append(inner[0])
            self._renew()

    def action_outer(self) -> None:
        """To the box around it."""
        if len(self._path) > 1:
            self._path.pop()
            self._zoomed = self._zoomed[: len(self._path)]
            self._renew()

    def action_into(self) -> None:
        """Make it as wide as the pane."""
        self._zoomed = self._path[:]
        self._renew()

    def action_out(self) -> None:
        """Show the one around it, too."""
        if len(self._zoomed) > 1:
            self._zoomed = self._zoomed[:-1]
            self._renew()

    def ground_of(self, name: str) -> Style:
        """See `Lines`: the cursor is a box, not its whole row."""
        return Style.null() if name == "lines--cursor" else super().ground_of(name)

    def place_at(self, index: int) -> tuple[str, int] | None:
        """That of the box at the cursor."""
        del index
        return (self.frame.file, self.frame.line) if self.frame.file else None

    def text_at(self, index: int) -> str:
        """All boxes of a row, as one would read them; the one at the cursor, in its row."""
        if index == self.cursor and self.frame.ns:
            return f"{self.frame.name} {milliseconds(self.frame.ns)}{_times(self.frame)}"
        return "  ".join(frame.name for _, _, frame in self._row(index, 10**6))

    def count(self) -> int:
        """See `Lines`; the same for the methods below."""
        return max(1, _depth(self._path[0]))

    def _row(self, index: int, width: int) -> list[tuple[int, int, Frame]]:
        """(cell, cells, box) of one depth."""
        if index < len(self._zoomed):
            return [(0, width, self._zoomed[index])]
        row = [(0, width, self._zoomed[-1])]
        for _ in range(index - len(self._zoomed) + 1):
            row = [part for box in row for part in _inside(*box)]
        return row

    def draw(self, index: int, width: int) -> list[Segment]:  # noqa: D102
        if not self._path[0].ns:
            return [self.ink(f"  {self.NOTHING}", "dim")]
        made, at = [], 0
        for start, room, frame in self._row(index, width):
            if start > at:
                made.append(Segment(" " * (start - at)))
            is_here = frame is self.frame
            text = f"{clean(frame.name)} {milliseconds(frame.ns)}"
            sign = glyphs_of(self).here if is_here else ""
            colour = _COLOURS.get(frame.name, _OTHER) if frame.is_phase else "#3c5a78"
            style = Style(color="#101418" if frame.is_phase else "#f0f4f8", bgcolor=colour)
            if is_here:
                style = Style(color="#101418", bgcolor="#f7fafc", bold=True)
            label = cells(f"{sign}{text}", room - 1, "") if room > 1 else ""
            made.append(Segment(label, style))
            made.append(Segment("|" if room > 1 else ":", style))
            at = start + room
        return made


class TimelinePane(Listing[Bar]):
    """A line for each trace, with a bar where it was; it can be looked at more closely."""

    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.TIMELINE)
    NOTHING = "nothing was traced"

    def __init__(self) -> None:
        super().__init__()
        self._window: tuple[float, float] | None = None
        """What is seen, in ns; None for all."""
        self._whole_ns = (0, 1)

    def show_bars(self, bars: list[Bar]) -> None:
        """Show other traces."""
        self._whole_ns = (0, max((bar.end_ns for bar in bars), default=1) or 1)
        self.show_rows(bars)
        self._tell()

    @property
    def window(self) -> tuple[float, float]:
        """What is seen, in ns."""
        return self._window or self._whole_ns

    def _tell(self) -> None:
        start, end = self.window
        self.told = f"{start / 1e9:.3f} s to {end / 1e9:.3f} s"
        self.refresh()

    def action_zoom_time(self, factor: float) -> None:
        """Look closer at where the trace at the cursor is, or farther."""
        start, end = self.window
        row = self.row
        middle = (start + end) / 2
        if row is not None and factor < 1:
            middle = min(max((row.start_ns + row.end_ns) / 2, start), end)
        half = max((end - start) * factor, 1e4) / 2
        self._look_at(middle - half, middle + half)

    def action_shift(self, share_of: float) -> None:
        """Look at what was later, or earlier."""
        start, end = self.window
        by = (end - start) * share_of
        self._look_at(start + by, end + by)

    def action_whole(self) -> None:
        """Look at all of it."""
        self._window = None
        self._tell()

    def _look_at(self, start: float, end: float) -> None:
        first, last = self._whole_ns
        wide = min(end - start, last - first)
        start = min(max(start, first), last - wide)
        self._window = None if wide >= last - first else (start, start + wide)
        self._tell()

    def text_of(self, row: Bar) -> str:
        """See `Listing`; the same for the methods below."""
        started = row.record.started
        took = milliseconds(row.end_ns - row.start_ns)
        return f"{started.traceable.name} {_label(row)} at {row.start_ns / 1e9:.3f} s took {took}"

    def key_of(self, row: Bar) -> Hashable:  # noqa: D102
        return row.process, row.record.started.id

    def place_at(self, index: int) -> tuple[str, int] | None:  # noqa: D102
        if index >= len(self.rows):
            return None
        of = self.rows[index].record.started.traceable
        return of.file, of.line

    def segments(self, row: Bar, width: int) -> list[Segment]:  # noqa: D102
        glyphs = glyphs_of(self)
        label = min(_LABEL_CELLS, width // 3)
        took = f"{milliseconds(row.end_ns - row.start_ns):>9} "
        name = f"{'  ' * min(row.depth, 4)}{clean(row.record.started.traceable.name)} {_label(row)}"
        room = width - label - len(took)
        text = [" "] * room
        colours: list[str] = [""] * room
        for start, end, phase in ((row.start_ns, row.end_ns, ""), *row.pieces):
            span = self._cells(start, end, room)
            letter = _LETTERS.get(phase, phase[:1]) or "-"
            for cell in span:
                text[cell], colours[cell] = letter, _COLOURS.get(phase, _OTHER)
        return [
            self.ink(cells(name, label - 1, glyphs.more) + " ", "name"),
            self.ink(took),
            *_painted(text, colours),
        ]

    def _cells(self, start_ns: float, end_ns: float, room: int) -> range:
        first, last = self.window
        if end_ns < first or start_ns > last or room < 1:
            return range(0)
        scale = room / max(1.0, last - first)
        begin = max(0, int((start_ns - first) * scale))
        return range(min(begin, room - 1), min(room, max(begin + 1, int((end_ns - first) * scale))))


def _painted(text: list[str], colours: list[str]) -> list[Segment]:
    made: list[Segment] = []
    start = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or colours[at] != colours[start]:
            colour = colours[start]
            style = Style(color="#101418", bgcolor=colour) if colour else None
            made.append(Segment("".join(text[start:at]), style))
            start = at
    return made


def _label(row: Bar) -> str:
    return name_of(Explained(row.process, row.record, ()))


def _depth(frame: Frame) -> int:
    return 1 + max((_depth(child) for child in frame.children.values()), default=0)


def _inside(start: int, width: int, frame: Frame) -> list[tuple[int, int, Frame]]:
    """(cell, cells, box) of what is within a box; what is too narrow to be seen is left out."""
    made, at = [], float(start)
    for child in frame.sorted_children():
        room = width * child.ns / frame.ns if frame.ns else 0.0
        begin, end = round(at), min(round(at + room), start + width)
        if end > begin:
            made.append((begin, end - begin, child))
        at += room
    return made


def _followed(root: Frame, path: list[Frame]) -> list[Frame]:
    """The same way through another tree, as far as it goes."""
    made = [root]
    for before, frame in itertools.pairwise(path):
        key = next((key for key, one in before.children.items() if one is frame), None)
        if key is None or key not in made[-1].children:
            break
        made.append(made[-1].children[key])
    return made


def _times(frame: Frame) -> str:
    return f"  {frame.count:,} x" if frame.count else ""


__all__ = ["FlamePane", "LedgerPane", "TimelinePane"]

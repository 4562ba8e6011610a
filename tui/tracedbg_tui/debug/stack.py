"""The stack pane: the frames of the threads that stand still. It must not know the debugger."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.message import Message

from tracedbg_tui import keys
from tracedbg_tui.debug.glyphs import glyphs_of
from tracedbg_tui.debug.lines import Lines, fitted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.binding import BindingType

    from tracedbg_tui.answers import Frame, Stop


@dataclass(frozen=True)
class _Row:
    text: str = ""
    thread: int = 0
    """Of a heading."""
    frame: int | None = None
    """Position in the stack."""
    is_more: bool = False
    is_folded: bool = False
    """It stands for frames of libraries."""


class StackPane(Lines):
    """Shows the frames of one thread, below a line for each thread where there are several."""

    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.STACK)

    class FrameChosen(Message):
        """Somebody wants to look at a frame, by its position in the stack."""

        def __init__(self, index: int) -> None:
            self.index = index
            super().__init__()

    class ThreadChosen(Message):
        """Somebody wants to look at a thread."""

        def __init__(self, thread: int) -> None:
            self.thread = thread
            super().__init__()

    class MoreWanted(Message):
        """Somebody wants to see the frames that are not shown yet."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: tuple[Frame, ...] = ()
        self.selected = 0
        """The frame that is looked at."""
        self.shows_libraries = False
        """Whether frames of libraries have a line each."""
        self._rows: list[_Row] = []
        self._shown: tuple[int, Sequence[Stop], int] = (0, (), 0)

    def show_stack(
        self, frames: Sequence[Frame], total: int, selected: int, stops: Sequence[Stop] = (), current: int = 0
    ) -> None:
        """Show a stack.

        Args:
            frames: the innermost ones, in their order.
            total: how many there are.
            selected: the one that is looked at.
            stops: of all threads that stand still.
            current: the thread of these frames.
        """
        self.frames, self.selected = tuple(frames), selected
        self._shown = total, tuple(stops), current
        own = self._folded(frames, selected)
        if total > len(frames):
            own.append(_Row(f"{total - len(frames):,} more", is_more=True))
        self._rows = []
        for stop in stops if len(stops) > 1 else ():
            self._rows.append(_Row(f"thread {stop.thread}: {stop.reason}", thread=stop.thread))
            if stop.thread == current:
                self._rows += own
        self._rows = self._rows or own
        self.reload()
        at = next((index for index, row in enumerate(self._rows) if row.frame == selected), 0)
        self.go_to(at)

    def _folded(self, frames: Sequence[Frame], selected: int) -> list[_Row]:
        """A row for each frame, but one for several of libraries in a row."""
        rows: list[_Row] = []
        for is_library, group in itertools.groupby(enumerate(frames), key=lambda pair: pair[1].is_library):
            indexes = [index for index, _ in group]
            if not is_library or self.shows_libraries or len(indexes) == 1 or selected in indexes:
                rows += [_Row(frame=index) for index in indexes]
            else:
                rows.append(_Row(f"{len(indexes)} frames of libraries", is_folded=True))
        return rows

    def show_none(self) -> None:
        """Nothing stands still."""
        self.frames, self._rows = (), []
        self.reload()

    def count(self) -> int:
        """See `Lines`; the same for the methods below."""
        return len(self._rows)

    def draw(self, index: int, width: int) -> list[Segment]:  # noqa: D102
        row, glyphs = self._rows[index], glyphs_of(self)
        if row.frame is None:
            is_rest = row.is_more or row.is_folded
            sign = f"{glyphs.more if row.is_more else '  ' + glyphs.closed if row.is_folded else ' '} "
            return [Segment(f"{sign}{row.text}", self.style_of("dim" if is_rest else "note"))]
        frame = self.frames[row.frame]
        arrow = "  " if row.frame != self.selected else f"{glyphs.caller if row.frame else glyphs.here} "
        kind = glyphs.traced if frame.is_traced else glyphs.python
        text = [
            Segment(arrow, self.style_of("here")),
            Segment(f"{kind} ", self.style_of("value" if frame.is_traced else "dim")),
            Segment(frame.function, self.style_of("dim" if frame.is_library else "name")),
        ]
        notes = [
            frame.op and f"before {frame.op}",
            "" if frame.iteration is None else f"turn {frame.iteration}",
            "backward" if frame.is_backward else "",
        ]
        if told := ", ".join(filter(None, notes)):
            text.append(Segment(f"  {told}", self.style_of("note")))
        place = f" {frame.source.name}:{frame.line}" if frame.source.exists else f" line {frame.line}"
        place = place if len(place) <= width // 2 else f" {glyphs.more}{place[-(width // 2 - 2) :]}"
        cells = width - len(place)
        return [*fitted(text, cells, glyphs.more), Segment(place, self.style_of("dim"))]

    def action_libraries(self) -> None:
        """Show frames of libraries, each or folded."""
        self.shows_libraries = not self.shows_libraries
        total, stops, current = self._shown
        self.show_stack(self.frames, total, self.selected, stops, current)

    def next_frame(self, step: int) -> int:
        """The frame that is `step` lines of the stack away from the one that is looked at."""
        shown = [row.frame for row in self._rows if row.frame is not None]
        if self.selected not in shown:
            return self.selected
        place = shown.index(self.selected) + step
        return shown[max(0, min(place, len(shown) - 1))]

    def action_choose(self) -> None:
        """Look at the frame, the thread or the rest of the stack at the cursor."""
        if not self._rows:
            return
        row = self._rows[self.cursor]
        if row.frame is not None:
            self.post_message(self.FrameChosen(row.frame))
        elif row.is_folded:
            self.action_libraries()
        elif row.is_more:
            self.post_message(self.MoreWanted())
        else:
            self.post_message(self.ThreadChosen(row.thread))

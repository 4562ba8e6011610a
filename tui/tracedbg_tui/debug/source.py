"""The source pane: a text with its current line, breakpoints and badges. It must not know the debugger."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.message import Message

from tracedbg_tui.answers import Source
from tracedbg_tui.debug.glyphs import glyphs_of
from tracedbg_tui.debug.highlighting import COLOURS, highlighted, plain
from tracedbg_tui.debug.lines import Lines, fitted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from rich.style import Style
    from textual.events import Click

    from tracedbg_tui.breakpoints import Book, State, Wanted
    from tracedbg_tui.debug.glyphs import Glyphs
    from tracedbg_tui.debug.highlighting import Piece

_LARGE_CHARACTERS = 20_000
"""A text of this size is coloured after it is shown."""
_MOST_TEXTS = 32
"""Texts that are kept."""


class SourcePane(Lines):
    """Shows one text at a time."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"source--{name}" for name in COLOURS} | {
        "source--here-line",
        "source--caller-line",
        "source--badge",
    }
    DEFAULT_CSS = """
    SourcePane > .source--keyword { color: $text-accent; }
    SourcePane > .source--string { color: $text-success; }
    SourcePane > .source--comment { color: $foreground 60%; text-style: italic; }
    SourcePane > .source--number { color: $text-warning; }
    SourcePane > .source--function { color: $text-primary; text-style: bold; }
    SourcePane > .source--builtin { color: $text-secondary; }
    SourcePane > .source--operator { color: $foreground 80%; }
    SourcePane > .source--here-line { background: $warning 30%; text-style: bold; }
    SourcePane > .source--caller-line { background: $success 20%; }
    SourcePane > .source--badge { color: $text-warning; text-style: italic; }
    """

    class Toggled(Message):
        """A breakpoint is to be set or taken out on a line."""

        def __init__(self, file: str, line: int) -> None:
            self.file = file
            self.line = line
            super().__init__()

    class Edited(Message):
        """The breakpoint of a line is to be edited."""

        def __init__(self, file: str, line: int) -> None:
            self.file = file
            self.line = line
            super().__init__()

    def __init__(self, book: Book, fetch: Callable[[Source], Awaitable[str]]) -> None:
        """Make it, with nothing to show.

        Args:
            book: the breakpoints that are shown.
            fetch: gives the text of what is in no file.
        """
        super().__init__()
        self.book = book
        self.source = Source()
        self.here: dict[int, bool] = {}
        """Line -> whether it is the one that runs next, and not one that has called it; of this source."""
        self.badges: Mapping[str, Mapping[int, str]] = {}
        """File -> line -> what was recorded there, in few words."""
        self._fetch = fetch
        self._lines: list[list[Piece]] = []
        self._widest = 0
        self._texts: dict[Source, list[list[Piece]]] = {}
        self._shown: dict[int, list[Wanted]] = {}

    @property
    def file(self) -> str:
        """Real path of what is shown; empty if it is in no file."""
        return self.source.path

    @property
    def line(self) -> int:
        """Where the cursor is, from 1."""
        return self.cursor + 1

    def text_of(self, line: int) -> str:
        """The text of a line, as it is shown."""
        return "".join(text for text, _ in self._lines[line - 1]) if 0 < line <= len(self._lines) else ""

    # --- what is shown ---------------------------------------------------------------------------

    async def open(self, source: Source, line: int = 1, *, here: Mapping[int, bool] | None = None) -> None:
        """Show a source, with the cursor on a line.

        Args:
            source: what to show; as it is in its file now.
            line: from 1.
            here: see the attribute; None leaves nothing current.
        """
        if source.path:
            source = Source(source.name, os.path.realpath(source.path), source.reference)  # noqa: ASYNC240  no disk that waits
        if source != self.source or not self._lines:
            lines = await self._read(source)
            self.source = source
            self._set(lines)
        self.here = dict(here or {})
        self.changed()
        self.go_to(line - 1)
        self._title()

    def changed(self) -> None:
        """The breakpoints are others."""
        self._shown = self.book.shown(self.file) if self.file else {}
        self.refresh()

    def clear_here(self) -> None:
        """The program runs: no line is the next one."""
        self.here = {}
        self.refresh()

    async def _read(self, source: Source) -> list[list[Piece]]:
        key = source
        if source.path:
            try:
                changed_ns = os.stat(source.path).st_mtime_ns
            except OSError:
                changed_ns = 0
            key = Source(source.name, source.path, changed_ns)
        if (known := self._texts.pop(key, None)) is not None:
            self._texts[key] = known
            return known
        try:
            text = (
                await asyncio.to_thread(_read_file, source.path) if source.path else await self._fetch(source)
            )
        except Exception as error:  # noqa: BLE001  whatever it is, the pane says so
            return [[(f"cannot show {source.path or source.name}: {error}", "comment")]]
        if len(text) < _LARGE_CHARACTERS:
            lines = highlighted(text)
        else:
            lines = plain(text)
            self.run_worker(self._colour(key, text), group="colour", exclusive=False)
        self._keep(key, lines)
        return lines

    async def _colour(self, key: Source, text: str) -> None:
        lines = await asyncio.to_thread(highlighted, text)
        before = self._texts.get(key)
        self._keep(key, lines)
        if before is self._lines:
            self._set(lines)

    def _keep(self, key: Source, lines: list[list[Piece]]) -> None:
        self._texts[key] = lines
        while len(self._texts) > _MOST_TEXTS:
            del self._texts[next(iter(self._texts))]

    def _set(self, lines: list[list[Piece]]) -> None:
        self._lines = lines
        self._widest = max((sum(len(text) for text, _ in line) for line in lines), default=0)
        self.reload()

    def _title(self) -> None:
        name = self.source.path or self.source.name
        home = os.path.relpath(name) if name.startswith(os.getcwd() + os.sep) else name
        self.told = home

    # --- searching -------------------------------------------------------------------------------

    async def find(self, text: str, start: int, step: int) -> int | None:
        """The first line that holds a text, from one on, round the end; capitals count if it has any.

        Args:
            text: to look for.
            start: where to begin, from 0.
            step: 1 forward, -1 backward.
        """
        is_exact = text != text.lower()
        for distance in range(len(self._lines)):
            index = (start + step * distance) % len(self._lines)
            line = self.text_of(index + 1)
            if text in (line if is_exact else line.lower()):
                return index
        return None

    # --- drawing ---------------------------------------------------------------------------------

    def count(self) -> int:
        """See `Lines`; the same for the methods below."""
        return len(self._lines)

    def width(self) -> int:  # noqa: D102
        return self._widest + self.gutter_width()

    def gutter_width(self) -> int:  # noqa: D102
        return 4 + len(str(len(self._lines)))

    def draw(self, index: int, width: int) -> list[Segment]:  # noqa: D102
        line = index + 1
        glyphs = glyphs_of(self)
        stops = self._shown.get(line)
        sign = glyph_of(stops[0], self.book.state(stops[0]), glyphs) if stops else " "
        here = self.here.get(line)
        arrow = " " if here is None else (glyphs.here if here else glyphs.caller)
        number = f"{line:>{len(str(len(self._lines)))}}"
        segments = [
            Segment(sign, self.style_of("stop")),
            Segment(arrow, self.style_of("here")),
            Segment(f"{number}  ", self.style_of("dim")),
        ]
        segments += [Segment(text, self._style(colour)) for text, colour in self._lines[index]]
        badge = self.badges.get(self.file, {}).get(line)
        if badge:
            cells = width + round(self.scroll_x) - len(badge) - 1
            segments = fitted(segments, cells - 1, glyphs.more)
            segments.append(Segment(f" {badge}", self.style_of("source--badge")))
        return segments

    def row_style(self, index: int) -> Style | None:  # noqa: D102
        here = self.here.get(index + 1)
        if here is None:
            return None
        name = "source--here-line" if here else "source--caller-line"
        return self.ground_of(name)

    def _style(self, colour: str) -> Style | None:
        return None if colour == "text" else self.style_of(f"source--{colour}")

    # --- the mouse -------------------------------------------------------------------------------

    def on_click(self, event: Click) -> None:
        """In the gutter: set a breakpoint, or edit it by a right click."""
        index = self.line_at(event)
        offset = event.get_content_offset(self)
        if index is None or offset is None or offset.x >= self.gutter_width() or not self.file:
            return
        self.cursor = index
        kind = self.Edited if event.button == 3 else self.Toggled  # noqa: PLR2004  the right button
        self.post_message(kind(self.file, index + 1))
        event.prevent_default()


def glyph_of(wanted: Wanted, state: State, glyphs: Glyphs) -> str:
    """The sign of a breakpoint."""
    if not wanted.is_enabled:
        return glyphs.disabled
    if wanted.file and not state.is_verified:
        return glyphs.unverified
    if wanted.log_message:
        return glyphs.log
    return glyphs.stop if wanted.is_plain else glyphs.conditional


def _read_file(path: str) -> str:
    with open(path, "rb") as opened:
        data = opened.read()
    return data.decode("utf-8", errors="replace").removeprefix("\ufeff")

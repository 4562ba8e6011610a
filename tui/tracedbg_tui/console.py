"""The pane in which the program runs: its output as a terminal shows it, and what is typed for it.

It reads when it has time: who starts the program drains its output, and keeps it, so that however long this
takes, the program does not wait.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from rich.style import Style
from rich.text import Text
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tracedbg_tui.contract import ProgramEnded
from tracedbg_tui.emulation import Emulator

if TYPE_CHECKING:
    from textual import events
    from textual.selection import Selection

    from tracedbg_tui.contract import Program

_FRAME_S = 1 / 15
"""How often output is shown while there is more of it."""
_SLOW_FRAME_S = 1 / 4
"""Likewise, of a flood that nobody can read, and where nobody can see it: the program needs the time."""
_FLOOD_BYTES_PER_S = 1 << 19
_LOOK_S = 0.1
"""How often the program is asked whether it has ended."""
_READ_BYTES = 1 << 18
_MOST_BYTES = 1 << 21
_FIRST_SIZE = (24, 80)
_SCROLLED_ROWS = 3
_ELSEWHERE = "The program's output is in its own terminal."
_INTERRUPT = b"\x03"
_KEYS = {
    "enter": b"\r",
    "backspace": b"\x7f",
    "delete": b"\x1b[3~",
    "up": b"\x1b[A",
    "down": b"\x1b[B",
    "right": b"\x1b[C",
    "left": b"\x1b[D",
    "home": b"\x1b[H",
    "end": b"\x1b[F",
    "ctrl+at": b"\0",
    "ctrl+backslash": b"\x1c",
    "ctrl+right_square_bracket": b"\x1d",
}
_MOVING = frozenset({"up", "down", "right", "left", "home", "end"})
_NOT_TYPED = frozenset({"ctrl+i", "ctrl+m", "ctrl+p", "ctrl+q", "ctrl+z"})
"""They are the interface's: Tab, Enter, the palette, the end; and Ctrl-Z has no shell to go back to."""


class Console(ScrollView, can_focus=True):
    """The terminal of a program."""

    DEFAULT_CSS = """
    Console {
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
    }
    """
    ALLOW_SELECT: ClassVar[bool] = True

    class Interrupted(Message):
        """The program was told to break off."""

    def __init__(
        self,
        program: Program | None = None,
        *,
        id: str | None = None,  # noqa: A002  Textual's name for it
        classes: str | None = None,
    ) -> None:
        """Show a program's terminal.

        Args:
            program: whose; None if nothing runs.
            id: see `textual.widget.Widget`; the same for the rest.
            classes: likewise.
        """
        super().__init__(id=id, classes=classes)
        self.program = program
        self._terminal = program.terminal if program is not None else None
        self._emulator = Emulator(*_FIRST_SIZE, self._type)
        self._typed = bytearray()
        self._shown_at = 0.0
        self._is_awaited = False
        self._is_at_end = False
        self._is_flood = False
        self._has_told_end = False
        self._forgotten = 0
        self._follows = True
        if program is not None and self._terminal is None:
            self._emulator.feed(_ELSEWHERE.encode())

    @property
    def text(self) -> str:
        """All that is kept of the output."""
        return "\n".join(self._emulator.row(index).plain for index in range(self._emulator.row_count))

    @property
    def takes_keys(self) -> bool:
        """Whether what is typed here goes to the program."""
        return self._terminal is not None and self.program is not None and self.program.ended is None

    def clear(self) -> None:
        """Forget what has scrolled off, and the screen."""
        self._emulator.feed(b"\x1b[3J\x1b[2J\x1b[H")
        self._show()

    # --- life --------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Begin to read."""
        if self._terminal is not None:
            os.set_blocking(self._terminal, False)
            self._await(True)
        if self.program is not None:
            self.set_interval(_LOOK_S, self._look)
        self._show()

    def on_unmount(self) -> None:
        """Leave the rest unread."""
        self._is_at_end = True
        self._await(False)
        if self._terminal is not None:
            asyncio.get_running_loop().remove_writer(self._terminal)

    def _look(self) -> None:
        if self.program is None or self._has_told_end or (ended := self.program.ended) is None:
            return
        self._has_told_end = True
        self._take()  # its last words came before the news
        self.post_message(ProgramEnded(ended))

    # --- output ------------------------------------------------------------------------------------------

    def _readable(self) -> None:
        """Show what has come; if it comes fast, some time later, and be left in peace until then."""
        frame_s = _FRAME_S if self.is_on_screen and not self._is_flood else _SLOW_FRAME_S
        wait_s = self._shown_at + frame_s - monotonic()
        if wait_s <= 0:
            self._take()
        else:
            self._await(False)
            self.set_timer(wait_s, self._take)

    def _take(self) -> None:
        data = self._read()
        if data:
            self._emulator.feed(data)
            self._show()
            before, self._shown_at = self._shown_at, monotonic()
            self._is_flood = len(data) > _FLOOD_BYTES_PER_S * min(1.0, self._shown_at - before)
        if not self._is_at_end:
            self._await(True)

    def _read(self) -> bytes:
        parts: list[bytes] = []
        size = 0
        with suppress(BlockingIOError):
            while self._terminal is not None and size < _MOST_BYTES and not self._is_at_end:
                try:
                    data = os.read(self._terminal, _READ_BYTES)
                except ConnectionError:
                    data = b""
                self._is_at_end = not data
                parts.append(data)
                size += len(data)
        if self._is_at_end:
            self._await(False)
        return b"".join(parts)

    def _await(self, is_wanted: bool) -> None:
        """Have output told, or not."""
        if self._terminal is None or is_wanted == self._is_awaited:
            return
        self._is_awaited = is_wanted
        loop = asyncio.get_running_loop()
        if is_wanted:
            loop.add_reader(self._terminal, self._readable)
        else:
            loop.remove_reader(self._terminal)

    def _show(self) -> None:
        emulator, follows = self._emulator, self._follows
        was_forgotten, self._forgotten = self._forgotten, emulator.forgotten
        self.virtual_size = Size(self._columns, emulator.row_count)
        if follows:
            self._follow()
        elif emulator.forgotten != was_forgotten:  # stay where somebody reads
            above = self.scroll_y - (emulator.forgotten - was_forgotten)
            self.scroll_to(y=max(0, above), animate=False, immediate=True)
        self.refresh()

    def _follow(self) -> None:
        self.scroll_end(animate=False, immediate=True, x_axis=False)
        self._follows = True
        if self.scroll_y < self.max_scroll_y:  # there is no scrollbar before the next layout
            self.call_after_refresh(self._keep_following)

    def _keep_following(self) -> None:
        if self._follows:
            self.scroll_end(animate=False, immediate=True, x_axis=False)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow the output only as long as nobody has scrolled up."""
        super().watch_scroll_y(old_value, new_value)
        self._follows = new_value >= self.max_scroll_y

    @property
    def _columns(self) -> int:
        return max(1, self.scrollable_content_region.width)

    @property
    def is_on_screen(self) -> bool:
        """Whether anybody can see it."""
        return bool(self.size) and self.screen.is_current

    def on_resize(self) -> None:
        """Tell the program's terminal how large it is now."""
        region = self.scrollable_content_region
        if not region.width or not region.height:
            return  # hidden: it keeps its size, and the program draws nothing anew
        self._emulator.resize(region.height, region.width)
        if self.program is not None and self._terminal is not None:
            self.program.resize(region.height, region.width)
        self._show()

    # --- what is seen ------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """See `textual.widget.Widget`."""
        _, scroll_y = self.scroll_offset
        at = scroll_y + y
        width = self.scrollable_content_region.width
        base = self.rich_style
        text = self._emulator.row(at) if at < self._emulator.row_count else Text(end="")
        if self.has_focus and self.takes_keys:
            self._mark_cursor(text, at)
        if (selection := self.text_selection) is not None and (span := selection.get_span(at)) is not None:
            start, end = span
            text.stylize(
                self.screen.get_component_rich_style("screen--selection"),
                start,
                len(text) if end == -1 else end,
            )
        strip = Strip(text.render(self.app.console)).apply_style(base)
        return strip.crop_extend(0, width, base).apply_offsets(0, at)

    def _mark_cursor(self, text: Text, at: int) -> None:
        cursor = self._emulator.cursor
        if cursor is not None and cursor[0] == at:
            column = cursor[1]
            text.append(" " * (column + 1 - len(text)))
            text.stylize(Style(reverse=True), column, column + 1)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """See `textual.widget.Widget`; the same for the method below."""
        return selection.extract(self.text), "\n"

    def selection_updated(self, selection: Selection | None) -> None:  # noqa: ARG002, D102
        self.refresh()

    # --- what is typed -----------------------------------------------------------------------------------

    def check_consume_key(self, key: str, character: str | None = None) -> bool:
        """See `textual.dom.DOMNode`: the interface's own keys of that name do not hold here."""
        return self.takes_keys and bool(self._bytes_of(key, character))

    async def _on_key(self, event: events.Key) -> None:
        if not self.takes_keys:
            return
        if event.key in ("pageup", "pagedown"):
            (self.scroll_page_up if event.key == "pageup" else self.scroll_page_down)(animate=False)
        elif data := self._bytes_of(event.key, event.character):
            self._follow()
            self._type(data)
            if data == _INTERRUPT:
                self.post_message(self.Interrupted())
        else:
            return
        event.stop()
        event.prevent_default()

    def _on_paste(self, event: events.Paste) -> None:
        if self.takes_keys:
            event.stop()
            event.prevent_default()
            self._type(event.text.replace("\n", "\r").encode())

    def _bytes_of(self, key: str, character: str | None) -> bytes:
        """What a terminal sends for a key; empty if it is the interface's own."""
        if key in _NOT_TYPED:
            return b""
        if key in _KEYS:
            data = _KEYS[key]
            is_moving = key in _MOVING and self._emulator.sends_application_keys
            return data.replace(b"[", b"O") if is_moving else data
        if key.startswith("ctrl+") and len(key) == len("ctrl+x"):
            return bytes([ord(key[-1]) & 0x1F]) if key[-1].isascii() and key[-1].isalpha() else b""
        if character is not None and character.isprintable():
            return character.encode()
        return b""

    def _type(self, data: bytes) -> None:
        if self._terminal is None:
            return
        self._typed += data
        self._send()

    def _send(self) -> None:
        """Send what is typed as far as it is taken; the rest when there is room."""
        if self._terminal is None:
            return
        with suppress(BlockingIOError):
            try:
                del self._typed[: os.write(self._terminal, self._typed)]
            except BlockingIOError:
                raise
            except OSError:  # the program has ended
                self._typed.clear()
        if self._is_at_end:
            return
        loop = asyncio.get_running_loop()
        if self._typed:
            loop.add_writer(self._terminal, self._send)
        else:
            loop.remove_writer(self._terminal)

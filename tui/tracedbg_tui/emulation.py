"""What a program's output looks like on a terminal: what has scrolled off the screen, and the screen.

The screen is `pyte`'s, which knows what a terminal knows and takes 0.2 ms a line. So a program that floods is
not put through it: of many lines at once only the last screenful is, and the others become rows as they are.
It must not know where the output comes from, nor any widget.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pyte
from rich.ansi import AnsiDecoder
from rich.cells import cell_len, chop_cells
from rich.style import Style
from rich.text import Text

from tracedbg_tui.escapes import ESCAPE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_ROWS = 50_000
"""How many rows that have scrolled off are kept."""
_SMALL_BYTES = 2048
"""What is less than this is never a flood."""
_MAX_BYTES = 1 << 16
"""The most that goes through the screen at once."""
_ORDINARY = bytes(byte for byte in range(256) if byte >= 0x20 and byte != 0x7F) + b"\t"  # noqa: PLR2004
_COLOUR = re.compile(rb"\x1b\[[0-9;:]*m")
_RESET = re.compile(rb"\x1b\[0*m")
_CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f]")
_APPLICATION_KEYS = 1 << 5
"""As `pyte` keeps the private mode 1: cursor keys are sent in another form."""
_TAB = 8

Row = bytes | Text
"""A line as it came, with its colours; or what the screen held."""


class Emulator:
    """A terminal's memory."""

    def __init__(self, rows: int, columns: int, reply: Callable[[bytes], object] = lambda _: None) -> None:
        """Begin with an empty screen.

        Args:
            rows: of the screen.
            columns: likewise.
            reply: takes what the terminal answers when the program asks what it is.
        """
        self._gone: list[Row] = []
        self.forgotten = 0
        """How many rows are not kept any more."""
        self._screen = _Screen(rows, columns, self._scrolled_off, self._forget_all, reply)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def row_count(self) -> int:
        """Of what is kept and of the screen, down to what has been written."""
        return len(self._gone) + self._used_rows()

    @property
    def cursor(self) -> tuple[int, int] | None:
        """(row, column) of the cursor, the row counted as `row` does; None if it is hidden."""
        found = self._screen.cursor
        if found.hidden:
            return None
        return len(self._gone) + found.y, min(found.x, self._screen.columns - 1)

    @property
    def sends_application_keys(self) -> bool:
        """Whether the program has asked for the cursor keys in their other form."""
        return _APPLICATION_KEYS in self._screen.mode

    def row(self, index: int) -> Text:
        """One row, as it looks."""
        if index < len(self._gone):
            kept = self._gone[index]
            return _decoded(kept) if isinstance(kept, bytes) else kept.copy()
        return self._row_of_screen(index - len(self._gone))

    # --- output ------------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Take output, in pieces that may begin and end anywhere."""
        rows = self._screen.lines
        if len(data) > _SMALL_BYTES:
            lines = data.split(b"\n")
            if len(lines) > 2 * rows:
                middle = lines[1:-rows]
                if len(data) > _MAX_BYTES or _is_simple(middle):
                    self._emulate(lines[0] + b"\n")
                    self._skip(middle)
                    data = b"\n".join(lines[-rows:])
        # One endless line, or a picture that is drawn again and again: only its end can be seen.
        self._emulate(data[-_MAX_BYTES:])

    def _emulate(self, data: bytes) -> None:
        try:
            self._stream.feed(data)
        except Exception:  # noqa: BLE001  pyte raises at sequences that it half knows
            self._stream = pyte.ByteStream(self._screen)

    def _skip(self, lines: list[bytes]) -> None:
        """Have lines scroll by that nobody could see."""
        self._scroll_off_all()
        columns = self._screen.columns
        colour = self._screen.colour()
        is_wide = max(map(len, lines)) >= columns or any(b"\t" in line for line in lines)
        for row in _split(lines, columns) if is_wide else lines:
            kept = row.removesuffix(b"\r")
            if b"\x1b" not in kept and b"\r" not in kept and not colour:
                self._gone.append(kept)
                continue
            plain = _visible(kept)
            self._gone.append(colour + plain)
            colour = _colour_after(colour + plain)
        self._emulate(b"\x1b[m" + colour)
        self._forget()

    def _scroll_off_all(self) -> None:
        """The screen is empty, and what it showed is among what is gone."""
        for y in range(self._used_rows() - 1):
            self._gone.append(self._row_of_screen(y))
        self._screen.buffer.clear()
        self._screen.cursor.x = self._screen.cursor.y = 0

    def _scrolled_off(self) -> None:
        self._gone.append(self._row_of_screen(0))
        self._forget()

    def _forget(self) -> None:
        excess = len(self._gone) - MAX_ROWS
        if excess > MAX_ROWS // 8:  # seldom, and many at once
            del self._gone[:excess]
            self.forgotten += excess

    def _forget_all(self) -> None:
        self.forgotten += len(self._gone)
        self._gone.clear()

    # --- the screen --------------------------------------------------------------------------------------

    def resize(self, rows: int, columns: int) -> None:
        """Have another size. What does not fit any more scrolls off at the top."""
        screen = self._screen
        if (rows, columns) == (screen.lines, screen.columns):
            return
        for _ in range(screen.cursor.y - rows + 1):
            self._scrolled_off()
            screen.shift_up()
        screen.fit(rows, columns)

    def _used_rows(self) -> int:
        screen = self._screen
        return max(screen.cursor.y, max((y for y, row in screen.buffer.items() if row), default=0)) + 1

    def _row_of_screen(self, y: int) -> Text:
        text = Text(no_wrap=True, end="")
        found = self._screen.buffer.get(y)
        if not found:
            return text
        run, style = "", None
        for x in range(max(found) + 1):
            char = found[x]
            if char[1:] != style:
                if run:
                    text.append(run, _style(*style) if style else None)
                run, style = "", char[1:]
            run += char.data
        text.append(run, _style(*style) if style else None)
        text.rstrip()
        return text


class _Screen(pyte.Screen):
    """`pyte`'s screen, which tells what scrolls off it."""

    def __init__(
        self,
        rows: int,
        columns: int,
        on_scroll: Callable[[], object],
        on_forget: Callable[[], object],
        reply: Callable[[bytes], object],
    ) -> None:
        self._on_scroll = on_scroll
        self._on_forget = on_forget
        self._reply = reply
        super().__init__(columns, rows)

    def index(self) -> None:
        bottom = self.margins.bottom if self.margins else self.lines - 1
        if self.cursor.y == bottom and (self.margins is None or self.margins.top == 0):
            self._on_scroll()
        super().index()

    def erase_in_display(self, how: int = 0, *args: Any, **kwargs: Any) -> None:
        if how == 3:  # noqa: PLR2004  xterm's: what has scrolled off, too
            self._on_forget()
        super().erase_in_display(how, *args, **kwargs)

    def select_graphic_rendition(self, *attrs: int, **kwargs: bool) -> None:
        if not kwargs:  # else it is about keys, not colours: xterm's modifyOtherKeys
            super().select_graphic_rendition(*attrs)

    def write_process_input(self, data: str) -> None:
        self._reply(data.encode())

    def shift_up(self) -> None:
        """Have all rows one higher up."""
        for y in range(self.lines):
            if y + 1 in self.buffer:
                self.buffer[y] = self.buffer.pop(y + 1)
            else:
                self.buffer.pop(y, None)
        self.cursor.y = max(0, self.cursor.y - 1)

    def fit(self, rows: int, columns: int) -> None:
        """Have another size; `resize` would drop rows from the top, used or not."""
        for y in [y for y in self.buffer if y >= rows]:
            del self.buffer[y]
        for row in self.buffer.values():
            for x in [x for x in row if x >= columns]:
                del row[x]
        self.lines, self.columns = rows, columns
        self.set_margins()
        self.cursor.x, self.cursor.y = min(self.cursor.x, columns - 1), min(self.cursor.y, rows - 1)
        self.tabstops = set(range(_TAB, columns, _TAB))

    def colour(self) -> bytes:
        """The sequence that switches on what characters look like now; empty for plain ones."""
        attributes = self.cursor.attrs
        codes = [
            code
            for code, is_on in (
                ("1", attributes.bold),
                ("3", attributes.italics),
                ("4", attributes.underscore),
                ("7", attributes.reverse),
                ("9", attributes.strikethrough),
            )
            if is_on
        ]
        codes += _colour_codes(attributes.fg, "38") + _colour_codes(attributes.bg, "48")
        return f"\x1b[{';'.join(codes)}m".encode() if codes else b""


def _is_simple(lines: list[bytes]) -> bool:
    """Whether these are lines of text with colours, and nothing that moves the cursor."""
    data = b"\n".join(lines)
    if b"\x1b" in data:
        data = _COLOUR.sub(b"", data)
    controls = data.translate(None, _ORDINARY)
    return not controls.replace(b"\r\n", b"").removesuffix(b"\r")


def _visible(line: bytes) -> bytes:
    """What can be seen of a line in the end: roughly, where the cursor was moved about."""
    if b"\x1b" in line:
        line = ESCAPE.sub(lambda found: found[0] if found[0].endswith(b"m") else b"", line)
    if b"\r" in line:
        line = line.rpartition(b"\r")[2]
    return _CONTROL.sub(b"", line)


def _colour_after(line: bytes) -> bytes:
    """The sequences that are still on behind a line."""
    if b"\x1b" not in line:
        return b""
    resets = list(_RESET.finditer(line))
    return b"".join(_COLOUR.findall(line, resets[-1].end() if resets else 0))


def _split(lines: list[bytes], columns: int) -> Iterator[bytes]:
    """Lines, those that are too long cut in rows."""
    for line in lines:
        if (len(line) < columns and b"\t" not in line) or b"\x1b" in line or b"\r" in line[:-1]:
            yield line  # colours make it longer than it looks; what is too wide is cut off where it is shown
            continue
        text = _decoded(line.removesuffix(b"\r")).plain
        if cell_len(text) <= columns:
            yield line
        else:
            yield from (part.encode() for part in chop_cells(text, columns))


def _decoded(line: bytes) -> Text:
    text = line.decode("utf-8", "replace")
    decoded = AnsiDecoder().decode_line(text) if "\x1b" in text else Text(text)
    if "\t" in text:
        decoded.expand_tabs(_TAB)
    decoded.no_wrap, decoded.end = True, ""
    return decoded


def _colour_codes(name: str, extended: str) -> list[str]:
    if name == "default":
        return []
    if len(name) == 6 and all(letter in "0123456789abcdef" for letter in name):  # noqa: PLR2004
        return [extended, "2", *(str(int(name[at : at + 2], 16)) for at in (0, 2, 4))]
    return [extended, "5", str(_NAMES.index(_colour_name(name)))]


_NAMES = [
    f"{bright}{name}"
    for bright in ("", "bright_")
    for name in ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
]


def _colour_name(name: str) -> str:
    """Rich's name for one of the 16 colours, from `pyte`'s."""
    name = name.replace("bfight", "bright")  # pyte 0.8.2, graphics.py: BG_AIXTERM[105]
    bright = "bright_" if name.startswith("bright") else ""
    name = name.removeprefix("bright")
    return bright + ("yellow" if name == "brown" else name)


@lru_cache(maxsize=4096)
def _style(  # noqa: PLR0913, PLR0917  the attributes of a `pyte.screens.Char`, in their order
    foreground: str,
    background: str,
    bold: bool,
    italics: bool,
    underscore: bool,
    strikethrough: bool,
    reverse: bool,
    blink: bool,
) -> Style:
    return Style(
        color=_rich_colour(foreground),
        bgcolor=_rich_colour(background),
        bold=bold or None,
        italic=italics or None,
        underline=underscore or None,
        strike=strikethrough or None,
        reverse=reverse or None,
        blink=blink or None,
    )


def _rich_colour(name: str) -> str | None:
    if name == "default":
        return None
    if len(name) == 6 and all(letter in "0123456789abcdef" for letter in name):  # noqa: PLR2004
        return f"#{name}"
    return _colour_name(name)

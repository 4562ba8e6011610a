"""How a report looks: colours, glyphs, paths, times, and text that fits its line.

It must not know what the report is about.
"""

from __future__ import annotations

import os
import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracedbg.plain import plain
from tracedbg.source import cell_title

if TYPE_CHECKING:
    from collections.abc import Iterable

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_BLOCKS = " ▏▎▍▌▋▊▉█"
_LIBRARIES = ("site-packages", "dist-packages")
_EXACT_BELOW_S = 10
_TENTHS_BELOW_S = 1000
_NEXT_UNIT = 999.5
"""What would be rounded to 1000 is told in the next unit."""


@dataclass(frozen=True)
class Glyphs:
    """The characters that are not ASCII, or what stands for them."""

    arrow: str = "→"
    advice: str = "▸"
    branch: str = "└"
    ellipsis: str = "…"
    blocks: str = _BLOCKS
    levels: str = " ▁▂▃▄▅▆▇█"
    """What a curve is drawn with, from nothing to everything."""


ASCII = Glyphs(arrow="->", advice=">", branch="`-", ellipsis="...", blocks=" #", levels=" .:-=+*#%")


@dataclass(frozen=True)
class Style:
    """One way to show a report."""

    color: bool = False
    width: int = 80
    glyphs: Glyphs = field(default_factory=Glyphs)
    folder: str = ""
    """Paths below it are shown relative to it."""

    def paint(self, text: str, *looks: str) -> str:
        """`text` in colour, where colours are wanted."""
        if not self.color or not text:
            return text
        codes = ";".join(_CODES[look] for look in looks)
        return f"\x1b[{codes}m{text}\x1b[0m"

    def path(self, file: str, limit: int = 48) -> str:
        """`file` as short as it stays clear: relative, without the way to a library, its end first."""
        if title := cell_title(file):
            return self.end(clean(title), limit)
        parts = file.split(os.sep)
        for index, part in enumerate(parts):
            if part in _LIBRARIES and index + 1 < len(parts):
                file = os.sep.join(parts[index + 1 :])
        if self.folder and file.startswith(self.folder + os.sep):
            file = file[len(self.folder) + 1 :]
        return self.tail(clean(file), limit, os.sep)

    def place(self, file: str, line: int, limit: int = 48) -> str:
        """`train.py:12`, or `Cell In[3], line 12`."""
        return f"{self.path(file, limit)}{', line ' if cell_title(file) else ':'}{line}"

    def tail(self, text: str, limit: int, separator: str) -> str:
        """`text`, or as many of its last parts as fit; the last part is cut in the middle if need be."""
        if len(text) <= limit:
            return text
        parts = text.split(separator)
        mark = self.glyphs.ellipsis
        for first in range(1, len(parts)):
            kept = f"{mark}{separator}{separator.join(parts[first:])}"
            if len(kept) <= limit:
                return kept
        room = max(limit - len(mark), 2)
        return parts[-1][: room // 2] + mark + parts[-1][len(parts[-1]) - (room - room // 2) :]

    def end(self, text: str, limit: int) -> str:
        """`text`, with its end left out if it is longer than `limit`."""
        if len(text) <= limit:
            return text
        return text[: max(limit - len(self.glyphs.ellipsis), 1)].rstrip() + self.glyphs.ellipsis

    def wrap(self, text: str, indent: int, lead: str = "") -> list[str]:
        """`text` in lines of the width, indented; `lead` stands before the first."""
        first = " " * indent + lead
        return textwrap.wrap(
            clean(text),
            max(self.width, indent + 20),
            initial_indent=first,
            subsequent_indent=" " * len(first),
            break_on_hyphens=False,
            break_long_words=True,
        )

    def curve(self, shares: Iterable[float]) -> str:
        """One character for each share, higher for more; nothing at all is blank."""
        top = len(self.glyphs.levels) - 1
        return "".join(self.glyphs.levels[max(round(share * top), 1) if share > 0 else 0] for share in shares)

    def bar(self, share: float, cells: int) -> str:
        """A bar over `share` of `cells`, filled up with blanks; empty for nothing alone."""
        steps = len(self.glyphs.blocks) - 1
        filled = round(share * cells * steps)
        if share > 0:
            filled = max(filled, 1)
        whole, part = divmod(filled, steps)
        drawn = self.glyphs.blocks[-1] * whole + (self.glyphs.blocks[part] if part else "")
        return drawn.ljust(cells)


clean = plain
"""`text` without characters that a terminal would act on."""


def seconds(value: float) -> str:
    """`0.025`, `12.4`, `1234`: three digits or so."""
    if value < _EXACT_BELOW_S:
        return f"{value:.3f}"
    return f"{value:.1f}" if value < _TENTHS_BELOW_S else f"{value:.0f}"


def milliseconds(value: float) -> str:
    """Seconds as `0.213 ms`, `35.2 ms`, `12.4 s`."""
    if value >= _EXACT_BELOW_S:
        return f"{seconds(value)} s"
    found = value * 1e3
    return (
        f"{found:.3f} ms"
        if found < 1
        else f"{found:.1f} ms"
        if found < _TENTHS_BELOW_S
        else f"{found:.0f} ms"
    )


def size(number: int) -> str:
    """Bytes as `512 B`, `1.5 kB`, `7.33 MB`: three digits or so."""
    value, unit = float(number), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < _NEXT_UNIT:
            break
        value, unit = value / 1000, larger
    if unit == "B":
        return f"{number} B"
    return f"{value:.3g} {unit}" if value < _NEXT_UNIT else f"{value:.0f} {unit}"


def count(number: int, noun: str) -> str:
    """`1 trace`, `2 traces`, `no traces`."""
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"

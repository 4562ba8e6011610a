"""Small pieces of text that the screens of a recording share."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from tracedbg.report import style as report
from tracedbg_tui.debug.glyphs import ASCII, glyphs_of

if TYPE_CHECKING:
    from textual.widget import Widget


def look(widget: Widget) -> report.Style:
    """How reports of this application look: with its glyphs, and paths from where the program was started."""
    glyphs = report.ASCII if glyphs_of(widget) is ASCII else report.Glyphs()
    recording = getattr(widget.app, "recording", None)
    run = recording.snapshot.run if recording is not None else None
    return report.Style(glyphs=glyphs, folder=run.cwd if run and run.cwd else _here())


def _here() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:
        return ""


def place(widget: Widget, file: str, line: int, limit: int = 40) -> str:
    """`train.py:12`, as short as it stays clear."""
    return look(widget).place(file, line, limit) if file else ""


def cells(text: str, width: int, more: str = "…") -> str:
    """A text in exactly so many cells."""
    if cell_len(text) <= width:
        return set_cell_size(text, max(0, width))
    return set_cell_size(text, max(0, width - len(more))) + more if width > len(more) else more[:width]


def seconds(value: float) -> str:
    """`0.025 s`."""
    return f"{report.seconds(value)} s"


def milliseconds(ns: int) -> str:
    """`25 ms`, `1.20 s`: short, for columns."""
    if ns < 10_000_000:  # noqa: PLR2004  10 ms
        return f"{ns / 1e6:.2f} ms"
    return f"{ns / 1e6:.0f} ms" if ns < 1_000_000_000 else f"{ns / 1e9:.2f} s"  # noqa: PLR2004  1 s


def share(part: float, whole: float) -> str:
    """` 42%`."""
    return f"{100 * part / whole:3.0f}%" if whole else "    "

"""The signs that tell states apart without colour; there is a set for terminals that know ASCII only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.widget import Widget


@dataclass(frozen=True)
class Glyphs:
    """One sign for each state; each takes one cell."""

    here: str = "▶"
    """The line or op that is next."""
    caller: str = "▷"
    """The line of a frame that is not the innermost."""
    stop: str = "●"
    """A breakpoint."""
    conditional: str = "◆"
    """One with a condition or hits."""
    log: str = "✎"
    """One that says something instead of stopping."""
    unverified: str = "○"
    """One where no code has been seen yet."""
    disabled: str = "◌"
    on: str = "■"
    off: str = "□"
    traced: str = "◇"
    """A frame that a framework has traced."""
    python: str = "·"
    """A frame that runs as Python."""
    opened: str = "▾"
    closed: str = "▸"
    more: str = "…"
    arrow: str = "→"
    back: str = "←"
    retrace: str = "↻"
    graph_break: str = "✂"
    kernels: str = "◷"
    """The time of kernels."""
    blocks: str = " ▁▂▃▄▅▆▇█"
    """From nothing to full, upwards."""
    shades: str = " ░▒▓█"


UNICODE = Glyphs()
ASCII = Glyphs(
    here=">",
    caller="-",
    stop="*",
    conditional="?",
    log="l",
    unverified="o",
    disabled="x",
    on="#",
    off="_",
    traced="+",
    python=".",
    opened="v",
    closed=">",
    more="~",
    arrow=">",
    back="<",
    retrace="@",
    graph_break="%",
    kernels="$",
    blocks=" .:-=+*#@",
    shades=" .:*#",
)


def glyphs_of(widget: Widget) -> Glyphs:
    """Those that the application of a widget has chosen, by its attribute `is_ascii`."""
    return ASCII if getattr(widget.app, "is_ascii", False) else UNICODE

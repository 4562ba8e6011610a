"""The colours of the interface, and whether to draw in ASCII. No state is told by colour alone."""

from __future__ import annotations

import locale
import os

from textual.theme import Theme

DARK = Theme(
    name="dark",
    primary="#4f9bd9",
    secondary="#7a8fb0",
    accent="#e0a84f",
    warning="#e0a84f",
    error="#e0625f",
    success="#6bb36b",
    foreground="#d8dce3",
    background="#14171c",
    surface="#191d23",
    panel="#242a33",
)
LIGHT = Theme(
    name="light",
    primary="#1f6fb2",
    secondary="#5a6b85",
    accent="#a35c00",
    warning="#a35c00",
    error="#b3261e",
    success="#2e7d32",
    foreground="#1c2128",
    background="#fbfbf9",
    surface="#f3f3f0",
    panel="#e3e5e8",
    dark=False,
)
HIGH_CONTRAST = Theme(
    name="high-contrast",
    primary="#00d7ff",
    secondary="#ffffff",
    accent="#ffff00",
    warning="#ffff00",
    error="#ff5f5f",
    success="#5fff5f",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#303030",
    text_alpha=1.0,
)
THEMES = (DARK, LIGHT, HIGH_CONTRAST)


def wants_ascii() -> bool:
    """Whether to draw in ASCII: `TRACEDBG_ASCII` is set, or the locale knows nothing else."""
    if "TRACEDBG_ASCII" in os.environ:
        return os.environ["TRACEDBG_ASCII"] not in ("", "0")
    return "utf" not in locale.getpreferredencoding(do_setlocale=False).lower()

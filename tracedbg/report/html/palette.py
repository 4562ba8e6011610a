"""The colours of the page, light and dark; a test computes their contrast. It knows no element."""

from __future__ import annotations

LIGHT = {
    "ground": "#ffffff",
    "surface": "#f6f7f8",
    "line": "#d9dde3",
    "text": "#1c2127",
    "muted": "#545e6a",
    "accent": "#0a58a6",
    "bar": "#4a86c0",
    "warn": "#8a4b00",
    "bad": "#ad1f1f",
    "good": "#1c6b34",
    "here": "#fff3d6",
    "found": "#ffd54a",
    "on-fill": "#1c2127",
    "run": "#a9c8e6",
    "run-deep": "#86b1da",
    "build": "#f3c987",
    "build-deep": "#e8ab55",
    "wait": "#c9cfd6",
    "code": "#dfe3e8",
    "idle": "#edeff2",
}
"""Names -> colours: grounds, text, states, then the fills of bars and of the flame graph."""
DARK = {
    "ground": "#14171b",
    "surface": "#1b1f24",
    "line": "#343b44",
    "text": "#e4e7eb",
    "muted": "#a0aab5",
    "accent": "#82b8f0",
    "bar": "#4f8cc9",
    "warn": "#f0b861",
    "bad": "#ff9a91",
    "good": "#79cf92",
    "here": "#3a3220",
    "found": "#8a6a00",
    "on-fill": "#f2f4f6",
    "run": "#2f5a86",
    "run-deep": "#1f4a78",
    "build": "#80531a",
    "build-deep": "#97590a",
    "wait": "#4a525c",
    "code": "#333a43",
    "idle": "#2a3037",
}
TEXT_ON_GROUND = ("text", "muted", "accent", "warn", "bad", "good")
"""What text is written in, on each of the grounds."""
GROUNDS = ("ground", "surface", "here")
FILLS = ("run", "run-deep", "build", "build-deep", "wait", "code", "idle", "found")
"""What `on-fill` is written on."""
GRAPHIC = ("bar", "accent", "warn", "bad")
"""What is drawn on a ground and must be told from it."""


def variables(colours: dict[str, str]) -> str:
    """As declarations of CSS."""
    return "".join(f"--{name}:{colour};" for name, colour in colours.items())


def stylesheet() -> str:
    """The variables in both schemes: by the system's choice, or by the reader's."""
    dark = variables(DARK)
    return (
        f":root{{color-scheme:light;{variables(LIGHT)}}}\n"
        f"@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{color-scheme:dark;{dark}}}}}\n"
        f":root[data-theme=dark]{{color-scheme:dark;{dark}}}\n"
        f"@media print{{:root:root:root{{color-scheme:light;{variables(LIGHT)}}}}}\n"
    )


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, as WCAG 2 defines it."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4  # noqa: PLR2004  of WCAG
        for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue

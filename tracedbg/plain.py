r"""Text as a terminal may show it: what the user's program put into names does nothing there.

Control characters, escape sequences, and the characters that turn text around (U+202E and its like)
are spelled out. It must not know where the text goes.
"""

from __future__ import annotations


def plain(text: str) -> str:
    r"""`text` on one line; `\x1b` and its like, on which a terminal would act, are spelled out."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)

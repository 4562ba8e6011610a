"""Keeps the program's own values out of recordings: whether that is wanted, and what is left of a command.

`redactor` does it; who only asks loads none of it.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

VARIABLE = "TRACEDBG_REDACT"
"""Set to `1`, what is recorded is redacted; any longer text is the key, so that the marks of several runs,
or of ranks that were started one by one, are comparable."""
LEFT_OUT = "(left out: --redact)"


def new_key(environ: Mapping[str, str] = os.environ) -> str:
    """The key of a new run: the one that the environment names, or one that nobody knows."""
    given = environ.get(VARIABLE, "")
    return given if len(given) > 1 else os.urandom(16).hex()


def is_wanted(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the environment asks for it."""
    return environ.get(VARIABLE, "") not in ("", "0")


def redacted_argv(argv: Sequence[str], *, is_command: bool = False) -> tuple[str, ...]:
    """Which program was run, without what it was given.

    Args:
        argv: the words.
        is_command: they begin with Python itself and its options.
    """
    words, rest = [], list(argv)
    if is_command and rest:
        words.append(rest.pop(0))
    while rest:
        word = rest.pop(0)
        if word in ("-X", "-W") and is_command:
            rest = rest[1:]
        elif word == "-c":
            words.append(word)
            break
        elif word == "-m":
            words += [word, *rest[:1]]
            rest = rest[1:]
            break
        elif not word.startswith("-"):
            words.append(word)
            break
        elif is_command and re.fullmatch(r"-[a-zA-Z]{1,3}", word):
            words.append(word)
    return (*words, LEFT_OUT) if rest else tuple(words)

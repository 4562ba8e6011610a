"""What stands behind `%%tracedbg`: options first, then a statement.

It must not know IPython.
"""

from __future__ import annotations

import io
import shlex
from dataclasses import dataclass, field
from typing import Any

from tracedbg.errors import UsageError
from tracedbg.report.cell import LIMIT

NAME = "tracedbg"
_FLAGS = ("--ops", "--kernels", "--redact")
_WITH_VALUE = ("--rate", "--limit", "--out", "--as", "--html", "--max-mb")
_WITH_WINDOW = ("--ops", "--kernels")


@dataclass
class Words:
    """What was asked for."""

    arguments: dict[str, Any] = field(default_factory=dict)
    """Of `tracedbg.record`."""
    limit: int = LIMIT
    """Rows of each table."""
    variable: str = ""
    """The name that the `Run` is given in the notebook; empty for none."""
    page: str = ""
    """The file for the report as a page; empty for none."""
    statement: str = ""
    """What is left."""


def parse(text: str) -> Words:
    """Read the words behind the magic.

    Raises:
        UsageError: an option is unknown, or has no good value.
    """
    words, rest = Words(), text.strip()
    while rest.startswith("--"):
        word, rest = _cut(rest)
        option, has_value, value = word.partition("=")
        if option not in (*_FLAGS, *_WITH_VALUE):
            known = ", ".join(sorted((*_FLAGS, *_WITH_VALUE)))
            raise UsageError(f"%{NAME} has no option {option}; there are {known}")
        if option in _WITH_VALUE and not has_value:
            value, rest = _cut(rest)
            if not value:
                raise UsageError(f"%{NAME}: {option} needs a value")
        if has_value and option not in (*_WITH_VALUE, *_WITH_WINDOW):
            raise UsageError(f"%{NAME}: {option} takes no value")
        _take(words, option, value)
    words.statement = rest
    return words


def _cut(text: str) -> tuple[str, str]:
    """The first word, without its quotes, and what follows it."""
    stream = io.StringIO(text)
    lexer = shlex.shlex(stream, posix=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        word = lexer.get_token() or ""
    except ValueError as error:
        raise UsageError(f"%{NAME}: {str(error).lower()}: {text}") from error
    return word, stream.read().lstrip()


def _take(words: Words, option: str, value: str) -> None:
    match option:
        case "--rate":
            words.arguments["rate_hz"] = _number(option, value)
        case "--max-mb":
            words.arguments["max_mb"] = _number(option, value)
        case "--limit":
            words.limit = _number(option, value)
            if words.limit < 1:
                raise UsageError(f"%{NAME}: --limit is {value}; it must be 1 or more")
        case "--out":
            words.arguments["out"] = value
        case "--as":
            if not value.isidentifier():
                raise UsageError(f"%{NAME}: --as needs the name of a variable, not {value!r}")
            words.variable = value
        case "--html":
            words.page = value
        case "--redact":
            words.arguments["redact"] = True
        case _:
            words.arguments[option.removeprefix("--")] = value or True


def _number(option: str, value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise UsageError(f"%{NAME}: {option} is {value!r}; it must be a number") from None

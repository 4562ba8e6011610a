"""The two streams of a prompt: lines from a person or a pipe, text to where the program's output is not.

It must not know any command.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

_COLOURS = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}


class Terminal:
    """Reads and writes; the program's own stdout is never written to."""

    def __init__(self, source: TextIO | None = None, sink: TextIO | None = None) -> None:
        """Take the streams.

        Args:
            source: of lines; the process' own stdin by default, whatever the program has made of `sys.stdin`.
            sink: for text; stderr by default.
        """
        self._source = source
        self._sink = sink

    @property
    def source(self) -> TextIO | None:
        """Where lines come from; None if there is no stdin."""
        return self._source or sys.__stdin__

    @property
    def sink(self) -> TextIO | None:
        """Where text goes; None if there is no stderr."""
        return self._sink or sys.__stderr__

    @property
    def is_interactive(self) -> bool:
        """Whether a person types the lines."""
        return _is_tty(self.source)

    def paint(self, text: str, colour: str) -> str:
        """`text` in a colour, where there are colours."""
        if not _is_tty(self.sink) or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
            return text
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"

    def write(self, text: str) -> None:
        """Write lines; what the stream cannot write is escaped, and one that is gone is left alone."""
        sink = self.sink
        if sink is None:
            return
        with suppress(OSError, ValueError):
            try:
                sink.write(f"{text}\n")
            except UnicodeEncodeError:
                encoding = getattr(sink, "encoding", None) or "ascii"
                sink.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
            sink.flush()

    def read(self, prompt: str, complete: Callable[[str, int], str | None]) -> str | None:
        """The next line; None at the end. The prompt is shown only to a person.

        Args:
            prompt: what to show in front.
            complete: readline's completer.
        """
        source = self.source
        if source is None:
            return None
        try:
            if self._has_readline:
                with _completing(complete):
                    return input(prompt)
            if self.is_interactive and self.sink is not None:
                self.sink.write(prompt)
                self.sink.flush()
            line = source.readline()
        except (EOFError, OSError, ValueError):
            return None
        return line.rstrip("\r\n") if line else None

    @property
    def _has_readline(self) -> bool:
        """Whether `input` edits lines: it writes to stdout, so that has to be the terminal as well."""
        if self._source is not None or self._sink is not None or _readline() is None:
            return False
        own = sys.stdin is sys.__stdin__ and sys.stdout is sys.__stdout__
        return own and _is_tty(sys.stdin) and _is_tty(sys.stdout)


def _is_tty(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def _readline() -> ModuleType | None:
    try:
        import readline  # noqa: PLC0415  deferred: only at a prompt, and not everywhere there
    except ImportError:
        return None
    return readline


@contextmanager
def _completing(complete: Callable[[str, int], str | None]) -> Iterator[None]:
    """Complete our commands meanwhile: the program may use readline, too."""
    readline = _readline()
    if readline is None:
        yield
        return
    before, delimiters = readline.get_completer(), readline.get_completer_delims()
    readline.set_completer(complete)
    readline.set_completer_delims(" \t\n`~!@#$%^&()-=+[{]}\\|;'\",<>?")
    readline.parse_and_bind("tab: complete")
    try:
        yield
    finally:
        readline.set_completer(before)
        readline.set_completer_delims(delimiters)

"""Where a command's words go: one line on stderr, a report on a stream, a file that was named.

It must not know what a report says.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TextIO

from tracedbg.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracedbg.explain import Summary
    from tracedbg.explain.comparison import Comparison
    from tracedbg.report.style import Style
    from tracedbg.store.reader import Run

_WIDTH = 80
_MAX_WIDTH = 120


def complain(message: str) -> None:
    """One line on stderr, where there is one."""
    if sys.stderr is not None:
        print(f"tracedbg: {message}", file=sys.stderr, flush=True)


def silence(stream: TextIO) -> None:
    """Let what is still buffered for a reader that has left go nowhere.

    Python flushes the standard streams at exit, and would exit with 120 where that fails.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def show_report(summary: Summary, stream: TextIO) -> None:
    """Write the report for a person to `stream`, in what that can show."""
    from tracedbg.report import text  # noqa: PLC0415  deferred: `run` starts the program first

    text.write(summary, stream, color=_wants_colour(stream), width=_width(stream))
    stream.flush()


def with_native(summary: Summary, folder: str) -> Summary:
    """`summary` with the native stacks that the run's folder has."""
    from tracedbg.explain import native_summary  # noqa: PLC0415  deferred: `run` starts the program first
    from tracedbg.store.native import read_native  # noqa: PLC0415  deferred: likewise

    seen = read_native(folder)
    return summary if seen is None else replace(summary, native=native_summary(seen))


def show_comparison(comparison: Comparison, stream: TextIO) -> None:
    """Write how two runs differ for a person to `stream`, in what that can show."""
    from tracedbg.report import diff_text  # noqa: PLC0415  deferred with the other reports

    diff_text.write(comparison, stream, color=_wants_colour(stream), width=_width(stream))
    stream.flush()


def style_for(stream: TextIO) -> Style:
    """How to show things on `stream`: its width, its colours, and the characters that it has."""
    from tracedbg.report.style import ASCII, Glyphs, Style  # noqa: PLC0415  deferred with the reports

    encoding = (getattr(stream, "encoding", None) or "utf-8").lower()
    glyphs = Glyphs() if "utf" in encoding else ASCII
    return Style(_wants_colour(stream), _width(stream), glyphs, _here())


def plain_style() -> Style:
    """How to show things in a file that is not for a terminal."""
    from tracedbg.report.style import Style  # noqa: PLC0415  deferred with the reports

    return Style(folder=_here())


def _here() -> str:
    """The current folder; empty where it has been removed."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return ""


def _wants_colour(stream: TextIO) -> bool:
    """Whether to colour what goes to `stream` (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _width(stream: TextIO) -> int:
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):  # no terminal, or not even a file
        return _WIDTH
    return min(columns, _MAX_WIDTH) or _WIDTH


def report_as_json(summary: Summary) -> str:
    """The report for a program; docs/reference/report-json.md describes it."""
    from tracedbg.report.json import to_json  # noqa: PLC0415  deferred: `run` starts the program first

    return dump_json(to_json(summary))


def report_as_html(recording: Run, summary: Summary) -> str:
    """The report as one page for a browser; the recording is open."""
    from tracedbg.explain.detail import detail_of  # noqa: PLC0415  deferred: `run` starts the program first
    from tracedbg.report.html.report import to_html  # noqa: PLC0415  deferred: likewise

    return to_html(detail_of(recording, summary))


def dump_json(data: dict[str, Any]) -> str:
    """Data for a program, as text."""
    import json  # noqa: PLC0415  deferred: `run` starts the program first

    return json.dumps(data, indent=1) + "\n"


def write_text(stream: TextIO, text: str) -> None:
    """Write to `stream`; characters that its encoding has not are spelled out."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def check_writable(file: str, option: str) -> None:
    """Find out before the work is done whether `file` could be written.

    Raises:
        UsageError: it could not.
    """
    folder = os.path.dirname(os.path.abspath(file))
    if not os.path.isdir(folder):
        raise UsageError(f"{option} {file}: there is no folder {folder}")
    if os.path.isdir(file):
        raise UsageError(f"{option} {file}: that is a folder; name a file")
    if not os.access(file if os.path.exists(file) else folder, os.W_OK):
        raise UsageError(f"{option} {file}: no permission to write there")


@contextmanager
def open_output(file: str) -> Iterator[TextIO]:
    """`file`, open for writing.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        with open(file, "w", encoding="utf-8") as opened:
            yield opened
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror or error}") from error

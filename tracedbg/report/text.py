"""The report for people: what was traced, what it cost, why it was traced again, what to change.

It must not know the store or a framework: all that it says is in the `Summary`, but for the text
of the user's lines.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TextIO

from tracedbg.report.kernel_time import kernel_time
from tracedbg.report.ledger import where_wall_time_went
from tracedbg.report.native import native_functions
from tracedbg.report.ops import ops_by_line
from tracedbg.report.phases import where_time_went
from tracedbg.report.processes import processes
from tracedbg.report.ranks.differ import ranks_differ
from tracedbg.report.sections import autograph, eager, faults, graph_breaks, retraces, settled, stale
from tracedbg.report.steps import graph_changes, step_costs
from tracedbg.report.style import ASCII, Glyphs, Style, clean, count, seconds
from tracedbg.report.syncs import host_syncs
from tracedbg.report.table import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.explain import Summary
    from tracedbg.store.records import ProcessInfo

WIDTH = 80
LEAST_WIDTH = 72
"""What the table takes; a narrower screen breaks the lines itself."""
_A_PERCENT = 0.01
FRAMEWORKS = ("torch", "tensorflow")


def write(summary: Summary, stream: TextIO, *, color: bool = False, width: int = WIDTH) -> None:
    """Write the report to `stream`, in characters that its encoding has.

    Args:
        summary: the run.
        stream: open for text.
        color: the caller decides, by `isatty` and `NO_COLOR`.
        width: columns.
    """
    encoding = (getattr(stream, "encoding", None) or "utf-8").lower()
    stream.write(render(summary, color=color, width=width, ascii_only="utf" not in encoding))


def render(
    summary: Summary,
    *,
    color: bool = False,
    width: int = WIDTH,
    ascii_only: bool = False,
    folder: str | None = None,
) -> str:
    """The report as text.

    Args:
        summary: the run.
        color: with the colours of a terminal.
        width: columns, at least `LEAST_WIDTH`; source lines and paths are cut to it, sentences wrapped.
        ascii_only: in ASCII characters alone.
        folder: paths below it are shown relative to it; the current one by default.
    """
    width = max(width, LEAST_WIDTH)
    style = Style(color, width, ASCII if ascii_only else Glyphs(), _here() if folder is None else folder)
    parts = [_head(summary, style)]
    if summary.functions:
        parts.append(table(summary, style))
    parts += [
        section(summary, style)
        for section in (
            ranks_differ,
            retraces,
            settled,
            graph_breaks,
            eager,
            stale,
            graph_changes,
            step_costs,
            kernel_time,
            ops_by_line,
            host_syncs,
            where_wall_time_went,
            native_functions,
            where_time_went,
            autograph,
            processes,
            faults,
        )
    ]
    text = "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"
    return text.encode("ascii", "backslashreplace").decode() if ascii_only else text


def _here() -> str:
    """The current folder; empty, so that paths are shown in full, where it has been deleted."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return ""


def _head(summary: Summary, style: Style) -> list[str]:
    lines = style.wrap(f"tracedbg: {headline(summary)}", 0)
    lines[0] = lines[0].replace("tracedbg", style.paint("tracedbg", "bold"), 1)
    lines[0] = lines[0].replace(": healthy", f": {style.paint('healthy', 'green', 'bold')}", 1)
    return [*lines, style.paint(style.end(_which(summary), style.width), "dim")]


def headline(summary: Summary) -> str:
    """How the run went, in a sentence."""
    if not summary.functions:
        return f"nothing was traced: {_why_nothing(summary.processes)}"
    if is_healthy(summary):
        retraced = count(summary.retraces, "settled retrace") if summary.retraces else "no retraces"
        return f"healthy: {_counts(summary)}, {retraced}, no graph breaks{_cost(summary)}"
    return ", ".join([_counts(summary), *_troubles(summary)]) + _cost(summary)


def _which(summary: Summary) -> str:
    """What was run, and how it ended."""
    run = summary.run
    ended = "" if run.exit_code is None else f", exit {run.exit_code}"
    return clean(f"{' '.join(run.argv)}{ended}, run {run.id}")


def is_healthy(summary: Summary) -> bool:
    """Whether there is nothing in the run that one would want to change."""
    functions = list(summary.every_function())
    is_whole = not summary.faults and not summary.dropped
    has_loss = any(process.recording_error for process in summary.processes)
    trouble = [
        f
        for f in functions
        if f.retraces > f.settled or f.failed or f.silent_eager or f.stale or f.graph_breaks
    ]
    unconverted = any(conversion.failure for conversion in summary.conversions)
    return is_whole and not has_loss and not trouble and not unconverted and not summary.ranks


def _counts(summary: Summary) -> str:
    functions = count(len(summary.functions), "function")
    number = len(summary.processes)
    where = f" in {number} processes" if number > 1 else ""
    return f"{functions}, {count(summary.traces, 'trace')}{where}"


def _troubles(summary: Summary) -> list[str]:
    functions = list(summary.every_function())
    settled_count = sum(function.settled for function in functions)
    numbers = (
        (summary.retraces, "retrace", f" ({settled_count} settled)" if settled_count else ""),
        (len(summary.graph_breaks), "graph break", ""),
        (sum(function.failed for function in functions), "trace", " failed"),
        (
            sum(function.silent_eager is not None for function in summary.functions),
            "function",
            " eager in silence",
        ),
        (sum(bool(function.stale) for function in functions), "function", " stale"),
        (len(summary.ranks), "function", " not traced alike by all ranks"),
    )
    return [f"{count(number, noun)}{what}" for number, noun, what in numbers if number]


def _cost(summary: Summary) -> str:
    wall_ns = summary.run.wall_ns
    if not wall_ns or len(summary.processes) > 1:
        return f"; tracing took {seconds(summary.seconds)} s"
    share = summary.seconds / (wall_ns / 1e9)
    words = f"{share:.0%}" if share >= _A_PERCENT else "under 1%"
    return f"; tracing took {seconds(summary.seconds)} of {seconds(wall_ns / 1e9)} s ({words})"


def _why_nothing(infos: Sequence[ProcessInfo]) -> str:
    versions = {name: found for process in infos for name, found in process.versions.items()}
    seen = [f"{name} {clean(versions[name])}" for name in FRAMEWORKS if name in versions]
    if not seen:
        return f"the program imported neither {' nor '.join(FRAMEWORKS)}"
    return f"the program imported {' and '.join(seen)}, but called nothing that it compiles or traces"

"""The section of the report that says which lines the time of kernels went to.

It must not know how a kernel's line was found.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tracedbg import source
from tracedbg.report.style import clean, count, milliseconds

if TYPE_CHECKING:
    from tracedbg.explain import KernelLine, KernelSummary, KernelWindow, Summary
    from tracedbg.report.style import Style

MAX_LINES = 15
_BAR = 8
_HEAD = f"  {'time':>9}  {'share':>6}  {'':{_BAR}}  {'backward':>8}  {'kernels':>7}  line"
_NUMBERS = _HEAD.index("line")
_LITTLE = 0.0005
REST = {
    "library": "in libraries, called by no line of yours",
    "op": "of ops that no line of Python has run",
    "launch": "launched from no line of Python",
    "before": "launched before they were timed",
}


def kernel_time(summary: Summary, style: Style) -> list[str]:
    """The windows, the costliest lines with their source, and what leads to no line."""
    kernels = summary.kernels
    if kernels is None:
        return []
    lines = [style.paint("Kernel time by line", "bold")]
    seen = [window for window in kernels.windows if window.kernels]
    for window in seen or kernels.windows:
        lines += style.wrap(window_words(window), 2)
    if kernels.seconds <= 0:
        return lines
    lines += ["", style.paint(_HEAD, "dim")]
    most = max((line.seconds for line in kernels.lines), default=0) or 1
    for line in kernels.lines[:MAX_LINES]:
        lines += _row(line, kernels, most, style)
    others = kernels.lines[MAX_LINES:]
    if others:
        lines.append(_sum(others, kernels, f"{count(len(others), 'more line')}: see --format json", style))
    return [*lines, *_rest(kernels, style)]


def window_words(window: KernelWindow) -> str:
    """What one window saw."""
    what = "op" if window.is_host else "kernel"
    steps = f"{count(window.steps, 'step')}, " if window.steps else ""
    if not window.kernels:
        return f"{window.profiler}: no kernels were seen" + (f": {window.note}" if window.note else "")
    words = (
        f"{window.profiler} on {window.device}: {steps}{milliseconds(window.seconds)} with"
        f" {milliseconds(window.kernel_seconds)} of {count(window.kernels, what)}"
    )
    if window.is_host:
        words += ", each without those inside it"
    if window.dropped:
        words += f"; {window.dropped} more were not kept"
    return words + (f"; {window.note}" if window.note else "")


def _row(line: KernelLine, kernels: KernelSummary, most: float, style: Style) -> list[str]:
    room = style.width - _NUMBERS
    place = style.place(line.file, line.line, max(room - len(f":{line.line}") - 8, 12))
    name = f" in {clean(line.function)}" if line.function else ""
    shared = line.shared_seconds / line.seconds if line.seconds else 0.0
    note = f" ({shared:.0%} shared)" if shared > _LITTLE else ""
    name = style.end(f"{name}{note}", max(room - len(place), 0)) if len(place) < room else ""
    numbers = _numbers(line.seconds, line.backward_seconds, line.kernels, kernels, most, style)
    text = clean(source.line_text(line.file, line.line))
    below = f"{'':{_NUMBERS + 2}}{style.end(text, max(room - 2, 8))}"
    return [f"{numbers}{style.paint(place, 'cyan')}{name}", *([style.paint(below, "dim")] if text else [])]


def _numbers(  # noqa: PLR0913, PLR0917  the columns of a row
    seconds: float, backward: float, number: int, kernels: KernelSummary, most: float, style: Style
) -> str:
    bar = style.paint(style.bar(min(seconds / most, 1.0), _BAR), "cyan")
    share = f"{backward / seconds:.0%}" if backward > 0 and seconds else ""
    return (
        f"  {milliseconds(seconds):>9}  {seconds / kernels.seconds:>6.1%}  {bar}  {share:>8}  {number:>7}  "
    )


def _sum(lines: tuple[KernelLine, ...], kernels: KernelSummary, words: str, style: Style) -> str:
    seconds = sum(line.seconds for line in lines)
    number = sum(line.kernels for line in lines)
    row = (
        f"  {milliseconds(seconds):>9}  {seconds / kernels.seconds:>6.1%}  {'':{_BAR}}  {'':8}  {number:>7}  "
    )
    return style.paint(style.end(f"{row}{words}", style.width), "dim")


def _rest(kernels: KernelSummary, style: Style) -> list[str]:
    """What leads to no line, one row for each reason, with its costliest op."""
    by_reason: defaultdict[str, list[tuple[float, int, str]]] = defaultdict(list)
    for one in kernels.rest:
        by_reason[one.whose].append((one.seconds, one.kernels, one.name))
    rows = []
    for whose, found in by_reason.items():
        seconds = sum(item[0] for item in found)
        number = sum(item[1] for item in found)
        words = f"{REST.get(whose, whose)}, mostly {clean(max(found)[2])}"
        numbers = f"  {milliseconds(seconds):>9}  {seconds / kernels.seconds:>6.1%}  {'':{_BAR}}  {'':8}"
        row = f"{numbers}  {number:>7}  "
        rows.append(style.paint(style.end(row + words, style.width), "dim"))
    return rows

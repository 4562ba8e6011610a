"""The table of functions by cost: numbers first, as names have no common length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.report.style import clean, count, milliseconds, seconds

if TYPE_CHECKING:
    from tracedbg.explain import FunctionSummary, Summary
    from tracedbg.report.style import Style

MAX_ROWS = 20
_BAR = 6
_HEAD = f"{'traces':>6}  {'retraces':>8}  {'breaks':>6}  {'seconds':>7}  {'':{_BAR}}  "
_KERNELS = f"{'kernels':>8}  "
_MUCH = 0.1
"""The share of all time from which on a function is shown in any case."""
_MIN_PATH = 12
_MIN_NAME = 10


def table(summary: Summary, style: Style) -> list[str]:
    """One row for each function, resume functions below their own; what is cheap and fine in one row."""
    much = max(summary.seconds * _MUCH, 1e-9)
    shown = [f for f in summary.functions if f.self_seconds >= much or not _is_background(f)][:MAX_ROWS]
    rest = [function for function in summary.functions if function not in shown]
    if not shown:
        shown, rest = rest[:MAX_ROWS], rest[MAX_ROWS:]
    most = max((function.seconds for function in summary.functions), default=0) or 1
    is_mixed = len({function.framework for function in summary.functions}) > 1
    kernels = _KERNELS if summary.kernels is not None else ""
    lines = [style.paint(f"{_HEAD}{kernels}function", "dim")]
    for function in shown:
        label = f"{clean(function.framework.value)} " if is_mixed else ""
        lines.append(_row(function, f"{label}{clean(function.name)}", most, style))
        rest_of_it = f"{style.glyphs.branch} after break"
        lines += [_row(resume, rest_of_it, most, style) for resume in function.resumes]
    return [*lines, _others(rest, kernels, style)] if rest else lines


def _is_background(function: FunctionSummary) -> bool:
    """Whether it is a library's own, with nothing to be said about it."""
    numbers = function.retraces, function.failed, function.graph_breaks, len(function.resumes)
    has_kernels = bool(function.kernel_seconds)
    return not function.is_user and not any(numbers) and function.silent_eager is None and not has_kernels


def _row(function: FunctionSummary, name: str, most: float, style: Style) -> str:
    retraces = f"{function.retraces:>8}"
    breaks = f"{function.graph_breaks:>6}"
    kernels = [] if function.kernel_seconds is None else [f"{milliseconds(function.kernel_seconds):>8}"]
    room = style.width - len(_HEAD) - (len(_KERNELS) if kernels else 0)
    number = len(f":{function.line}")
    name = style.tail(name, max(room - _MIN_PATH - number - 2, _MIN_NAME), ".")
    left = max(room - len(name) - 2 - number, _MIN_PATH)
    return "  ".join(
        (
            f"{function.traces:>6}",
            style.paint(retraces, "yellow", "bold") if function.retraces else retraces,
            style.paint(breaks, "yellow", "bold") if function.graph_breaks else breaks,
            f"{seconds(function.seconds):>7}",
            style.paint(style.bar(function.seconds / most, _BAR), "cyan"),
            *kernels,
            style.paint(name, "bold"),
            style.paint(style.place(function.file, function.line, left), "dim"),
        )
    )


def _others(functions: list[FunctionSummary], kernels: str, style: Style) -> str:
    traces = sum(function.traces for function in functions)
    spent = sum(function.self_seconds for function in functions)
    whose = "" if any(function.is_user for function in functions) else " of libraries"
    words = f"{count(len(functions), 'more function')}{whose}"
    numbers = f"{traces:>6}  {'':8}  {'':6}  {seconds(spent):>7}  {'':{_BAR}}  {'':{len(kernels)}}"
    return style.paint(f"{numbers}{words}", "dim")

"""The functions of a run by cost. It must not know how a trace was explained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.report.html.markup import element
from tracedbg.report.html.parts import Cell, Column, Section, bar, place, shortened, table
from tracedbg.report.style import count, milliseconds, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracedbg.explain import FunctionSummary, Summary
    from tracedbg.report.html.markup import Node
    from tracedbg.report.html.parts import Look

MAX_ROWS = 200
_NAME = 160
_COLUMNS = (
    Column("Function"),
    Column("Seconds", is_number=True, hint="wall time of its traces, what was traced on the way included"),
    Column("Share", is_bar=True),
    Column("Own", is_number=True, hint="seconds without what was traced on the way"),
    Column("Traces", is_number=True),
    Column("Retraces", is_number=True),
    Column("Breaks", is_number=True, hint="places where its graph is cut in two"),
    Column("Failed", is_number=True, hint="traces that raised, or were given up"),
    Column("Calls", is_number=True, hint="of them compiled"),
)


def functions(summary: Summary, look: Look) -> Section | None:
    """The table: each function, with what is left of it after graph breaks below it."""
    if not summary.functions:
        return None
    shown = summary.functions[:MAX_ROWS]
    rest = summary.functions[MAX_ROWS:]
    most = max(function.seconds for function in summary.functions) or 1.0
    columns = list(_COLUMNS)
    has_kernels = summary.kernels is not None
    if has_kernels:
        columns.append(Column("Kernels", is_number=True, hint="time of kernels, of it and of what it calls"))
    rows = [row for function in shown for row in _rows(function, most, look, has_kernels=has_kernels)]
    words = ""
    if rest:
        own = seconds(sum(function.self_seconds for function in rest))
        traces = count(sum(function.traces for function in rest), "trace")
        words = f"{count(len(rest), 'more function')} left out here: {traces}, {own} s. See --format json."
    content = table("Functions that were traced, the costliest first", columns, rows, rest=words)
    return Section("functions", "Functions by cost", (content,), str(len(summary.functions)))


def _rows(function: FunctionSummary, most: float, look: Look, *, has_kernels: bool) -> Iterator[list[Cell]]:
    name = element("code", shortened(function.name, _NAME), class_="name")
    label = element("span", function.framework.value, class_="tag")
    yield _row(function, [name, " ", label], most, look, has_kernels=has_kernels)
    for resume in function.resumes:
        after: list[Node] = [
            element("code", shortened(function.name, _NAME), class_="name"),
            " after a graph break",
        ]
        yield _row(resume, after, most, look, has_kernels=has_kernels)


def _row(function: FunctionSummary, name: Node, most: float, look: Look, *, has_kernels: bool) -> list[Cell]:
    cells = [
        Cell([name, place(look, function.file, function.line)], function.name),
        Cell(seconds(function.seconds), function.seconds),
        Cell(bar(function.seconds / most), function.seconds),
        Cell(seconds(function.self_seconds), function.self_seconds),
        Cell(function.traces, function.traces),
        _alarm(function.retraces),
        _alarm(function.graph_breaks),
        _alarm(function.failed),
        Cell(_calls(function), (function.calls.compiled or 0) + (function.calls.eager or 0)),
    ]
    if has_kernels:
        spent = function.kernel_seconds
        cells.append(Cell("" if spent is None else milliseconds(spent), spent or 0.0))
    return cells


def _alarm(number: int) -> Cell:
    """A number that should be nothing."""
    return Cell(element("strong", number, class_="warn") if number else number, number)


def _calls(function: FunctionSummary) -> str:
    """`9 of 12`: how many of the calls ran compiled."""
    compiled, eager = function.calls.compiled, function.calls.eager
    if compiled is None and eager is None:
        return ""
    if eager is None:
        return f"{compiled}"
    return f"{compiled or 0} of {(compiled or 0) + eager}"

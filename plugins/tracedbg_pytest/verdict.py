"""Whether a test kept to its budgets, and what a person is told if it did not.

It must not know pytest.
"""

from __future__ import annotations

import fnmatch
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from tracedbg.explain import FunctionSummary, Summary
    from tracedbg_pytest.budgets import Budget

_NOUNS = {
    "max_retraces": "retrace",
    "max_traces": "trace",
    "max_graph_breaks": "graph break",
}


def judge(summary: Summary, budget: Budget, before: Collection[tuple[str, int, str]] = ()) -> str:
    """What is over a budget, in words; empty if nothing is.

    Args:
        summary: of what has happened.
        budget: what was allowed.
        before: the functions that had been traced before (file, line, name): this is told.
    """
    functions = [one for one in summary.every_function() if fits(one.name, budget.function)]
    if budget.kind == "no_silent_eager":
        guilty = [one for one in functions if one.silent_eager]
        lines = [line for one in guilty for line in _eager(one)]
        return _told("eager in silence", len(guilty), lines, budget)
    if budget.kind == "no_stale_trace":
        guilty = [one for one in functions if one.stale]
        lines = [line for one in guilty for line in _stale(one)]
        return _told("stale", len(guilty), lines, budget)
    if budget.kind == "max_compile_seconds":
        seconds = sum(one.self_seconds for one in functions)
        if seconds <= budget.limit:
            return ""
        lines = [f"  {_where(one)}: {_seconds(one.self_seconds)}" for one in functions if one.self_seconds]
        head = f"{_seconds(seconds)} of tracing and compiling, {budget.limit:g} s allowed by {budget.said_by}"
        return "\n".join([head, *lines])
    attribute = budget.kind.removeprefix("max_")
    number = sum(getattr(one, attribute) for one in functions)
    if number <= budget.limit:
        return ""
    noun = _NOUNS[budget.kind]
    head = f"{count(number, noun)}, {budget.limit:g} allowed by {budget.said_by}"
    lines = [head]
    for one in functions:
        if own := getattr(one, attribute):
            is_told = budget.kind == "max_traces" and (one.file, one.line, one.name) in before
            apart = "; traced before this test too" if is_told else ""
            lines.append(f"  {_where(one)}: {count(own, noun)}{apart}")
            lines += _causes(one) if attribute != "graph_breaks" else _breaks(one, summary)
    return "\n".join(lines)


def fits(name: str, pattern: str | None) -> bool:
    """Whether a qualified name is meant: by all of it, or by its last parts."""
    return pattern is None or fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(name, f"*.{pattern}")


def place(file: str, line: int) -> str:
    """`file:line`, relative to the current folder where that is shorter."""
    relative = os.path.relpath(file) if file and not file.startswith("<") else file
    return f"{relative if len(relative) < len(file) else file}:{line}"


def _causes(function: FunctionSummary) -> Iterable[str]:
    for cause in function.causes:
        times = f" ({cause.count} times)" if cause.count > 1 else ""
        yield f"    {place(cause.file, cause.line)}: {cause.message}{times}"
        if cause.advice:
            yield f"      {cause.advice}"


def _breaks(function: FunctionSummary, summary: Summary) -> Iterable[str]:
    for found in summary.graph_breaks:
        if found.file == function.file and found.function == function.name:
            yield f"    {place(found.file, found.line)}: {found.reason}"


def _eager(function: FunctionSummary) -> Iterable[str]:
    eager = function.silent_eager
    if eager is not None:
        yield f"  {_where(function)}: {eager.reason}"
        if eager.advice:
            yield f"      {eager.advice}"


def _stale(function: FunctionSummary) -> Iterable[str]:
    yield f"  {_where(function)}"
    for stale in function.stale:
        yield f"    {place(stale.file, stale.line)}: {stale.message}"
        if stale.advice:
            yield f"      {stale.advice}"


def _told(what: str, number: int, lines: list[str], budget: Budget) -> str:
    if not number:
        return ""
    return "\n".join([f"{count(number, 'function')} {what}, none allowed by {budget.said_by}", *lines])


def _where(function: FunctionSummary) -> str:
    return f"{function.name} ({place(function.file, function.line)})"


def count(number: int, noun: str) -> str:
    """`1 trace`, `2 traces`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _seconds(number: float) -> str:
    return f"{number:.{2 if number >= 1 else 4}f} s"

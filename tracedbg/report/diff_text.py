"""How two runs differ, for people: what is worse first, then function by function.

It must not know how they were compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from tracedbg.explain.comparison import Change, Verdict
from tracedbg.report.style import ASCII, Glyphs, Style, clean, count, seconds
from tracedbg.report.text import LEAST_WIDTH, WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracedbg.explain.comparison import (
        BreakChange,
        CauseChange,
        Comparison,
        FunctionChange,
        Numbers,
    )
    from tracedbg.store.run_info import RunInfo

_IN = 4
_MARKS = {Change.NEW: "+", Change.GONE: "-", Change.CHANGED: "~"}
_COLOURS = {Change.NEW: "red", Change.GONE: "green", Change.CHANGED: "yellow"}
_NOUNS = {
    "retraces": "more retrace",
    "cause": "new cause",
    "graph_break": "new graph break",
    "silent_eager": "function newly eager in silence",
    "stale": "new use of a stale trace",
    "failed": "more failed trace",
    "cost": "slower",
}
_PLURALS = {
    "silent_eager": "functions newly eager in silence",
    "stale": "new uses of stale traces",
}
_ROWS = ("traces", "retraces", "graph breaks", "failed")


def write(comparison: Comparison, stream: TextIO, *, color: bool = False, width: int = WIDTH) -> None:
    """Write the comparison to `stream`, in characters that its encoding has.

    Args:
        comparison: of two runs.
        stream: open for text.
        color: the caller decides, by `isatty` and `NO_COLOR`.
        width: columns.
    """
    encoding = (getattr(stream, "encoding", None) or "utf-8").lower()
    stream.write(render(comparison, color=color, width=width, ascii_only="utf" not in encoding))


def render(
    comparison: Comparison, *, color: bool = False, width: int = WIDTH, ascii_only: bool = False
) -> str:
    """The comparison as text; the arguments are those of the report's `render`."""
    style = Style(color, max(width, LEAST_WIDTH), ASCII if ascii_only else Glyphs())
    parts = [_head(comparison, style), _numbers(comparison, style)]
    if comparison.functions:
        parts.append(_functions(comparison.functions, style))
    if comparison.graph_breaks:
        parts.append(_graph_breaks(comparison.graph_breaks, style))
    text = "\n\n".join("\n".join(lines) for lines in parts) + "\n"
    return text.encode("ascii", "backslashreplace").decode() if ascii_only else text


def _head(comparison: Comparison, style: Style) -> list[str]:
    words = {
        Verdict.WORSE: f"worse: {_worse(comparison)}",
        Verdict.BETTER: "better",
        Verdict.CHANGED: "changed, for neither better nor worse",
        Verdict.SAME: "no difference",
    }[comparison.verdict]
    if comparison.is_slower and not any(reason.kind == "cost" for reason in comparison.worse):
        words += "; tracing took longer"
    lines = style.wrap(f"tracedbg: {words}", 0)
    look = {Verdict.WORSE: "red", Verdict.BETTER: "green"}.get(comparison.verdict, "bold")
    first = words.partition(":")[0]
    lines[0] = lines[0].replace(first, style.paint(first, look, "bold"), 1)
    return [*lines, _which("A", comparison.a, style), _which("B", comparison.b, style)]


def _worse(comparison: Comparison) -> str:
    totals: dict[str, int] = {}
    for reason in comparison.worse:
        totals[reason.kind] = totals.get(reason.kind, 0) + reason.count
    return ", ".join(_counted(kind, totals[kind]) for kind in _NOUNS if kind in totals)


def _counted(kind: str, number: int) -> str:
    if kind == "cost":
        return _NOUNS[kind]
    return f"{number} {_PLURALS[kind]}" if number > 1 and kind in _PLURALS else count(number, _NOUNS[kind])


def _which(name: str, run: RunInfo, style: Style) -> str:
    ended = "" if run.exit_code is None else f", exit {run.exit_code}"
    return style.paint(
        style.end(clean(f"{name}: {' '.join(run.argv)}{ended}, run {run.id}"), style.width), "dim"
    )


def _numbers(comparison: Comparison, style: Style) -> list[str]:
    before, after = comparison.before, comparison.after
    lines = [style.paint(f"{'':14}{'A':>8}  {'B':>8}", "dim")]
    for name, a, b in zip(_ROWS, before.counts, after.counts, strict=True):
        change = f"  {b - a:+8}" if a != b else ""
        lines.append(f"{name:<14}{a:>8}  {b:>8}{style.paint(change, 'yellow')}")
    share = f"  {(after.seconds / before.seconds - 1) * 100:+7.0f}%" if before.seconds else ""
    share = style.paint(share, "yellow") if comparison.is_slower else share
    return [*lines, f"{'seconds':<14}{seconds(before.seconds):>8}  {seconds(after.seconds):>8}{share}"]


def _functions(functions: Iterable[FunctionChange], style: Style) -> list[str]:
    lines = [style.paint("Functions", "bold")]
    for number, function in enumerate(functions):
        lines += ["", *_function(function, style)] if number else _function(function, style)
    return lines


def _function(function: FunctionChange, style: Style) -> list[str]:
    where = f"{style.place(function.file, function.line)} in {clean(function.name)}"
    lines = [_title(function.change, where, "", style)]
    lines += style.wrap(_changes(function, style), _IN)
    for cause in function.causes:
        lines += _cause(cause, style)
    if function.silent_eager is not None:
        eager = function.silent_eager
        lines += _entry(eager.change, f"eager in silence: {eager.reason}", style)
    for stale in function.stale:
        lines += _entry(stale.change, stale.message, style)
        if stale.change is not Change.GONE:
            lines += _advice(stale.advice, style)
    return lines


def _changes(function: FunctionChange, style: Style) -> str:
    """`traces 1 → 4, retraces 0 → 3`; of a function that is new or gone, what it came to."""
    before, after = function.before, function.after
    if before is None or after is None:
        return _came_to(before or after)
    pairs = zip(_ROWS, before.counts, after.counts, strict=True)
    arrow = style.glyphs.arrow
    words = [f"{name} {a} {arrow} {b}" for name, a, b in pairs if a != b]
    if function.is_slower:
        words.append(f"seconds {seconds(before.seconds)} {arrow} {seconds(after.seconds)}")
    return ", ".join(words)


def _came_to(numbers: Numbers | None) -> str:
    if numbers is None:
        return ""
    words = [f"{name} {number}" for name, number in zip(_ROWS, numbers.counts, strict=True) if number]
    return ", ".join([*words, f"seconds {seconds(numbers.seconds)}"])


def _cause(cause: CauseChange, style: Style) -> list[str]:
    if cause.change is Change.CHANGED:
        number = f"{cause.before} {style.glyphs.arrow} {cause.after} retraces"
    else:
        number = count(cause.after or cause.before, "retrace")
    where = style.place(cause.file, cause.line)
    lines = _entry(cause.change, f"{number} from {where}: {cause.message}", style)
    return lines if cause.change is Change.GONE else lines + _advice(cause.advice, style)


def _graph_breaks(breaks: Iterable[BreakChange], style: Style) -> list[str]:
    lines = [style.paint("Graph breaks", "bold")]
    for found in breaks:
        where = f"{style.place(found.file, found.line)} in {clean(found.function)}"
        lines += [_title(found.change, where, found.code, style), *style.wrap(found.kind, _IN)]
    return lines


def _title(change: Change, where: str, right: str, style: Style) -> str:
    """`+ train.py:12 in step`, and at the right edge what became of it."""
    right = f"{right}  {change.value}" if right else change.value
    room = style.width - len(right) - 4
    text = style.end(where, room)
    mark = style.paint(_MARKS[change], _COLOURS[change], "bold")
    return f"{mark} {style.paint(text, 'cyan')}{'':{room - len(text) + 2}}{style.paint(right, 'yellow')}"


def _entry(change: Change, text: str, style: Style) -> list[str]:
    lines = style.wrap(text, _IN, f"{_MARKS[change]} ")
    return [style.paint(line, _COLOURS[change]) for line in lines]


def _advice(text: str, style: Style) -> list[str]:
    lines = style.wrap(text, _IN + 2, f"{style.glyphs.advice} ") if text else []
    return [style.paint(line, "green") for line in lines]

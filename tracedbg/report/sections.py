"""The sections of the report for people. Each gives its lines, or none where it has nothing to say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tracedbg import source
from tracedbg.report.style import clean, count, seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.explain import CauseGroup, ConversionSummary, FunctionSummary, Summary
    from tracedbg.report.style import Style

MAX_ENTRIES = 20
_IN = 4
_FULL_STOP = re.compile(r"(?<!e\.g)(?<!i\.e)\.(?:\s+(?=[A-Z`])|$)")


def retraces(summary: Summary, style: Style) -> list[str]:
    """Why functions were traced again, and will be: the costliest cause first."""
    found = [item for item in _causes(summary) if not item[0].settled]
    entries = [_cause(group, function, style) for group, function in found[:MAX_ENTRIES]]
    lines = _section("Why it was traced again", entries, len(found), style)
    return [*lines, *_more(found, style)] if lines else []


def _more(found: list[tuple[CauseGroup, FunctionSummary]], style: Style) -> list[str]:
    """The commands that tell more of these kinds."""
    kinds = dict.fromkeys(group.kind.value for group, _ in found)
    words = style.wrap(f"more: {', '.join(f'tracedbg explain {kind}' for kind in kinds)}", _IN - 2)
    return ["", *(style.paint(line, "dim") for line in words)]


def settled(summary: Summary, style: Style) -> list[str]:
    """Retraces that have come to their end, each in a few words."""
    found = [item for item in _causes(summary) if item[0].settled]
    entries = []
    for group, function in found[:MAX_ENTRIES]:
        numbers = f"{count(group.count, 'retrace')}  {seconds(group.seconds)} s"
        lines = [title(group.file, group.line, function.name, numbers, style)]
        lines += style.wrap(group.message, _IN)
        entries.append(lines + style.wrap(group.advice, _IN, f"{style.glyphs.advice} "))
    return _section("Traced again, and settled", entries, len(found), style)


def _causes(summary: Summary) -> list[tuple[CauseGroup, FunctionSummary]]:
    found = [(group, function) for function in summary.every_function() for group in function.causes]
    return sorted(found, key=lambda item: -item[0].seconds)


def _cause(group: CauseGroup, function: FunctionSummary, style: Style) -> list[str]:
    numbers = f"{count(group.count, 'retrace')}  {seconds(group.seconds)} s"
    lines = [title(group.file, group.line, function.name, numbers, style)]
    lines += _source_line(group.file, group.line, style)
    lines += style.wrap(group.message, _IN)
    if group.count > 1 and group.before and group.after and not group.after.startswith("another "):
        change = f"{group.before} {style.glyphs.arrow} {group.after}"
        lines += style.wrap(f"{group.argument}: {change}" if group.argument else change, _IN)
    return lines + _advice(group.advice, style)


def graph_breaks(summary: Summary, style: Style) -> list[str]:
    """Where compiled code is cut in two."""
    entries = []
    for found in summary.graph_breaks[:MAX_ENTRIES]:
        lines = [title(found.file, found.line, found.function, found.code, style)]
        lines += _source_line(found.file, found.line, style, found.ran_eager)
        reason = _first_sentence(found.reason)
        text = found.kind if not reason or reason == found.kind else f"{found.kind}: {reason}"
        entries.append(lines + style.wrap(text, _IN))
    return _section("Graph breaks", entries, len(summary.graph_breaks), style)


def _first_sentence(text: str) -> str:
    """The first line of a long explanation, up to its first full stop."""
    line = text.strip().partition("\n")[0]
    return _FULL_STOP.split(line, maxsplit=1)[0]


def eager(summary: Summary, style: Style) -> list[str]:
    """Functions whose calls run eager without a word."""
    entries = []
    for function in summary.functions:
        silent = function.silent_eager
        if silent is None:
            continue
        lines = [title(function.file, function.line, function.name, _which_calls(function), style)]
        lines += style.wrap(silent.reason, _IN)
        entries.append(lines + _advice(silent.advice, style))
    return _section("Runs eager, without a word", entries, len(entries), style)


def _which_calls(function: FunctionSummary) -> str:
    """`4 of 12 calls, since call 9`, as far as it is known."""
    calls, silent = function.calls, function.silent_eager
    words = []
    if calls.eager:
        known = calls.compiled is not None
        total = count(calls.eager + (calls.compiled or 0), "call")
        words.append(f"{calls.eager} of {total}" if known else total)
    if silent is not None and silent.since_call:
        words.append(f"since call {silent.since_call}")
    return ", ".join(words)


def stale(summary: Summary, style: Style) -> list[str]:
    """Traces that go on being used although they should have been made again."""
    found = [(group, function) for function in summary.every_function() for group in function.stale]
    entries = []
    for group, function in found[:MAX_ENTRIES]:
        kind = group.kind.replace("_", " ")
        lines = [title(group.file, group.line, function.name, kind, style)]
        lines += _source_line(group.file, group.line, style)
        lines += style.wrap(group.message, _IN)
        entries.append(lines + _advice(group.advice, style))
    return _section("Stale: traced once, changed since", entries, len(found), style)


def autograph(summary: Summary, style: Style) -> list[str]:
    """What AutoGraph left as it was, and loops that it unrolled."""
    entries = [entry for conversion in summary.conversions for entry in _conversion(conversion, style)]
    return _section("AutoGraph", entries[:MAX_ENTRIES], len(entries), style)


def _conversion(conversion: ConversionSummary, style: Style) -> list[list[str]]:
    entries = []
    if conversion.failure:
        head = title(conversion.file, conversion.line, conversion.function, "not converted", style)
        entries.append([head, *style.wrap(_first_sentence(conversion.failure), _IN)])
    if source.is_user_file(conversion.file):
        lines = [construct.line for construct in conversion.constructs if construct.became == "unrolled"]
        entries += [_unrolled(conversion, line, style) for line in lines]
    return entries


def _unrolled(conversion: ConversionSummary, line: int, style: Style) -> list[str]:
    lines = [title(conversion.file, line, conversion.function, "unrolled", style)]
    lines += _source_line(conversion.file, line, style)
    lines += style.wrap("a Python loop becomes as many operations as it has turns", _IN)
    return lines + _advice("if they are many, loop over a tensor, such as tf.range(n)", style)


def faults(summary: Summary, style: Style) -> list[str]:
    """What went wrong with tracedbg itself, and what it could not keep."""
    lines = []
    for fault in summary.faults:
        lines += style.wrap(f"{fault.where}: {fault.message}", _IN - 2)
    for process in summary.processes:
        if process.recording_error:
            lines += style.wrap(f"process {process.pid}: {process.recording_error}", _IN - 2)
    if summary.dropped:
        kinds = ", ".join(f"{number} {kind}" for kind, number in summary.dropped.items())
        words = f"counted but not kept, as the recording was full (see --max-mb): {kinds}"
        lines += style.wrap(words, _IN - 2)
    return [style.paint("Faults of tracedbg, and what is missing", "bold", "red"), *lines] if lines else []


def _section(title: str, entries: Sequence[list[str]], total: int, style: Style) -> list[str]:
    if not entries:
        return []
    lines = [style.paint(title, "bold")]
    for number, entry in enumerate(entries):
        lines += ["", *entry] if number else entry
    if total > len(entries):
        lines += ["", style.paint(f"  and {total - len(entries)} more: see --format json", "dim")]
    return lines


def title(file: str, line: int, function: str, right: str, style: Style) -> str:
    """`  train.py:12 in step`, and at the right edge what there is to say in numbers."""
    right = style.end(clean(right), style.width // 2)
    room = style.width - 2 - (len(right) + 2 if right else 0)
    place = style.place(file, line, max(room - len(function) - len(f" in :{line}"), room // 2))
    name = style.tail(clean(function), max(room - len(place) - len(" in "), 8), ".")
    name = f" in {name}" if name else ""
    gap = " " * max(style.width - 2 - len(place) - len(name) - len(right), 2) if right else ""
    return f"  {style.paint(place, 'cyan')}{name}{gap}{style.paint(right, 'yellow')}"


def _source_line(file: str, line: int, style: Style, text: str = "") -> list[str]:
    text = source.line_text(file, line) or text
    return (
        [style.paint(f"{'':{_IN + 2}}{style.end(clean(text), style.width - _IN - 2)}", "dim")] if text else []
    )


def _advice(text: str, style: Style) -> list[str]:
    lines = style.wrap(text, _IN, f"{style.glyphs.advice} ") if text else []
    return [style.paint(line, "green") for line in lines]

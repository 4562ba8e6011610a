"""The sections of the report on steps of eager code: graphs that change, and what the backward costs.

It must not know how a graph was seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg import source
from tracedbg.report.sections import title
from tracedbg.report.style import clean, count, milliseconds, size

if TYPE_CHECKING:
    from tracedbg.explain import GraphChange, StepCost, StepSummary, Summary
    from tracedbg.report.style import Style

MAX_FUNCTIONS = 8
MAX_CHANGES = 5
MAX_LINES = 8
_IN = 4
_BAR = 8
_TIMES = 4
_HEAD = f"  {'saved':>9}  {'':{_BAR}}  {'backward':>9}  line"
_ROOM = _HEAD.index("line")
_WHAT = {"autograd": "backward", "tape": "gradient of a tape", "sequence": "call without gradients"}
_MUCH_BYTES = 64 * 1024 * 1024
_MUCH_SHARE = 0.25


def graph_changes(summary: Summary, style: Style) -> list[str]:
    """Where the graphs of steps change: the eager twin of retraces."""
    found = [steps for steps in summary.steps if steps.changes]
    if not found:
        return []
    lines = [style.paint("Graphs of eager code that change from step to step", "bold")]
    for number, steps in enumerate(found[:MAX_FUNCTIONS]):
        lines += [""] if number else []
        lines += _function(steps, style)
    rest = len(found) - MAX_FUNCTIONS
    if rest > 0:
        lines += ["", style.paint(f"  and {rest} more: see --format json", "dim")]
    return lines


def _function(steps: StepSummary, style: Style) -> list[str]:
    lines = [
        title(steps.file, steps.line, steps.name, count(steps.changed, "change"), style),
        *style.wrap(_numbers(steps), _IN),
    ]
    for change in steps.changes[:MAX_CHANGES]:
        lines += _change(change, style)
    rest = steps.changes[MAX_CHANGES:]
    if rest:
        words = f"and {count(sum(one.count for one in rest), 'more change')} in {count(len(rest), 'place')}"
        lines += [style.paint(f"{'':{_IN}}{words}: see --format json", "dim")]
    advice = dict.fromkeys(change.advice for change in steps.changes[:MAX_CHANGES] if change.advice)
    for words in advice:
        lines += [style.paint(line, "green") for line in style.wrap(words, _IN, f"{style.glyphs.advice} ")]
    return lines


def _numbers(steps: StepSummary) -> str:
    what = _WHAT.get(steps.kind, steps.kind)
    words = f"{what}: {count(steps.steps, 'step')} with {count(steps.graphs, 'different graph')}"
    if steps.looked_at < steps.steps:
        words += f", {steps.looked_at} looked at"
    return words + f"; up to {count(steps.nodes, 'node')}"


def _change(change: GraphChange, style: Style) -> list[str]:
    back = f"{change.back} of them back, " if change.back and change.kind != "turns" else ""
    message = change.message.replace("->", style.glyphs.arrow)
    words = f"{message} ({back}first in step {change.step})"
    lines = style.wrap(words, _IN, f"{f'{change.count}x':>{_TIMES}}  ")
    text = source.line_text(change.file, change.line)
    if text:
        place = style.place(change.file, change.line, 32)
        indent = _IN + _TIMES + 4
        shown = style.end(f"{place}  {clean(text)}", style.width - indent)
        lines.append(style.paint(f"{'':{indent}}{shown}", "dim"))
    return lines


def step_costs(summary: Summary, style: Style) -> list[str]:
    """What the forward keeps for the backward, and what the backward takes, by line."""
    found = [steps for steps in summary.steps if steps.saved_bytes or steps.backward_seconds > 0]
    if not found:
        return []
    lines = [style.paint("What lines of the forward keep for the backward, and what it takes", "bold")]
    for number, steps in enumerate(found[:MAX_FUNCTIONS]):
        lines += [""] if number else []
        total = [f"{size(steps.saved_bytes)} kept"] if steps.saved_bytes else []
        total += [milliseconds(steps.backward_seconds)] if steps.backward_seconds else []
        lines += [
            title(steps.file, steps.line, steps.name, ", ".join(total), style),
            style.paint(_HEAD, "dim"),
        ]
        most = max(cost.saved_bytes for cost in steps.costs) or 1
        for cost in steps.costs[:MAX_LINES]:
            lines += _row(cost, most, style)
        rest = steps.costs[MAX_LINES:]
        if rest:
            lines.append(_rest(rest, style))
        lines += _advice(steps, style)
    return lines


def _row(cost: StepCost, most: int, style: Style) -> list[str]:
    room = style.width - _ROOM
    numbers = _row_numbers(cost.saved_bytes, cost.backward_seconds, cost.saved_bytes / most, style)
    if not cost.file:
        return [style.paint(f"{numbers}of no line that is known", "dim")]
    place = style.place(cost.file, cost.line, max(room - len(f":{cost.line}") - 8, 12))
    name = f" in {clean(cost.function)}" if cost.function else ""
    name = style.end(name, max(room - len(place), 0)) if len(place) < room else ""
    text = clean(source.line_text(cost.file, cost.line))
    below = f"{'':{_ROOM + 2}}{style.end(text, max(room - 2, 8))}"
    return [f"{numbers}{style.paint(place, 'cyan')}{name}", *([style.paint(below, "dim")] if text else [])]


def _row_numbers(saved_bytes: int, seconds: float, share: float, style: Style) -> str:
    kept = size(saved_bytes) if saved_bytes else ""
    took = milliseconds(seconds) if seconds else ""
    bar = style.paint(style.bar(min(share, 1.0), _BAR), "cyan")
    return f"  {kept:>9}  {bar}  {took:>9}  "


def _rest(costs: tuple[StepCost, ...], style: Style) -> str:
    kept = sum(cost.saved_bytes for cost in costs)
    seconds = sum(cost.backward_seconds for cost in costs)
    row = _row_numbers(kept, seconds, 0, style)
    return style.paint(f"{row}{count(len(costs), 'more line')}: see --format json", "dim")


def _advice(steps: StepSummary, style: Style) -> list[str]:
    """Where one line keeps much: what would keep less."""
    first = steps.costs[0]
    if steps.kind != "autograd" or not first.file:
        return []
    if first.saved_bytes < max(_MUCH_BYTES, steps.saved_bytes * _MUCH_SHARE):
        return []
    words = (
        f"torch.utils.checkpoint around {style.place(first.file, first.line)} would compute that again in the"
        f" backward instead of keeping {size(first.saved_bytes)}"
    )
    return [style.paint(line, "green") for line in style.wrap(words, _IN, f"{style.glyphs.advice} ")]

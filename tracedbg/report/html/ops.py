"""Ops that were executed, where the host waits, and what steps of eager code keep and change.

It must not know how an op was seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.report.html.markup import element
from tracedbg.report.html.parts import (
    Cell,
    Column,
    Section,
    advice,
    bar,
    code_around,
    entries,
    entry,
    muted,
    numbers,
    paragraph,
    place,
    prose,
    shortened,
    table,
)
from tracedbg.report.style import count, milliseconds, seconds, size
from tracedbg.report.syncs import told_syncs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.explain import GraphChange, OpRow, OpSummary, StepSummary, Summary, SyncLine
    from tracedbg.report.html.markup import Element, Node
    from tracedbg.report.html.parts import Look

MAX_LINES = 100
MAX_OPS = 60
MAX_ENTRIES = 40
MAX_CHANGES = 20
_MAX_PARTS = 3
_STEPS = {"autograd": "backward", "tape": "gradient of a tape", "sequence": "call without gradients"}


def ops(summary: Summary, look: Look) -> Section | None:
    """By line, and by name and shapes."""
    found = summary.ops
    if found is None:
        return None
    content: list[Node] = [element("p", _head(found), class_="lead")]
    content += [muted(f"{one.observer}: {one.note}") for one in found.observers if one.note]
    if found.count:
        content += [advice(found.hint), element("h3", "By line"), _by_line(found, look)]
        content += [element("h3", "By op"), _by_op(found)]
    return Section("ops", "Ops", tuple(content), str(found.count))


def _head(found: OpSummary) -> str:
    words = (
        f"{count(found.count, 'op')} in {milliseconds(found.seconds)}: {found.on_lines:.0%} on lines of yours"
    )
    for spent, name in ((found.backward_seconds, "backward"), (found.traced_seconds, "in compiled graphs")):
        if spent:
            words += f", {_percent(spent, found.seconds)} {name}"
    return f"{words}; seen by {' and '.join(one.observer for one in found.observers)}."


def _percent(part: float, whole: float) -> str:
    return f"{part / whole:.1%}" if whole else ""


def _by_line(found: OpSummary, look: Look) -> Element:
    shown, rest = found.lines[:MAX_LINES], found.lines[MAX_LINES:]
    most = max((row.seconds for row in shown), default=0.0) or 1.0
    rows = [
        [
            Cell(_line(row, look), f"{row.file}:{row.line:07}"),
            *_numbers(row, found, most, row.calls or row.count),
        ]
        for row in shown
    ]
    columns = (Column("Line"), *_columns("Calls", "Mostly"))
    return table("Ops by line", columns, rows, rest=_rest(rest, "line"))


def _line(row: OpRow, look: Look) -> Node:
    if row.is_nowhere:
        return element("span", "no line of yours is known", class_="muted")
    text = look.excerpts.line(row.file, row.line)
    return [
        place(look, row.file, row.line, row.function),
        element("code", text, class_="text") if text else None,
    ]


def _by_op(found: OpSummary) -> Element:
    shown, rest = found.ops[:MAX_OPS], found.ops[MAX_OPS:]
    most = max((row.seconds for row in shown), default=0.0) or 1.0
    rows = [
        [
            Cell(
                [
                    element("code", shortened(row.op, 160), class_="name"),
                    element("code", shortened(row.inputs, 240), class_="text") if row.inputs else None,
                ],
                row.op,
            ),
            *_numbers(row, found, most, row.count),
        ]
        for row in shown
    ]
    return table(
        "Ops by name and shapes", (Column("Op"), *_columns("Runs", "Longest")), rows, rest=_rest(rest, "op")
    )


def _columns(number: str, last: str) -> tuple[Column, ...]:
    return (
        Column("Time", is_number=True, hint="without the ops that it called"),
        Column("Share", is_number=True),
        Column("", is_bar=True),
        Column("Backward", is_number=True),
        Column("Compiled", is_number=True, hint="in compiled graphs"),
        Column(number, is_number=True),
        Column(last, is_number=last == "Longest"),
    )


def _numbers(row: OpRow, found: OpSummary, most: float, number: int) -> list[Cell]:
    parts = ", ".join(
        f"{shortened(part.op, 60)} {_percent(part.seconds, row.seconds)}" for part in row.ops[:_MAX_PARTS]
    )
    last = Cell(milliseconds(row.longest_seconds), row.longest_seconds) if row.op else Cell(parts, None)
    return [
        Cell(milliseconds(row.seconds), row.seconds),
        Cell(_percent(row.seconds, found.seconds), row.seconds),
        Cell(bar(row.seconds / most), row.seconds),
        Cell(
            _percent(row.backward_seconds, row.seconds) if row.backward_seconds else "", row.backward_seconds
        ),
        Cell(_percent(row.traced_seconds, row.seconds) if row.traced_seconds else "", row.traced_seconds),
        Cell(number, number),
        last,
    ]


def _rest(rest: Sequence[OpRow], noun: str) -> str:
    if not rest:
        return ""
    spent = milliseconds(sum(row.seconds for row in rest))
    return f"{count(len(rest), f'more {noun}')} left out here: {spent}. See tracedbg report --ops."


def syncs(summary: Summary, look: Look) -> Section | None:
    """Waits of the host for the device, and copies that nobody asked for."""
    found = told_syncs(summary)
    if not found:
        return None
    cards = [_sync(one, number, look) for number, one in enumerate(found[:MAX_ENTRIES], 1)]
    return Section(
        "syncs",
        "Host waits for the device, and hidden copies",
        (entries(cards, len(found)),),
        str(len(found)),
    )


def _sync(one: SyncLine, number: int, look: Look) -> Element:
    named = ", ".join(one.ops[:_MAX_PARTS]) + (", …" if len(one.ops) > _MAX_PARTS else "")
    return entry(
        place(look, one.file, one.line, one.function) if one.file else "no line of yours is known",
        numbers((str(one.count), "call" if one.count == 1 else "calls"), (milliseconds(one.seconds), "")),
        paragraph(f"{one.message} ({named})" if one.message else named, "message"),
        code_around(look, one.file, one.line) if one.file else None,
        advice(one.advice),
        id_=f"syncs-{number}",
    )


def steps(summary: Summary, look: Look) -> Section | None:
    """Where graphs of eager code change, and what lines of the forward keep for the backward."""
    changed = [one for one in summary.steps if one.changes]
    costly = [one for one in summary.steps if one.saved_bytes or one.backward_seconds > 0]
    if not changed and not costly:
        return None
    content: list[Node] = []
    if changed:
        content.append(element("h3", "Graphs that change from step to step"))
        content.append(
            entries(
                [_changes(one, number, look) for number, one in enumerate(changed[:MAX_ENTRIES], 1)],
                len(changed),
            )
        )
    if costly:
        content.append(element("h3", "What lines keep for the backward, and what it takes"))
        content += [_costs(one, look) for one in costly[:MAX_ENTRIES]]
    return Section("changes", "Steps of eager code", tuple(content), str(len(summary.steps)))


def _changes(one: StepSummary, number: int, look: Look) -> Element:
    what = _STEPS.get(one.kind, one.kind)
    looked = f", {one.looked_at} looked at" if one.looked_at < one.steps else ""
    words = f"{what}: {count(one.steps, 'step')}{looked}, up to {count(one.nodes, 'node')}"
    items = [_change(each, look) for each in one.changes[:MAX_CHANGES]]
    rest = len(one.changes) - MAX_CHANGES
    advised = dict.fromkeys(each.advice for each in one.changes[:MAX_CHANGES] if each.advice)
    return entry(
        place(look, one.file, one.line, one.name),
        numbers((str(one.graphs), "different graphs"), (str(one.changed), "changes")),
        paragraph(words, "muted"),
        element("ol", items, class_="turns"),
        muted(f"And {rest} more places: see --format json.") if rest > 0 else None,
        [advice(each) for each in advised],
        id_=f"changes-{number}",
    )


def _change(one: GraphChange, look: Look) -> Element:
    back = f"{one.back} of them back, " if one.back and one.kind != "turns" else ""
    return element(
        "li",
        element(
            "p",
            element("b", f"{one.count}x"),
            " ",
            prose(one.message.replace("->", "→")),
            f" ({back}first in step {one.step})",
        ),
        code_around(look, one.file, one.line, context=1) if one.file else None,
    )


def _costs(one: StepSummary, look: Look) -> Node:
    most = max((cost.saved_bytes for cost in one.costs), default=0) or 1
    rows = [
        [
            Cell(_cost_line(cost.file, cost.line, cost.function, look), f"{cost.file}:{cost.line:07}"),
            Cell(size(cost.saved_bytes) if cost.saved_bytes else "", cost.saved_bytes),
            Cell(bar(cost.saved_bytes / most), cost.saved_bytes),
            Cell(milliseconds(cost.backward_seconds) if cost.backward_seconds else "", cost.backward_seconds),
        ]
        for cost in one.costs[:MAX_LINES]
    ]
    columns = (
        Column("Line of the forward"),
        Column("Kept", is_number=True, hint="for the backward, by one step"),
        Column("", is_bar=True),
        Column("Backward", is_number=True),
    )
    total = [f"{size(one.saved_bytes)} kept"] if one.saved_bytes else []
    total += [f"{seconds(one.backward_seconds)} s of backward"] if one.backward_seconds else []
    rest = len(one.costs) - MAX_LINES
    words = f"{count(rest, 'more line')} left out here: see --format json." if rest > 0 else ""
    caption = f"{shortened(one.name, 120)}: {', '.join(total)}"
    return [
        element("p", place(look, one.file, one.line, one.name), ": ", ", ".join(total)),
        table(caption, columns, rows, rest=words),
    ]


def _cost_line(file: str, line: int, function: str, look: Look) -> Node:
    if not file:
        return element("span", "of no line that is known", class_="muted")
    text = look.excerpts.line(file, line)
    return [place(look, file, line, function), element("code", text, class_="text") if text else None]

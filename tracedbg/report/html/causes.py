"""Why functions were traced again, where graphs break, what runs eager and what is stale.

It must not know how that was found out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.report.html.markup import element
from tracedbg.report.html.parts import (
    Section,
    advice,
    change,
    code_around,
    entries,
    entry,
    numbers,
    paragraph,
    place,
    shortened,
)
from tracedbg.report.style import seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.explain import BreakGroup, CauseGroup, FunctionSummary, StaleGroup, Summary
    from tracedbg.report.html.markup import Node
    from tracedbg.report.html.parts import Look

MAX_ENTRIES = 40
_MAX_VALUES = 24

Found = tuple["CauseGroup", "FunctionSummary"]


def causes_of(summary: Summary) -> list[Found]:
    """All causes with their functions, the costliest first."""
    found = [(group, function) for function in summary.every_function() for group in function.causes]
    return sorted(found, key=lambda item: -item[0].seconds)


def causes(summary: Summary, look: Look) -> Section | None:
    """Those that go on, then those that have come to their end."""
    found = causes_of(summary)
    if not found:
        return None
    open_ = [item for item in found if not item[0].settled]
    settled = [item for item in found if item[0].settled]
    content: list[Node] = [
        entries(
            [_cause(item, number, look) for number, item in enumerate(open_[:MAX_ENTRIES], 1)], len(open_)
        )
    ]
    if settled:
        cards = [
            _cause(item, number, look, "settled") for number, item in enumerate(settled[:MAX_ENTRIES], 1)
        ]
        title = element(
            "summary", f"Settled: {len(settled)} more, which have come to their end by themselves"
        )
        content.append(element("details", title, entries(cards, len(settled)), open=not open_))
    return Section("causes", "Why it was traced again", tuple(content), str(len(open_) or len(settled)))


def _cause(item: Found, number: int, look: Look, slug: str = "cause") -> Node:
    group, function = item
    return entry(
        place(look, group.file, group.line, function.name),
        numbers(
            (str(group.count), "retrace" if group.count == 1 else "retraces"),
            (f"{seconds(group.seconds)} s", ""),
        ),
        paragraph(group.message, "message"),
        code_around(look, group.file, group.line),
        change(group.argument, group.before, group.after),
        _values(group),
        advice(group.advice),
        element("p", "Kind: ", element("code", group.kind.value), class_="muted small"),
        id_=f"{slug}-{number}",
    )


def _values(group: CauseGroup) -> Node:
    """What it took in turn, where that is more than a change."""
    values = group.values
    if len(values) <= 2:  # noqa: PLR2004  before and after
        return None
    shown = [
        [", " if at else "", element("code", shortened(value, 120))]
        for at, value in enumerate(values[:_MAX_VALUES])
    ]
    more = f" and {len(values) - _MAX_VALUES} more" if len(values) > _MAX_VALUES else ""
    return element("p", f"It took {len(values)} values: ", shown, more, class_="values")


def breaks(summary: Summary, look: Look) -> Section | None:
    """Where compiled code is cut in two."""
    found = summary.graph_breaks
    if not found:
        return None
    cards = [_break(one, number, look) for number, one in enumerate(found[:MAX_ENTRIES], 1)]
    return Section("breaks", "Graph breaks", (entries(cards, len(found)),), str(len(found)))


def _break(one: BreakGroup, number: int, look: Look) -> Node:
    reason = one.reason.strip()
    is_long = "\n" in reason or len(reason) > 240  # noqa: PLR2004  three lines or so
    first, _, _ = reason.partition("\n")
    more = element(
        "details",
        element("summary", "The framework's words"),
        element("pre", shortened(reason, 4000), class_="words"),
    )
    return entry(
        place(look, one.file, one.line, one.function),
        numbers((str(one.count), "compile met it" if one.count == 1 else "compiles met it"), (one.code, "")),
        paragraph(one.kind, "message"),
        code_around(look, one.file, one.line, one.ran_eager),
        more if is_long else paragraph(first if first != one.kind else ""),
        id_=f"break-{number}",
    )


def eager_of(summary: Summary) -> list[FunctionSummary]:
    """Functions whose calls run eager without a word."""
    return [function for function in summary.functions if function.silent_eager is not None]


def eager(summary: Summary, look: Look) -> Section | None:
    """Each with how many calls, why, and what to do."""
    found = eager_of(summary)
    if not found:
        return None
    cards = [_eager(one, number, look) for number, one in enumerate(found[:MAX_ENTRIES], 1)]
    return Section("eager", "Runs eager, without a word", (entries(cards, len(found)),), str(len(found)))


def _eager(function: FunctionSummary, number: int, look: Look) -> Node:
    silent = function.silent_eager
    if silent is None:
        return None
    return entry(
        place(look, function.file, function.line, function.name),
        numbers(*_which_calls(function)),
        paragraph(silent.reason, "message"),
        code_around(look, function.file, function.line),
        advice(silent.advice),
        id_=f"eager-{number}",
    )


def _which_calls(function: FunctionSummary) -> Sequence[tuple[str, str]]:
    calls, silent = function.calls, function.silent_eager
    items = []
    if calls.eager:
        total = f"of {calls.eager + calls.compiled} calls" if calls.compiled is not None else "calls"
        items.append((str(calls.eager), total))
    if silent is not None and silent.since_call:
        items.append((f"since call {silent.since_call}", ""))
    return items


def stale_of(summary: Summary) -> list[tuple[StaleGroup, FunctionSummary]]:
    """Traces that go on being used although they should have been made again."""
    return [(group, function) for function in summary.every_function() for group in function.stale]


def stale(summary: Summary, look: Look) -> Section | None:
    """Each with what has changed since."""
    found = stale_of(summary)
    if not found:
        return None
    cards = [
        _stale(group, function, number, look)
        for number, (group, function) in enumerate(found[:MAX_ENTRIES], 1)
    ]
    return Section(
        "stale", "Stale: traced once, changed since", (entries(cards, len(found)),), str(len(found))
    )


def _stale(group: StaleGroup, function: FunctionSummary, number: int, look: Look) -> Node:
    return entry(
        place(look, group.file, group.line, function.name),
        numbers((group.kind.replace("_", " "), "")),
        paragraph(group.message, "message"),
        code_around(look, group.file, group.line),
        change(group.name, group.then, group.now),
        advice(group.advice),
        id_=f"stale-{number}",
    )

"""Two runs of one program, told by what differs: which is worse, where, and for what reason.

Functions are matched by framework, name and file, the file relative to the folder of its run, so that two
checkouts of a project match; by line where several have one name. It must not know how the result is shown.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tracedbg.explain.comparison import (
    BreakChange,
    CauseChange,
    Change,
    Comparison,
    EagerChange,
    FunctionChange,
    Numbers,
    StaleChange,
    Worsening,
)
from tracedbg.explain.matching import Places, pair

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tracedbg.events import CauseKind
    from tracedbg.explain.summary import BreakGroup, CauseGroup, FunctionSummary, StaleGroup, Summary

TOLERANCE = 0.25
"""Times differ by so much for no reason, on a machine that is shared."""
FLOOR_S = 0.1
"""A smaller difference of times is none, whatever its share."""


def compare(
    a: Summary, b: Summary, *, tolerance: float = TOLERANCE, fail_on_cost: bool = False
) -> Comparison:
    """What is new, gone or changed in `b`.

    Args:
        a: the run to compare with.
        b: the run that is judged.
        tolerance: share by which a time may be longer.
        fail_on_cost: whether longer times make `b` worse.
    """
    places = Places(a.run), Places(b.run)
    found = [_function(before, after, places, tolerance) for before, after in _pairs(a, b, places)]
    functions = sorted(filter(None, found), key=_function_order)
    breaks = tuple(_breaks(a, b, places))
    before, after = _total(a), _total(b)
    is_slower = _is_slower(before, after, tolerance)
    worse = [reason for function in functions for reason in _worse(function, fail_on_cost=fail_on_cost)]
    worse += [_worse_break(found) for found in breaks if found.change is Change.NEW]
    if fail_on_cost and is_slower:
        worse.append(Worsening("cost", "", "", 0, 1, _cost(before, after)))
    return Comparison(a.run, b.run, before, after, tuple(functions), breaks, tuple(worse), is_slower)


def _pairs(
    a: Summary, b: Summary, places: tuple[Places, Places]
) -> Iterator[tuple[FunctionSummary | None, FunctionSummary | None]]:
    def key(function: FunctionSummary, at: Places) -> tuple[object, ...]:
        return function.framework, function.name, at.path(function.file)

    return pair(
        a.functions,
        b.functions,
        (
            lambda function, side: (*key(function, places[side]), function.line),
            lambda function, side: key(function, places[side]),
            lambda function, side: (function.framework, places[side].path(function.file), function.line),
        ),
    )


def _parts(function: FunctionSummary) -> tuple[FunctionSummary, ...]:
    """The function, and what is left of it after each graph break: a program is free to move a break."""
    return (function, *function.resumes)


def _numbers(functions: Iterable[FunctionSummary]) -> Numbers:
    parts = [part for function in functions for part in _parts(function)]
    return Numbers(
        traces=sum(part.traces for part in parts),
        retraces=sum(part.retraces for part in parts),
        graph_breaks=sum(part.graph_breaks for part in parts),
        failed=sum(part.failed for part in parts),
        seconds=sum(part.self_seconds for part in parts),
    )


def _total(summary: Summary) -> Numbers:
    return _numbers(summary.functions)


def _is_slower(before: Numbers, after: Numbers, tolerance: float) -> bool:
    return after.seconds - before.seconds > max(before.seconds * tolerance, FLOOR_S)


def _function(
    before: FunctionSummary | None,
    after: FunctionSummary | None,
    places: tuple[Places, Places],
    tolerance: float,
) -> FunctionChange | None:
    """How one function differs; None where it does not."""
    shown, at = (after, places[1]) if after is not None else (before, places[0])
    assert shown is not None  # noqa: S101  there is at least one of a pair
    a = None if before is None else _numbers([before])
    b = None if after is None else _numbers([after])
    change = FunctionChange(
        change=Change.of(before, after),
        framework=shown.framework,
        name=shown.name,
        file=at.path(shown.file),
        line=shown.line,
        before=a,
        after=b,
        causes=tuple(_causes(before, after, places)),
        silent_eager=_eager(before, after),
        stale=tuple(_stale(before, after, places)),
        is_slower=a is not None and b is not None and _is_slower(a, b, tolerance),
    )
    return change if change.is_any else None


def _causes(
    before: FunctionSummary | None, after: FunctionSummary | None, places: tuple[Places, Places]
) -> Iterator[CauseChange]:
    """Causes of one kind and argument are one, wherever the call is: lines move."""
    counts: list[Counter[tuple[CauseKind, str]]] = [Counter(), Counter()]
    shown: dict[tuple[CauseKind, str], tuple[CauseGroup, Places]] = {}
    for function, at, count in zip((before, after), places, counts, strict=True):
        for part in _parts(function) if function is not None else ():
            for group in part.causes:
                key = (group.kind, group.argument)
                count[key] += group.count
                shown[key] = (group, at)
    for key, (group, at) in shown.items():
        a, b = (count[key] for count in counts)
        if a != b:
            yield CauseChange(
                change=Change.of(a or None, b or None),
                kind=group.kind,
                argument=group.argument,
                file=at.path(group.file),
                line=group.line,
                before=a,
                after=b,
                message=group.message,
                advice=group.advice,
            )


def _eager(before: FunctionSummary | None, after: FunctionSummary | None) -> EagerChange | None:
    a = before.silent_eager if before is not None else None
    b = after.silent_eager if after is not None else None
    shown = b or a
    if shown is None or (a is not None and b is not None and a.kind == b.kind):
        return None
    return EagerChange(
        Change.of(a, b), a.kind if a is not None else "", b.kind if b is not None else "", shown.reason
    )


def _stale(
    before: FunctionSummary | None, after: FunctionSummary | None, places: tuple[Places, Places]
) -> Iterator[StaleChange]:
    def groups(function: FunctionSummary | None) -> list[StaleGroup]:
        return [group for part in _parts(function) for group in part.stale] if function is not None else []

    for a, b in pair(groups(before), groups(after), (lambda group, _: (group.kind, group.name),)):
        group, at = (b, places[1]) if b is not None else (a, places[0])
        if group is not None and (a is None or b is None):
            path = at.path(group.file)
            yield StaleChange(
                Change.of(a, b), group.kind, group.name, path, group.line, group.message, group.advice
            )


def _breaks(a: Summary, b: Summary, places: tuple[Places, Places]) -> Iterator[BreakChange]:
    def key(found: BreakGroup, at: Places) -> tuple[object, ...]:
        return at.path(found.file), found.function, found.kind

    pairs = pair(
        a.graph_breaks,
        b.graph_breaks,
        (
            lambda found, side: (*key(found, places[side]), found.line),
            lambda found, side: key(found, places[side]),
        ),
    )
    for before, after in pairs:
        found, at = (after, places[1]) if after is not None else (before, places[0])
        if found is not None and (before is None or after is None):
            yield BreakChange(
                Change.of(before, after),
                found.code,
                found.kind,
                found.function,
                at.path(found.file),
                found.line,
                found.reason,
            )


def _worse(function: FunctionChange, *, fail_on_cost: bool) -> Iterator[Worsening]:
    """In what the function is worse than it was, or than if it were not there."""

    def because(kind: str, message: str, count: int = 1) -> Worsening:
        return Worsening(kind, function.name, function.file, function.line, count, message)

    before, after = function.before or Numbers(), function.after or Numbers()
    if after.retraces > before.retraces:
        message = f"retraces: {after.retraces} instead of {before.retraces}"
        yield because("retraces", message, after.retraces - before.retraces)
    if after.failed > before.failed:
        message = f"traces that failed: {after.failed} instead of {before.failed}"
        yield because("failed", message, after.failed - before.failed)
    yield from (because("cause", cause.message) for cause in function.causes if cause.change is Change.NEW)
    yield from (because("stale", stale.message) for stale in function.stale if stale.change is Change.NEW)
    if function.silent_eager is not None and function.silent_eager.change is Change.NEW:
        yield because("silent_eager", function.silent_eager.reason)
    if fail_on_cost and function.is_slower:
        yield because("cost", _cost(before, after))


def _worse_break(found: BreakChange) -> Worsening:
    return Worsening("graph_break", found.function, found.file, found.line, 1, found.kind)


def _cost(before: Numbers, after: Numbers) -> str:
    return f"tracing took {after.seconds:.3f} s instead of {before.seconds:.3f} s"


def _function_order(function: FunctionChange) -> tuple[object, ...]:
    numbers = function.after or function.before or Numbers()
    return (-numbers.retraces, -numbers.seconds, function.file, function.line, function.name)

"""What is wrong in a run, worst first, each in a sentence with what to do. It must not know how that looks.

First what may compute the wrong thing, then what costs time, the most first, then what nobody has measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracedbg.report.html.causes import MAX_ENTRIES, causes_of, eager_of, stale_of
from tracedbg.report.ranks.words import ranks_words
from tracedbg.report.style import count, milliseconds, seconds
from tracedbg.report.syncs import told_syncs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracedbg.explain import Summary
    from tracedbg.explain.detail import Detail

WRONG, COSTLY, NOTED = "May be wrong", "Costs time", "Worth a look"
"""How bad, in words: a colour alone tells not everybody."""
_MUCH = 0.01
"""The share of the run from which on a wait is told as one that costs time."""
_ORDER = (WRONG, COSTLY, NOTED)


@dataclass(frozen=True)
class Finding:
    """One thing to change."""

    level: str
    title: str
    cost: str
    """In words; empty where it was not measured."""
    seconds: float
    file: str
    line: int
    advice: str
    anchor: str
    """Where on the page more is told."""


def findings_of(detail: Detail) -> list[Finding]:
    """All of them, the worst first."""
    summary = detail.summary
    found = [
        *_stale(summary),
        *_ranks(detail),
        *_causes(summary),
        *_eager(summary),
        *_breaks(summary),
        *_steps(summary),
        *_syncs(summary),
        *_failures(summary),
    ]
    return sorted(found, key=lambda one: (_ORDER.index(one.level), -one.seconds * (one.level == COSTLY)))


def _anchor(slug: str, number: int) -> str:
    """Of an entry that is on the page, or of its section."""
    section = {"cause": "causes", "break": "breaks"}.get(slug, slug)
    return f"{slug}-{number}" if number <= MAX_ENTRIES else section


def _causes(summary: Summary) -> Iterator[Finding]:
    open_ = [item for item in causes_of(summary) if not item[0].settled]
    for number, (group, function) in enumerate(open_, 1):
        yield Finding(
            COSTLY,
            f"`{function.name}` is traced again: {group.message}",
            f"{count(group.count, 'retrace')}, {seconds(group.seconds)} s",
            group.seconds,
            group.file,
            group.line,
            group.advice,
            _anchor("cause", number),
        )


def _stale(summary: Summary) -> Iterator[Finding]:
    for number, (group, function) in enumerate(stale_of(summary), 1):
        yield Finding(
            WRONG,
            f"`{function.name}` uses what has changed since: {group.message}",
            "",
            0.0,
            group.file,
            group.line,
            group.advice,
            _anchor("stale", number),
        )


def _eager(summary: Summary) -> Iterator[Finding]:
    for number, function in enumerate(eager_of(summary), 1):
        silent = function.silent_eager
        if silent is not None:
            yield Finding(
                COSTLY,
                f"`{function.name}` runs eager: {silent.reason}",
                count(function.calls.eager, "eager call") if function.calls.eager else "",
                0.0,
                function.file,
                function.line,
                silent.advice,
                _anchor("eager", number),
            )


def _breaks(summary: Summary) -> Iterator[Finding]:
    for number, one in enumerate(summary.graph_breaks, 1):
        yield Finding(
            NOTED,
            f"`{one.function}` is cut in two: {one.kind}",
            f"in {count(one.count, 'compile')}",
            0.0,
            one.file,
            one.line,
            "",
            _anchor("break", number),
        )


def _ranks(detail: Detail) -> Iterator[Finding]:
    for generation in detail.ranks.generations if detail.ranks else ():
        for number, odd in enumerate(generation.odd, 1):
            waited = odd.waited_s[1] if odd.waited_s else 0.0
            what = {
                "alone": "alone traced",
                "apart": "traced at another time",
                "slow": "took much longer for",
                "outcome": "had another result for",
            }.get(odd.kind, "traced otherwise")
            yield Finding(
                COSTLY,
                f"{ranks_words(odd.ranks)} {what} `{odd.function.name}`",
                f"others waited {seconds(waited)} s" if waited else f"took {seconds(odd.seconds)} s",
                waited or odd.seconds,
                odd.file,
                odd.line,
                next((one.cause.advice for one in odd.causes if one.cause.advice), odd.advice),
                f"odd-{generation.number}-{number}" if number <= MAX_ENTRIES else "ranks",
            )


def _steps(summary: Summary) -> Iterator[Finding]:
    for number, steps in enumerate((one for one in summary.steps if one.changes), 1):
        first = steps.changes[0]
        yield Finding(
            NOTED,
            f"`{steps.name}` builds {count(steps.graphs, 'different graph')} in {count(steps.steps, 'step')}:"
            f" {first.message}",
            count(steps.changed, "change"),
            0.0,
            first.file or steps.file,
            first.line or steps.line,
            first.advice,
            _anchor("changes", number),
        )


def _syncs(summary: Summary) -> Iterator[Finding]:
    much = (summary.run.wall_ns or 0) / 1e9 * _MUCH
    for number, one in enumerate(told_syncs(summary), 1):
        yield Finding(
            COSTLY if one.seconds > much else NOTED,
            f"the host waits: {one.message or ', '.join(one.ops[:3])}",
            f"{count(one.count, 'call')}, {milliseconds(one.seconds)}",
            one.seconds,
            one.file,
            one.line,
            one.advice,
            _anchor("syncs", number),
        )


def _failures(summary: Summary) -> Iterator[Finding]:
    for function in summary.every_function():
        if function.failed:
            yield Finding(
                NOTED,
                f"tracing `{function.name}` failed",
                count(function.failed, "trace"),
                0.0,
                function.file,
                function.line,
                "",
                "functions",
            )
    for one in summary.conversions:
        if one.failure:
            yield Finding(
                NOTED,
                f"AutoGraph did not convert `{one.function}`: {one.failure.strip().partition(chr(10))[0]}",
                "",
                0.0,
                one.file,
                one.line,
                "",
                "autograph",
            )

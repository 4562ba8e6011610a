"""The section of the report that says where the time of tracing went: a bar for each phase.

It must not know which framework has which phases.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tracedbg.events import PHASES
from tracedbg.report.ledger import TRACED, is_shown
from tracedbg.report.style import clean, seconds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracedbg.explain import FunctionSummary, PhaseTime, Summary
    from tracedbg.report.style import Style

NOTICEABLE_S = 0.5
"""Below it, nobody asks where it went."""
_LITTLE = 0.01
"""The share below which a phase is left out."""
_MUCH = 0.2
"""The share from which on a function has a line of its own."""
_MOST = 0.9
"""The share of the phases that the ledger has to tell for them not to be told again."""
_LARGEST = 2
"""How many phases that line names."""
_BAR = 8
_NAME = max(map(len, PHASES))


def where_time_went(summary: Summary, style: Style) -> list[str]:
    """Phases in the order in which they happen, what the costly functions spent, what the caches said."""
    functions = list(summary.every_function())
    spent = _together(phase for function in functions for phase in function.phases)
    total = sum(spent.values())
    if total < NOTICEABLE_S:
        return []
    lines: list[str] = []
    if not _is_told(summary, total):
        shown = [name for name in PHASES if spent.get(name, 0.0) >= total * _LITTLE]
        lines = [_row(name, spent[name], total, style) for name in shown]
    costly = [(function, sum(phase.seconds for phase in function.phases)) for function in functions]
    costly = [(function, own) for function, own in costly if own >= total * _MUCH]
    if len(costly) > 1:
        lines += [_function(function, own, style) for function, own in costly]
    lines += _caches(functions, style)
    return [style.paint("Where tracing time went", "bold"), *lines] if lines else []


def _is_told(summary: Summary, total: float) -> bool:
    """Whether the ledger has told the phases already: of the main thread of the main process."""
    if not is_shown(summary):
        return False
    shares = summary.ledgers[0].shares
    told = sum(share.seconds for share in shares if share.activity in TRACED)
    return told >= total * _MOST


def _together(phases: Iterable[PhaseTime]) -> dict[str, float]:
    spent: dict[str, float] = {}
    for phase in phases:
        spent[phase.name] = spent.get(phase.name, 0.0) + phase.seconds
    return spent


def _row(name: str, spent: float, total: float, style: Style) -> str:
    bar = style.paint(style.bar(spent / total, _BAR), "cyan")
    head = f"  {seconds(spent):>7} s  "
    words = f"{name:<{_NAME}}  {PHASES[name]}"
    return f"{head}{bar}  {style.end(words, style.width - len(head) - _BAR - 2).rstrip()}"


def _function(function: FunctionSummary, own: float, style: Style) -> str:
    largest = sorted(_together(function.phases).items(), key=lambda item: -item[1])[:_LARGEST]
    parts = ", ".join(f"{name} {seconds(spent)} s" for name, spent in largest)
    place = style.place(function.file, function.line, style.width // 3)
    return style.end(f"  {seconds(own):>7} s  {place} in {clean(function.name)}: {parts}", style.width)


def _caches(functions: Iterable[FunctionSummary], style: Style) -> list[str]:
    asked: Counter[str] = Counter()
    for function in functions:
        asked.update(dict(function.caches))
    if not asked:
        return []
    words = [_cache(name, number) for name, number in sorted(asked.items())]
    return style.wrap(f"compiler caches: {', '.join(words)}", 2)


def _cache(name: str, number: int) -> str:
    cache, _, answer = name.rpartition("_")
    plural = {"miss": "misses", "bypass": "bypasses"}.get(answer, f"{answer}s")
    return f"{cache} {number} {answer if number == 1 else plural}"

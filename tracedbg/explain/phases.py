"""Where the time of a trace went: what of it each phase has for itself.

It must not know which framework has which phases.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracedbg.events import PHASES
from tracedbg.explain.summary import PhaseTime

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracedbg.store.records import TraceRecord

NS = 1e9
OTHER = "other"
_NESTED = ""
"""Stands for another trace: its time is told there."""
_ORDER = {name: number for number, name in enumerate(PHASES)}

_Stretch = tuple[str, int, int]
"""Name, start and end."""


@dataclass
class Phases:
    """Where the time of one function's traces went, while it is being collected."""

    spent_ns: Counter[tuple[str, bool]] = field(default_factory=Counter)
    """By name, and whether it was after the end of the trace."""
    counts: Counter[tuple[str, bool]] = field(default_factory=Counter)
    caches: Counter[str] = field(default_factory=Counter)

    def add(self, trace: TraceRecord, children: Iterable[TraceRecord]) -> None:
        """Take in a trace; `children` are those that happened during it."""
        started, ended = trace.started, trace.ended
        for hits in (*([ended.cache_hits] if ended else []), *(late.hits for late in trace.late_caches)):
            self.caches.update(dict(hits))
        if ended is None:
            return
        spans = [(span.name, span.start_ns, span.start_ns + span.duration_ns) for span in trace.phases]
        nested = [(_NESTED, c.started.start_ns, c.started.start_ns + c.duration_ns) for c in children]
        later = [span for span in spans if span[1] >= ended.end_ns]
        during = [span for span in spans if span[1] < ended.end_ns]
        self._count(own_times(started.start_ns, ended.end_ns, during + nested), is_later=False)
        if later:
            first, last = min(start for _, start, _ in later), max(end for _, _, end in later)
            own = own_times(first, last, later)
            del own[OTHER]  # the program's own time in between
            self._count(own, is_later=True)

    def add_unknown(self, duration_ns: int) -> None:
        """Time of which no phase is known."""
        if duration_ns:
            self._count(Counter({OTHER: duration_ns}), is_later=False)

    def _count(self, own: Counter[str], *, is_later: bool) -> None:
        for name, spent in own.items():
            self.spent_ns[name, is_later] += spent
            self.counts[name, is_later] += 1

    def done(self) -> tuple[PhaseTime, ...]:
        """In the order in which they happen, those after the trace last."""
        keys = sorted(self.spent_ns, key=lambda key: (key[1], _ORDER.get(key[0], len(_ORDER)), key[0]))
        return tuple(PhaseTime(key[0], self.spent_ns[key] / NS, self.counts[key], key[1]) for key in keys)


def own_times(start_ns: int, end_ns: int, stretches: Iterable[_Stretch]) -> Counter[str]:
    """What each name has for itself of the time between, without what lies inside it.

    What no stretch covers is `OTHER`; together with the nested traces it is all of the time. A stretch that
    outlasts the one that it began in is cut: two clocks may differ by a little.
    """
    spent: Counter[str] = Counter()
    around: list[tuple[str, int]] = [(OTHER, end_ns)]
    at = start_ns

    def advance(until_ns: int) -> None:
        nonlocal at
        while around[-1][1] <= until_ns and len(around) > 1:
            name, last = around.pop()
            spent[name] += last - at
            at = last
        spent[around[-1][0]] += until_ns - at
        at = until_ns

    for name, begin, end in sorted(stretches, key=lambda item: (item[1], -item[2], item[0] == _NESTED)):
        advance(min(max(begin, at), end_ns))
        around.append((name, min(max(end, at), around[-1][1])))
    advance(end_ns)
    del spent[_NESTED]
    return +spent

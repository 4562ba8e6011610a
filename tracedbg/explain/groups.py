"""Retraces of one function put together by what they have in common.

It must not know how a group is shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tracedbg.explain import messages
from tracedbg.explain.advice import advise, docs
from tracedbg.explain.difference import SPECIALISED
from tracedbg.explain.summary import CauseGroup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.events import CauseKind
    from tracedbg.explain.situation import Situation

NS = 1e9
MAX_VALUES = 100

_Key = tuple["CauseKind", str, str, int, bool]


@dataclass
class Causes:
    """Why one function was traced again."""

    retraces: int = 0
    settled: int = 0
    """Of those: all their causes are settled."""
    _groups: dict[_Key, _Group] = field(default_factory=dict)

    def add(self, situations: Sequence[Situation], duration_ns: int) -> None:
        """One retrace, with all its causes."""
        self.retraces += 1
        self.settled += all(situation.settled for situation in situations)
        for situation in situations:
            difference = situation.difference
            is_special = difference.detail == SPECIALISED
            key = (difference.kind, difference.argument, *situation.place, is_special)
            self._groups.setdefault(key, _Group(situation, situation)).add(situation, duration_ns)

    def done(self, *, is_limited: bool) -> tuple[CauseGroup, ...]:
        """The groups, the costliest first.

        Args:
            is_limited: the function has reached its limit of traces, where each one counts: none is settled.
        """
        groups = (group.done(is_limited=is_limited) for group in self._groups.values())
        return tuple(sorted(groups, key=_order))


@dataclass
class _Group:
    """A `CauseGroup` that is being collected."""

    first: Situation
    last: Situation
    settled: bool = True
    count: int = 0
    duration_ns: int = 0
    values: dict[str, None] = field(default_factory=dict)

    def add(self, situation: Situation, duration_ns: int) -> None:
        self.last = situation
        self.settled &= situation.settled
        self.count += 1
        self.duration_ns += duration_ns
        for value in (self.first.difference.before, situation.difference.after):
            if value and len(self.values) < MAX_VALUES:
                self.values.setdefault(value)

    def done(self, *, is_limited: bool) -> CauseGroup:
        difference, values = self.last.difference, tuple(self.values)
        settled = self.settled and not is_limited
        situation = replace(self.last, settled=settled, values=values, count=self.count)
        file, line = self.last.place
        return CauseGroup(
            difference.kind,
            difference.argument,
            self.first.difference.before,
            difference.after,
            file,
            line,
            self.count,
            self.duration_ns / NS,
            messages.sentence_for_many(difference, values, self.count),
            advise(situation),
            values,
            settled,
            docs(difference.kind),
        )


def _order(cause: CauseGroup) -> tuple[object, ...]:
    return (-cause.seconds, -cause.count, cause.file, cause.line, cause.kind.value, cause.argument)

"""What happens during one stretch of time, in the shape of a recorded run of its own.

It must not know pytest. Counts are deltas: a function that was traced before is new here, and its first
trace in the window is no retrace, whatever the framework compared it with.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from tracedbg import events as ev
from tracedbg.explain import Summary, summarise
from tracedbg.store.records import ProcessInfo, RunInfo, TraceRecord

if TYPE_CHECKING:
    from tracedbg.store.records import Tally

E = TypeVar("E")


class Window:
    """Keeps the events of one test. In the shape of a recording, so that `explain` reads it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._events: list[ev.Event] = []
        self._lock = threading.Lock()
        self._is_warming_up = 0

    def add(self, event: ev.Event) -> None:
        """Keep one event, in whatever thread."""
        if self._is_warming_up and not isinstance(event, ev.FrameworkSeen):
            return
        with self._lock:
            self._events.append(event)

    def warm_up(self, change: int) -> None:
        """From now on keep nothing (+1), or keep what happens again (-1)."""
        self._is_warming_up += change

    def mark(self) -> int:
        """The present moment, for `since`."""
        return len(self._events)

    def summary(self, since: int = 0, free_traces: int = 1) -> Summary:
        """What has happened, explained.

        Args:
            since: a `mark`.
            free_traces: how many traces of each function are no retraces, from its first in the window.
        """
        with self._lock:
            events = tuple(self._events[since:])
        return summarise(_Run(self.name, _Recording(events, free_traces)))


@dataclass(frozen=True)
class _Recording:
    """A `tracedbg.explain.summarise.Recording`."""

    events: tuple[ev.Event, ...]
    free_traces: int

    @property
    def info(self) -> ProcessInfo:
        versions = {seen.name: seen.version for seen in self._all(ev.FrameworkSeen)}
        return ProcessInfo(
            os.getpid(),
            os.getppid(),
            tuple(sys.argv),
            "",
            ".".join(map(str, sys.version_info[:3])),
            0,
            versions=versions,
        )

    def traces(self) -> list[TraceRecord]:
        ends = {end.id: end for end in self._all(ev.TraceEnded)}
        phases: dict[int, list[ev.PhaseSpan]] = {}
        for span in self._all(ev.PhaseSpan):
            phases.setdefault(span.trace_id, []).append(span)
        seen: Counter[tuple[str, int, str]] = Counter()
        records = []
        for started in self._all(ev.TraceStarted):
            where = started.traceable
            key = where.file, where.line, where.name
            if started.role is ev.Role.FORWARD or started.role is ev.Role.RESUME:
                seen[key] += 1
                if seen[key] <= self.free_traces:  # counted, and known to those after it, but no retrace
                    started = replace(started, role=ev.Role.VARIABLE_CREATION)  # noqa: PLW2901
            records.append(TraceRecord(started, ends.get(started.id), tuple(phases.get(started.id, ()))))
        return records

    def breaks(self) -> list[ev.GraphBreak]:
        return self._all(ev.GraphBreak)

    def conversions(self) -> list[ev.Conversion]:
        return self._all(ev.Conversion)

    def constructs(self) -> list[ev.Construct]:
        return self._all(ev.Construct)

    def fallbacks(self) -> list[ev.Fallback]:
        return self._all(ev.Fallback)

    def calls(self) -> list[ev.Calls]:
        return self._all(ev.Calls)

    def stale(self) -> list[ev.Stale]:
        return self._all(ev.Stale)

    def faults(self) -> list[ev.Fault]:
        return self._all(ev.Fault)

    def tallies(self) -> list[Tally]:
        return []

    def dropped(self) -> dict[str, int]:
        return {}

    def _all(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]


@dataclass(frozen=True)
class _Run:
    """A `tracedbg.explain.summarise.RecordedRun`."""

    name: str
    recording: _Recording

    @property
    def info(self) -> RunInfo:
        return RunInfo(self.name, tuple(sys.argv), 0)

    @property
    def processes(self) -> tuple[_Recording]:
        return (self.recording,)

"""What happens while one test runs, in the shape of a recorded run of its own.

It must not know pytest. Counts are those of the test: a function that was traced before is new here, and
its first trace in the window is no retrace, whatever the framework compared it with.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from tracedbg import events as ev
from tracedbg.explain import Summary, summarise
from tracedbg.explain.recorded import NothingRan
from tracedbg.store.records import ProcessInfo, TraceRecord
from tracedbg.store.run_info import RunInfo
from tracedbg_pytest.history import place_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracedbg.kernels import KernelsSeen
    from tracedbg.store.records import Tally
    from tracedbg_pytest.history import History, Place
    from tracedbg_pytest.results import Failure

E = TypeVar("E")


class Window:
    """Keeps the events of one test, and explains them as those of a recording are explained."""

    def __init__(self, name: str, history: History) -> None:
        self.name = name
        self.is_asked = False
        """Whether the test has looked at it."""
        self.failures: list[Failure] = []
        """What was said of steady states."""
        self._history = history
        self._lock = threading.Lock()
        self._events: list[ev.Event] = []
        self._warm: list[ev.Event] = []
        self._is_warming_up = 0

    def add(self, event: ev.Event) -> None:
        """Keep one event, in whatever thread."""
        with self._lock:
            (self._warm if self._is_warming_up else self._events).append(event)

    def warm_up(self, change: int) -> None:
        """From now on count nothing (+1), or count what happens again (-1)."""
        self._is_warming_up += change

    def mark(self) -> int:
        """The present moment, for `steady`."""
        return len(self._events)

    def summary(self, free_traces: int = 1) -> Summary:
        """What has happened, explained by what this test has traced before, and nothing else.

        Args:
            free_traces: how many traces of each function are no retraces, from its first in the test;
                those of a warm-up are among them.
        """
        events, warm = self._copy()
        earlier = traces_of(warm)
        seen = Counter(place_of(one.started.traceable) for one in earlier if one.started.role in _CALLED)
        return self._explained(events, earlier, free_traces, seen)

    def steady(self, since: int) -> Summary:
        """What has happened since a `mark`, explained by all that this process has traced before."""
        events, _ = self._copy()
        events = events[since:]
        ids = {event.id for event in events if isinstance(event, ev.TraceStarted)}
        return self._explained(
            events, [one for one in self._history.traces() if one.started.id not in ids], 0
        )

    def names_before(self) -> set[Place]:
        """The functions of this test that had been traced before it."""
        events, warm = self._copy()
        started = [one for one in (*events, *warm) if isinstance(one, ev.TraceStarted)]
        ids = {one.id for one in started}
        return {place_of(one.traceable) for one in started if self._history.first_id(one) not in ids}

    def _copy(self) -> tuple[tuple[ev.Event, ...], tuple[ev.Event, ...]]:
        with self._lock:
            return tuple(self._events), tuple(self._warm)

    def _explained(
        self,
        events: tuple[ev.Event, ...],
        earlier: Iterable[TraceRecord],
        free_traces: int,
        seen: Counter[Place] | None = None,
    ) -> Summary:
        decided = {place_of(one.function) for one in events if isinstance(one, ev.Fallback)}
        eager = {
            place_of(one.function) for one in events if isinstance(one, ev.Calls) and one.eager
        } - decided
        before = tuple(self._history.fallbacks(eager))  # decided before; it runs eager in this test
        recording = _Recording((*events, *before), self._history.versions, free_traces, seen or Counter())
        return summarise(_Run(self.name, recording), earlier)


_CALLED = (ev.Role.FORWARD, ev.Role.RESUME)


def traces_of(events: Iterable[ev.Event]) -> list[TraceRecord]:
    """The traces among events, in the order of their start."""
    ends: dict[int, ev.TraceEnded] = {}
    phases: dict[int, list[ev.PhaseSpan]] = {}
    begun: list[ev.TraceStarted] = []
    for event in events:
        if isinstance(event, ev.TraceStarted):
            begun.append(event)
        elif isinstance(event, ev.TraceEnded):
            ends[event.id] = event
        elif isinstance(event, ev.PhaseSpan):
            phases.setdefault(event.trace_id, []).append(event)
    return [TraceRecord(one, ends.get(one.id), tuple(phases.get(one.id, ()))) for one in begun]


@dataclass(frozen=True)
class _Recording:
    """A `tracedbg.explain.summarise.Recording`."""

    events: tuple[ev.Event, ...]
    versions: dict[str, str]
    free_traces: int
    seen: Counter[Place] = field(default_factory=Counter)

    @property
    def info(self) -> ProcessInfo:
        version = ".".join(map(str, sys.version_info[:3]))
        return ProcessInfo(os.getpid(), os.getppid(), tuple(sys.argv), "", version, 0, versions=self.versions)

    def traces(self) -> list[TraceRecord]:
        seen = Counter(self.seen)
        return [self._freed(trace, seen) for trace in traces_of(self.events)]

    def _freed(self, trace: TraceRecord, seen: Counter[Place]) -> TraceRecord:
        if trace.started.role not in _CALLED:
            return trace
        key = place_of(trace.started.traceable)
        seen[key] += 1
        if seen[key] > self.free_traces:
            return trace
        # Counted, and known to those after it, but no retrace.
        return replace(trace, started=replace(trace.started, role=ev.Role.VARIABLE_CREATION))

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

    def kernel_windows(self) -> list[KernelsSeen]:
        return []

    def tallies(self) -> list[Tally]:
        return []

    def dropped(self) -> dict[str, int]:
        return {}

    @property
    def ran(self) -> NothingRan:
        return NothingRan()

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

"""What a program is doing right now, in numbers, for the header. It must not know any screen."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracedbg.events import Role
from tracedbg_tui.snapshot import every_trace, key_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracedbg_tui.snapshot import Snapshot

_WINDOW_S = 5.0
"""What steps per second are counted over."""
LONG_S = 10.0
"""A compile that takes longer is told of as such."""


@dataclass(frozen=True)
class UnderWay:
    """A trace that has not ended."""

    function: str
    file: str
    line: int
    started_wall_ns: int
    phase: str = ""
    """The last phase of it that is done; empty where none is."""
    pid: int = 0

    def elapsed_s(self, now_ns: int | None = None) -> float:
        """How long it has taken so far."""
        return max(0, (time.time_ns() if now_ns is None else now_ns) - self.started_wall_ns) / 1e9

    def words(self, now_ns: int | None = None) -> str:
        """`compiling step 12 s, after dynamo`."""
        told = f"compiling {self.function} {self.elapsed_s(now_ns):.0f} s"
        return f"{told}, after {self.phase}" if self.phase else told


@dataclass(frozen=True)
class Steps:
    """The function that is called again and again, and how often."""

    function: str
    calls: int
    per_second: float


@dataclass(frozen=True)
class Counters:
    """What the header tells."""

    traces: int = 0
    retraces: int = 0
    graph_breaks: int = 0
    under_way: tuple[UnderWay, ...] = ()
    """The one that has taken longest first."""
    steps: Steps | None = None
    processes: int = 0

    @property
    def longest(self) -> UnderWay | None:
        """The compile that has taken longest."""
        return self.under_way[0] if self.under_way else None

    def is_long(self, now_ns: int | None = None) -> bool:
        """Whether a compile takes so long that one should be told."""
        return self.longest is not None and self.longest.elapsed_s(now_ns) >= LONG_S

    def words(self, now_ns: int | None = None) -> tuple[str, ...]:
        """What there is to tell, the most urgent first."""
        told = [self.longest.words(now_ns)] if self.longest else []
        if self.steps and self.steps.per_second:
            told.append(f"{self.steps.function} {_rate(self.steps.per_second)}")
        told.append(counted(self.traces, "trace"))
        if self.retraces:
            told.append(counted(self.retraces, "retrace"))
        if self.graph_breaks:
            told.append(counted(self.graph_breaks, "graph break"))
        if self.processes > 1:
            told.append(f"{self.processes} processes")
        return tuple(told)


@dataclass
class Counting:
    """Makes counters of one snapshot after the other."""

    clock: Callable[[], float] = time.monotonic
    _samples: deque[tuple[float, dict[str, int]]] = field(default_factory=deque)
    """(when, calls by function)."""

    def count(self, snapshot: Snapshot) -> Counters:
        """The counters of a snapshot."""
        summary = snapshot.summary
        if summary is None:
            return Counters()
        return Counters(
            traces=summary.traces,
            retraces=summary.retraces,
            graph_breaks=len(summary.graph_breaks),
            under_way=_under_way(snapshot) if snapshot.is_live else (),
            steps=self._steps(snapshot),
            processes=len(snapshot.processes),
        )

    def _steps(self, snapshot: Snapshot) -> Steps | None:
        now = self.clock()
        calls: dict[str, int] = {}
        names = {}
        for process in snapshot.processes:
            for one in process.calls():
                if one.function.owner:
                    continue  # the rest of a function is no step of its own
                key = key_of(one.function)
                names[key] = one.function.name
                calls[key] = calls.get(key, 0) + (one.compiled or 0) + (one.eager or 0)
        self._samples.append((now, calls))
        while len(self._samples) > 1 and now - self._samples[1][0] >= _WINDOW_S:
            self._samples.popleft()
        if not calls:
            return None
        since, before = self._samples[0]
        grown = {key: number - before.get(key, 0) for key, number in calls.items()}
        key = max(calls, key=lambda one: (grown[one], calls[one]))
        rate = grown[key] / (now - since) if now > since and snapshot.is_live else 0.0
        return Steps(names[key], calls[key], rate)


def _under_way(snapshot: Snapshot) -> tuple[UnderWay, ...]:
    found = []
    for number, record in every_trace(snapshot):
        started, process = record.started, snapshot.processes[number]
        if record.ended is None and process.info.stopped_ns is None and started.role is not Role.CHECK:
            last = max(record.phases, key=lambda span: span.start_ns + span.duration_ns, default=None)
            found.append(
                UnderWay(
                    started.traceable.name,
                    started.traceable.file,
                    started.traceable.line,
                    process.info.started_wall_ns + started.start_ns,
                    last.name if last else "",
                    process.info.pid,
                )
            )
    return tuple(sorted(found, key=lambda one: one.started_wall_ns))


def counted(number: int, noun: str) -> str:
    """`1 trace`, `2,000 traces`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _rate(per_second: float) -> str:
    return f"{per_second:.0f}/s" if per_second >= 10 else f"{per_second:.1f}/s"  # noqa: PLR2004  two digits

"""What this process has traced so far, in whatever test: little of each function, for comparison.

It must not know pytest, nor where one test ends.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracedbg import events as ev
from tracedbg.store.records import TraceRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_KEPT = 16
"""Traces of each function: what a new one is compared with."""
_INHERENT = ("skipped", "with_block", "disabled", "unsupported", "unconverted")
"""Fallbacks for what the function itself is: each test meets them. The others are another test's doing."""
Place = tuple[str, int, str]


@dataclass
class _Known:
    first_id: int
    traces: deque[ev.TraceStarted] = field(default_factory=lambda: deque(maxlen=_KEPT))


class History:
    """Takes in all events; must be cheap, as it is asked for seldom."""

    def __init__(self) -> None:
        self.versions: dict[str, str] = {}
        """Of the frameworks."""
        self._lock = threading.Lock()
        self._functions: dict[Place, _Known] = {}
        self._ends: dict[int, ev.TraceEnded] = {}
        self._fallbacks: dict[Place, ev.Fallback] = {}

    def add(self, event: ev.Event) -> None:
        """Remember what may be needed."""
        if isinstance(event, ev.TraceStarted):
            with self._lock:
                known = self._functions.setdefault(place_of(event.traceable), _Known(event.id))
                if len(known.traces) == _KEPT:
                    self._ends.pop(known.traces[0].id, None)
                known.traces.append(event)
        elif isinstance(event, ev.TraceEnded):
            with self._lock:
                self._ends[event.id] = event
        elif isinstance(event, ev.Fallback) and event.kind in _INHERENT:
            self._fallbacks.setdefault(place_of(event.function), event)
        elif isinstance(event, ev.FrameworkSeen):
            self.versions[event.name] = event.version

    def traces(self) -> list[TraceRecord]:
        """The last ones of each function, in the order of their start."""
        with self._lock:
            started = sorted(
                (one for known in self._functions.values() for one in known.traces), key=lambda one: one.id
            )
            return [TraceRecord(one, self._ends.get(one.id), ()) for one in started]

    def first_id(self, started: ev.TraceStarted) -> int:
        """The first trace of the same function."""
        known = self._functions.get(place_of(started.traceable))
        return started.id if known is None else known.first_id

    def fallbacks(self, functions: Iterable[Place]) -> Iterator[ev.Fallback]:
        """Why functions run eager, whoever calls them."""
        for one in functions:
            if (found := self._fallbacks.get(one)) is not None:
                yield found

    def names(self) -> set[str]:
        """Of all functions."""
        with self._lock:
            return {name for _, _, name in self._functions} | {name for _, _, name in self._fallbacks}


def place_of(traceable: ev.Traceable) -> Place:
    """What tells functions apart here: file, line and name."""
    return traceable.file, traceable.line, traceable.name

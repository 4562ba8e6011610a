"""Where the main thread stays for long: what a rank of several does while it waits for another one.

Samples are kept as totals, which have no times of their own. Of a stay in one place that lasts longer than
stays there usually do, the moments are told as well: so that it can be laid beside what another rank was
doing just then. It must not know frameworks, nor how samples are taken.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracedbg.activities import Activity
from tracedbg.ran import Stayed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tracedbg.activities import Doing
    from tracedbg.events import Frame

LEAST_NS = 100_000_000
"""A shorter stay is none."""
MOST = 1_000
"""So many are told; then only twice as long ones, and so on: a run of any length keeps few."""
_LEAST_SAMPLES = 2
_UNUSUAL = 1.5
"""So many times the mean stay in that place: of others nothing is told."""
_FIRST = 3
"""Of the first ones in a place nobody knows yet what is usual."""
_MAX_PLACES = 1_000
_OWN_WORK = frozenset({Activity.TRACING, Activity.COMPILING, Activity.IMPORTS, Activity.STARTUP})
"""What is no stay: the thread does something that no other rank can make it wait for."""
_ASIDE = frozenset({Activity.OVERHEAD, Activity.UNKNOWN})
"""What may come between two samples of one stay, and does not name it."""


@dataclass
class _Stay:
    """A stay that goes on."""

    place: tuple[int, ...]
    stack: tuple[Frame, ...]
    start_ns: int
    end_ns: int
    cpu_ns: int = 0
    samples: int = 0
    spent_ns: Counter[Doing] = field(default_factory=Counter)

    @property
    def duration_ns(self) -> int:
        return self.end_ns - self.start_ns


@dataclass
class _Usual:
    """The stays in one place so far."""

    stack: tuple[Frame, ...]
    """Held, so that no other frame gets the identity of one of these."""
    count: int = 0
    total_ns: int = 0


class Stays:
    """The stays of one thread."""

    def __init__(self, emit: Callable[[Stayed], None]) -> None:
        self._emit = emit
        self._now: _Stay | None = None
        self._usual: dict[tuple[int, ...], _Usual] = {}
        self._told = 0
        self._least_ns = LEAST_NS

    def seen(self, users: Sequence[Frame], doing: Doing, start_ns: int, end_ns: int, cpu_ns: int) -> None:
        """One sample.

        Args:
            users: the user's frames, innermost first; the same objects for the same place.
            doing: what the thread is doing.
            start_ns: of the time that the sample stands for.
            end_ns: likewise.
            cpu_ns: the CPU time of the thread in it.
        """
        place = tuple(map(id, users))
        stay = self._now
        if stay is not None and (doing.activity in _OWN_WORK or stay.place != place):
            self._end(stay)
            stay = None
        if stay is None:
            if doing.activity in _OWN_WORK:
                return
            stay = self._now = _Stay(place, tuple(users), start_ns, end_ns)
        stay.end_ns = end_ns
        stay.cpu_ns += cpu_ns
        stay.samples += 1
        stay.spent_ns[doing] += end_ns - start_ns

    def tell(self) -> None:
        """Tell of the stay that goes on: if the process is killed, this is what is left of it."""
        if self._now is not None and self._is_unusual(self._now):
            self._emit(_event(self._now))

    def _end(self, stay: _Stay) -> None:
        self._now = None
        if stay.duration_ns < LEAST_NS:
            return
        if self._is_unusual(stay):
            self._emit(_event(stay))
            self._told += 1
            if self._told % MOST == 0:
                self._least_ns *= 2
        if len(self._usual) >= _MAX_PLACES:
            self._usual.clear()
        usual = self._usual.setdefault(stay.place, _Usual(stay.stack))
        usual.count += 1
        usual.total_ns += stay.duration_ns

    def _is_unusual(self, stay: _Stay) -> bool:
        if stay.duration_ns < self._least_ns or stay.samples < _LEAST_SAMPLES:
            return False
        usual = self._usual.get(stay.place)
        if usual is None or usual.count < _FIRST:
            return True
        return stay.duration_ns >= _UNUSUAL * usual.total_ns / usual.count


def _event(stay: _Stay) -> Stayed:
    named = [doing for doing, _ in stay.spent_ns.most_common() if doing.activity not in _ASIDE]
    doing = named[0] if named else next(iter(stay.spent_ns))
    return Stayed(
        stay.stack,
        doing.activity.value,
        doing.phase,
        stay.start_ns,
        stay.end_ns,
        min(stay.cpu_ns, stay.duration_ns),
    )

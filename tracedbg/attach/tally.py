"""Adds up samples: how long each thread did what, which lines of the user's that was for, and when.

It must not know who has sampled, nor how it is shown.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from tracedbg.activities import Activity, Doing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.attach.cpu import CpuMeter
    from tracedbg.attach.reading import Reader
    from tracedbg.pyspy import Frame, Recording

_MOMENT_S = 0.05
_COMPREHENSIONS = re.compile(r"(?:\.<(?:genexpr|listcomp|setcomp|dictcomp)>)+$")
_WAITING = Doing(Activity.WAITING)


class Place(NamedTuple):
    """A line of the user's."""

    file: str
    line: int
    function: str


class Source(NamedTuple):
    """What tells more of samples than they do themselves."""

    reader: Reader
    """What their stacks mean."""
    meter: CpuMeter
    """Whether their threads could run."""

    def place_of(self, stack: Sequence[Frame]) -> Place | None:
        """The line of the user's that everything further in belongs to."""
        frame = self.reader.innermost_of_user(stack)
        if frame is None:
            return None
        function = _COMPREHENSIONS.sub("", frame.function.replace("<locals>.", ""))
        return Place(self.reader.file_of(frame), frame.line, function)


@dataclass
class ThreadTime:
    """What one thread did."""

    pid: int
    os_thread_id: int
    name: str
    samples: int = 0
    queued_s: float = 0.0
    """How long it had to wait for a core of the machine."""
    seconds: dict[Doing, float] = field(default_factory=lambda: defaultdict(float))
    moments: dict[Doing, dict[int, float]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(float))
    )
    """Seconds of each in each short moment of the recording."""

    def curve(self, doing: Doing, total_s: float, cells: int) -> list[float]:
        """How much of what it did was `doing`, in each of `cells` parts of the recording."""
        parts, all_of_it = [0.0] * cells, [0.0] * cells
        for what, moments in self.moments.items():
            for moment, seconds in moments.items():
                cell = min(int(moment * _MOMENT_S / total_s * cells), cells - 1)
                all_of_it[cell] += seconds
                parts[cell] += seconds if what == doing else 0.0
        return [part / seen if seen else 0.0 for part, seen in zip(parts, all_of_it, strict=True)]


@dataclass
class Tally:
    """What was seen of a process over some time."""

    rate_hz: int
    total_s: float = 0.0
    threads: dict[tuple[int, int], ThreadTime] = field(default_factory=dict)
    lines: dict[Place, dict[Doing, float]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(float))
    )
    """Seconds of each thread on lines of the user's, with all that they called, by what was done."""
    stacks: Counter[tuple[tuple[int, int], tuple[Frame, ...]]] = field(default_factory=Counter)
    """How many samples, by thread and stack."""
    has_ended: bool = False
    """The process has ended meanwhile."""
    was_interrupted: bool = False
    behind_s: float = 0.0
    held_s: float = 0.0
    """How long the process was held, for its stacks to be read."""

    @property
    def samples(self) -> int:
        """Of all threads."""
        return sum(thread.samples for thread in self.threads.values())

    def add(self, recording: Recording, pid: int, span_s: tuple[float, float], source: Source) -> None:
        """Add what was recorded.

        Args:
            recording: the samples.
            pid: of samples that name no process.
            span_s: from when to when, by the clock of the meter.
            source: what tells more of it.
        """
        begin_s, end_s = span_s
        most = max((len(one.stacks) for one in recording.threads), default=0)
        step_s = (end_s - begin_s) / (most or 1)
        doing = [source.reader.doing(stack) for stack in recording.stacks]
        for samples in recording.threads:
            known = samples.pid or pid, samples.os_thread_id
            thread = self.threads.setdefault(known, ThreadTime(*known, samples.name))
            thread.samples += len(samples.stacks)
            thread.queued_s += source.meter.queued_s(samples.os_thread_id)
            first_s = begin_s
            span = source.meter.span(samples.os_thread_id)
            if span is not None and len(samples.stacks) < most:  # it began later, or ended earlier
                first_s = max(span[1] - len(samples.stacks) * step_s, begin_s)
            for index, number in enumerate(samples.stacks):
                at_s = first_s + (index + 0.5) * step_s
                able = source.meter.share(samples.os_thread_id, at_s)
                self.stacks[known, recording.stacks[number]] += 1
                place = source.place_of(recording.stacks[number])
                moment = int((self.total_s + at_s - begin_s) / _MOMENT_S)
                for what, share in _split(doing[number], able):
                    thread.seconds[what] += share * step_s
                    thread.moments[what][moment] += share * step_s
                    if place is not None:
                        self.lines[place][what] += share * step_s
        self.total_s += end_s - begin_s if most else 0.0
        self.held_s += source.meter.held() * (end_s - begin_s) if most else 0.0
        self.has_ended |= recording.has_ended
        self.behind_s = max(self.behind_s, recording.behind_s)


def _split(doing: Doing, able: float | None) -> list[tuple[Doing, float]]:
    """Python that could not run waits: for the interpreter's lock, a file, a device."""
    if doing.activity is not Activity.PYTHON or able is None:
        return [(doing, 1.0)]
    return [(what, share) for what, share in ((doing, able), (_WAITING, 1.0 - able)) if share > 0]


def by_most(seconds: dict[Doing, float]) -> list[tuple[Doing, float]]:
    """What took longest first."""
    return sorted(seconds.items(), key=lambda one: -one[1])

"""Kernel time by line, function, module, op or kernel. Every nanosecond is in one row, and in no other.

It must not know how a row is shown.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from tracedbg.explain.kernels.attributed import Whose

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracedbg.explain.kernels.attributed import Attributed
    from tracedbg.kernels import CallFrame


class Level(str, Enum):
    """What a row stands for."""

    LINE = "line"
    FUNCTION = "function"
    MODULE = "module"
    OP = "op"
    KERNEL = "kernel"


class Place(NamedTuple):
    """What a row is about."""

    whose: Whose
    file: str = ""
    line: int = 0
    """0 where the row is about more than a line."""
    name: str = ""
    """A function, a module (`Outer_0/Inner_3`), an op, a call of the runtime or a kernel."""
    is_exact: bool = False


@dataclass
class Row:
    """The kernels of one place."""

    place: Place
    time_ns: int = 0
    count: int = 0
    """How many kernels; one that was fused of several lines counts for each of them."""
    backward_ns: int = 0
    inferred_ns: int = 0
    fused_ns: int = 0
    """Of kernels that a compiler fused of several lines; each line has an even part."""
    kernels: Counter[str] = field(default_factory=Counter)
    """Name of a kernel -> its time in this row."""
    calls: Counter[Place] = field(default_factory=Counter)
    """Of a backward pass: the line that called `backward()` -> its time in this row."""

    @property
    def forward_ns(self) -> int:
        """The time that belongs to no backward pass."""
        return self.time_ns - self.backward_ns


@dataclass(frozen=True)
class Table:
    """All kernels of a file, or several, by place."""

    level: Level
    rows: tuple[Row, ...]
    """The costliest first."""
    total_ns: int
    count: int
    """How many kernels there were."""

    def share(self, time_ns: int) -> float:
        """`time_ns` as a part of all kernel time."""
        return time_ns / self.total_ns if self.total_ns else 0.0

    def time_of(self, *whose: Whose) -> int:
        """The time of the rows that could be followed so far."""
        return sum(row.time_ns for row in self.rows if row.place.whose in whose)

    @property
    def inferred_ns(self) -> int:
        """The time whose line was found by likeness."""
        return sum(row.inferred_ns for row in self.rows)

    @property
    def backward_ns(self) -> int:
        """The time of backward passes."""
        return sum(row.backward_ns for row in self.rows)


def tabulate(kernels: Iterable[Attributed], level: Level = Level.LINE) -> Table:
    """The table of `kernels` by `level`."""
    rows: dict[Place, Row] = {}
    count = total_ns = 0
    kernels = list(kernels)
    full = _full_paths(line.file for one in kernels for line in one.lines)
    for one in kernels:
        count += 1
        total_ns += one.duration_ns
        places = places_of(one, level)
        if full:
            places = [place._replace(file=full.get(place.file, place.file)) for place in places]
        part_ns, rest_ns = divmod(one.duration_ns, len(places))
        for index, place in enumerate(places):
            row = rows.get(place)
            if row is None:
                row = rows[place] = Row(place)
            _add(row, one, part_ns + (index < rest_ns), is_split=len(places) > 1)
    ordered = sorted(rows.values(), key=lambda row: (-row.time_ns, row.place))
    return Table(level, tuple(ordered), total_ns, count)


def _full_paths(files: Iterable[str]) -> dict[str, str]:
    """A path without the folders that lead to it -> the full one, where that is there and the only one.

    A profiler shortens paths; a compiler's record of the same file does not.
    """
    known = set(files)
    found: dict[str, str] = {}
    for file in known:
        longer = [other for other in known if other.endswith("/" + file)] if file else []
        if len(longer) == 1:
            found[file] = longer[0]
    return found


def _add(row: Row, one: Attributed, time_ns: int, *, is_split: bool) -> None:
    row.time_ns += time_ns
    row.count += 1
    row.kernels[one.kernel.name] += time_ns
    if one.is_backward:
        row.backward_ns += time_ns
        if one.backward_call is not None:
            row.calls[_of_frame(Whose.LINE, one.backward_call)] += time_ns
    if one.is_inferred:
        row.inferred_ns += time_ns
    if is_split:
        row.fused_ns += time_ns


def places_of(one: Attributed, level: Level) -> list[Place]:
    """What a kernel counts for: one place, or several for a fused one."""
    if level is Level.KERNEL:
        return [Place(one.whose, name=one.kernel.name)]
    if level is Level.OP:
        return [Place(one.whose, name=one.op)] if one.op else [_nowhere(one)]
    if level is Level.MODULE:
        path = "/".join(frame.module for frame in reversed(one.frames) if frame.module)
        if path:
            return [Place(one.whose, name=path)]
    if not one.lines:
        return [_nowhere(one)]
    places = [_of_frame(one.whose, line) for line in one.lines]
    if level is not Level.LINE:
        places = [place._replace(line=0, is_exact=False) for place in places]
    if level is Level.MODULE:
        places = [place._replace(name="") for place in places]
    return list(dict.fromkeys(places))


def _of_frame(whose: Whose, frame: CallFrame) -> Place:
    return Place(whose, frame.file, frame.line, frame.function, frame.is_exact)


def _nowhere(one: Attributed) -> Place:
    launch = one.kernel.launch
    if one.whose is Whose.LAUNCH and launch is not None:
        return Place(one.whose, name=launch.api)
    return Place(one.whose, name=one.op)

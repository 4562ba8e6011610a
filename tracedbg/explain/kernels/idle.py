"""When a device had nothing to do, and the line that the host was on meanwhile.

A gap ends with a kernel; the thread that launched that one is whom the device waited for.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracedbg.explain.kernels.attributed import Whose
from tracedbg.explain.kernels.table import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracedbg.explain.kernels.attribute import Attribution
    from tracedbg.explain.kernels.reading import Explained
    from tracedbg.kernels import Kernel, Launch

_SAMPLES = 8
"""At how many moments of a gap the host is looked at."""
_SAMPLE_NS = 50_000
"""How long a gap is for each of them."""
_MIN_GAP_NS = 2_000
"""Shorter gaps are the device's own, between two kernels that wait for no host."""


@dataclass
class Idle:
    """The gaps during which the host was at one place."""

    place: Place
    time_ns: int = 0
    gaps: int = 0
    longest_ns: int = 0


@dataclass(frozen=True)
class IdleTime:
    """All gaps of all devices."""

    rows: tuple[Idle, ...]
    """The longest time first."""
    idle_ns: int
    """All gaps, also those that are too short to be looked at."""
    span_ns: int
    """From the first kernel of a device to the end of its last, for all devices together."""


def idle_time(explained: Explained) -> IdleTime:
    """The gaps of each device between its kernels, on whatever stream."""
    rows: dict[Place, Idle] = {}
    idle_ns = span_ns = 0
    devices: dict[str, list[Kernel]] = defaultdict(list)
    for one in explained.kernels:
        devices[one.kernel.device].append(one.kernel)
    for kernels in devices.values():
        span_ns += max(one.start_ns + one.duration_ns for one in kernels) - kernels[0].start_ns
        for start_ns, end_ns, next_kernel in _gaps(kernels):
            idle_ns += end_ns - start_ns
            if end_ns - start_ns >= _MIN_GAP_NS:
                for place, time_ns in _spent(explained.attribution, start_ns, end_ns, next_kernel):
                    idle = rows.setdefault(place, Idle(place))
                    idle.time_ns += time_ns
                    idle.gaps += 1
                    idle.longest_ns = max(idle.longest_ns, time_ns)
    ordered = sorted(rows.values(), key=lambda idle: (-idle.time_ns, idle.place))
    return IdleTime(tuple(ordered), idle_ns, span_ns)


def _gaps(kernels: list[Kernel]) -> Iterator[tuple[int, int, Kernel]]:
    """Start and end of each gap, and the kernel that ended it; `kernels` are in the order of their starts."""
    busy_until_ns = kernels[0].start_ns
    for kernel in kernels:
        if kernel.start_ns > busy_until_ns:
            yield busy_until_ns, kernel.start_ns, kernel
        busy_until_ns = max(busy_until_ns, kernel.start_ns + kernel.duration_ns)


def _spent(
    attribution: Attribution, start_ns: int, end_ns: int, kernel: Kernel
) -> Iterator[tuple[Place, int]]:
    """Where the host was during a gap: at so many moments, each for an even part of it."""
    launch = kernel.launch
    if launch is None:
        yield Place(Whose.BEFORE), end_ns - start_ns
        return
    count = min(_SAMPLES, max(1, (end_ns - start_ns) // _SAMPLE_NS))
    part_ns, rest_ns = divmod(end_ns - start_ns, count)
    moments: dict[int, int] = defaultdict(int)
    for index in range(count):
        moment_ns = start_ns + (2 * index + 1) * (end_ns - start_ns) // (2 * count)
        # Before it launched, the host was late; afterwards, the device was: that is on the launch.
        moments[min(moment_ns, launch.start_ns)] += part_ns + (index < rest_ns)
    found: dict[Place, int] = defaultdict(int)
    for moment_ns, time_ns in moments.items():
        found[_place(attribution, launch, moment_ns)] += time_ns
    yield from found.items()


def _place(attribution: Attribution, launch: Launch, moment_ns: int) -> Place:
    """Where the thread of `launch` was: its line, else the op that it was in."""
    rows = attribution.stacks.ops_at(launch.thread, moment_ns)
    whose, line = attribution.line_at(launch, moment_ns, rows)
    if line is not None:
        return Place(whose, line.file, line.line, line.function, line.is_exact)
    if rows:
        return Place(Whose.OP, name=attribution.op_name(launch.thread, rows[-1:]))
    return Place(Whose.LAUNCH, name=launch.api)

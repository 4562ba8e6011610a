"""What every format is made of: kernels and ops as slices of tracks, with their source lines.

It must not know any format.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tracedbg.explain.kernels import Attributed, Explained
    from tracedbg.kernels import CallFrame, Spans


@dataclass(slots=True)
class Slice:
    """A stretch of time of a track."""

    name: str
    start_ns: int
    duration_ns: int
    category: str
    arguments: dict[str, str] = field(default_factory=dict)
    line: CallFrame | None = None
    """Of what is no kernel; likewise the stack, innermost first."""
    stack: tuple[CallFrame, ...] = ()
    kind: int | None = None
    """Slices of one track that have the same number differ in their times alone."""


@dataclass
class Track:
    """A stream of a device, or a thread of the host; its slices are in the order of their starts."""

    group: str
    """The device or process."""
    name: str
    slices: list[Slice] = field(default_factory=list)

    def lanes(self) -> Sequence[Iterable[Slice]]:
        """The slices in as many lanes as it takes for none to overlap another without being inside of it."""
        return lanes(self.slices)


class AnyTrack(Protocol):
    """What formats write: a `Track`, or one that makes its slices when they are asked for."""

    @property
    def group(self) -> str: ...  # noqa: D102

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def slices(self) -> Iterable[Slice]: ...  # noqa: D102

    def lanes(self) -> Sequence[Iterable[Slice]]: ...  # noqa: D102


def tracks_of(explained: Sequence[Explained]) -> Iterator[Track]:
    """The streams of all files, then their threads."""
    for number, one in enumerate(explained):
        prefix = f"{number}: " if len(explained) > 1 else ""
        streams: dict[tuple[str, str], Track] = {}
        for found in one.kernels:
            place = (found.kernel.device, found.kernel.stream)
            track = streams.setdefault(
                place, Track(f"{prefix}device {place[0]}", f"{prefix}device {place[0]}, stream {place[1]}")
            )
            track.slices.append(kernel_slice(found))
        yield from streams.values()
        if one.is_host_time:
            continue  # the ops are the kernels
        for key, thread in one.timeline.threads.items():
            if len(thread.ops):
                process = f"{prefix}process {key.process}"
                slices = list(_ops(thread.ops, one.timeline.names))
                yield Track(process, f"{process}, thread {key.thread}", slices)


def kernel_slice(one: Attributed) -> Slice:
    """A kernel, with its lines and how they were found."""
    kernel = one.kernel
    arguments = {
        "line": ", ".join(map(line_text, one.lines)),
        "op": one.op,
        "found by": one.rule.value,
        "pass": "backward" if one.is_backward else "forward",
        "inferred": "yes" if one.is_inferred else "",
        "stack": " < ".join(line_text(frame) for frame in one.frames if frame.file),
    }
    filled = {key: value for key, value in arguments.items() if value}
    return Slice(kernel.name, kernel.start_ns, kernel.duration_ns, kernel.kind.value, filled)


def line_text(frame: CallFrame) -> str:
    """`model.py:12 forward`."""
    return f"{frame.file}:{frame.line} {frame.function}".rstrip()


def _ops(ops: Spans, names: list[str]) -> Iterator[Slice]:
    for row, start_ns in enumerate(ops.start_ns):
        yield Slice(names[ops.names[row]], start_ns, ops.end_ns[row] - start_ns, "op")


def lanes(slices: Sequence[Slice]) -> list[list[Slice]]:
    """The slices in as many lanes as it takes for none to overlap another without being inside of it."""
    ordered = sorted(slices, key=lambda one: (one.start_ns, -one.duration_ns))
    numbers = lane_numbers([one.start_ns for one in ordered], [one.duration_ns for one in ordered])
    found: list[list[Slice]] = [[] for _ in range(max(numbers, default=-1) + 1)]
    for one, number in zip(ordered, numbers, strict=True):
        found[number].append(one)
    return found


def lane_numbers(starts_ns: Iterable[int], durations_ns: Iterable[int]) -> array[int]:
    """The number of the lane of each slice, from 0.

    Args:
        starts_ns: in their order; of several that start at once, the longest first.
        durations_ns: of each.
    """
    numbers = array("I")
    open_until: list[list[int]] = []
    """Of each lane: the ends of the slices that are open, the outermost first."""
    for start_ns, duration_ns in zip(starts_ns, durations_ns, strict=True):
        end_ns = start_ns + duration_ns
        for number, ends_ns in enumerate(open_until):
            while ends_ns and ends_ns[-1] <= start_ns:
                ends_ns.pop()
            if not ends_ns or end_ns <= ends_ns[-1]:
                ends_ns.append(end_ns)
                numbers.append(number)
                break
        else:
            numbers.append(len(open_until))
            open_until.append([end_ns])
    return numbers

"""What every format is made of: kernels and ops as slices of tracks, with their source lines.

It must not know any format.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tracedbg.explain.kernels import Attributed, Explained
    from tracedbg.kernels import CallFrame, Spans


@dataclass
class Slice:
    """A stretch of time of a track."""

    name: str
    start_ns: int
    duration_ns: int
    category: str
    arguments: dict[str, str] = field(default_factory=dict)


@dataclass
class Track:
    """A stream of a device, or a thread of the host; its slices are in the order of their starts."""

    group: str
    """The device or process."""
    name: str
    slices: list[Slice] = field(default_factory=list)


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
    found: list[tuple[list[Slice], list[int]]] = []
    for one in sorted(slices, key=lambda one: (one.start_ns, -one.duration_ns)):
        end_ns = one.start_ns + one.duration_ns
        for lane, open_until_ns in found:
            while open_until_ns and open_until_ns[-1] <= one.start_ns:
                open_until_ns.pop()
            if not open_until_ns or end_ns <= open_until_ns[-1]:
                lane.append(one)
                open_until_ns.append(end_ns)
                break
        else:
            found.append(([one], [end_ns]))
    return [lane for lane, _ in found]

"""Flame graphs of kernel time, or of samples: collapsed stacks (flamegraph.pl), and speedscope's."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import msgspec

from tracedbg.kernels import CallFrame
from tracedbg.report.kernel_export.slices import line_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tracedbg.explain.kernels import Attributed, Explained
    from tracedbg.store.reader import Run

_SCHEMA = "https://www.speedscope.app/file-format-schema.json"
Stack = tuple["CallFrame | str", ...]


class Flames(NamedTuple):
    """What one graph is drawn of."""

    name: str
    stacks: Sequence[tuple[Stack, int]]
    """Each outermost first, with its nanoseconds; in the order of time, where there is one."""


def write_collapsed(explained: Sequence[Explained], stream: BinaryIO, samples: Sequence[Flames] = ()) -> None:
    """Write `outer;inner;kernel nanoseconds` for each stack, the costliest first."""
    times: Counter[str] = Counter()
    for flames in [*_of_kernels(explained), *samples]:
        for stack, time_ns in flames.stacks:
            times[";".join(_text(part).replace(";", ",") for part in stack)] += time_ns
    for text, time_ns in times.most_common():
        stream.write(f"{text} {time_ns}\n".encode())


def write_speedscope(
    explained: Sequence[Explained], stream: BinaryIO, samples: Sequence[Flames] = ()
) -> None:
    """Write a profile for each stream of each file, its kernels in the order of time."""
    frames: dict[CallFrame | str, int] = {}
    profiles = []
    for flames in [*_of_kernels(explained), *samples]:
        numbers = [[frames.setdefault(part, len(frames)) for part in stack] for stack, _ in flames.stacks]
        weights = [time_ns for _, time_ns in flames.stacks]
        profiles.append(
            {
                "type": "sampled",
                "name": flames.name,
                "unit": "nanoseconds",
                "startValue": 0,
                "endValue": sum(weights),
                "samples": numbers,
                "weights": weights,
            }
        )
    data = {
        "$schema": _SCHEMA,
        "exporter": "tracedbg",
        "shared": {"frames": [_frame(part) for part in frames]},
        "profiles": profiles,
    }
    stream.write(msgspec.json.encode(data))


def of_samples(run: Run) -> list[Flames]:
    """What the main threads of a run's processes did, by the user's lines."""
    found = []
    for process in run.processes:
        stacks: list[tuple[Stack, int]] = []
        for seen in process.ran.samples():
            for total in seen.totals:
                if total.is_main:
                    frames = (CallFrame(one.file, one.line, one.function) for one in reversed(total.stack))
                    doing = f"({total.activity}: {total.phase})" if total.phase else f"({total.activity})"
                    stacks.append(((*frames, doing), total.wall_ns))
        if stacks:
            found.append(Flames(f"process {process.info.pid}", stacks))
    return found


def _of_kernels(explained: Sequence[Explained]) -> Iterator[Flames]:
    """One for each stream of each file."""
    found: dict[tuple[int, str, str], list[tuple[Stack, int]]] = {}
    for number, each in enumerate(explained):
        for one in each.kernels:
            stacks = found.setdefault((number, one.kernel.device, one.kernel.stream), [])
            stacks += _stacks(one)
    for (number, device, name), stacks in found.items():
        yield Flames(f"{explained[number].timeline.file}: device {device}, stream {name}", stacks)


def _stacks(one: Attributed) -> Iterator[tuple[Stack, int]]:
    """The stack of a kernel, outermost first; for a fused one that of each line, with an even part."""
    outer = [frame for frame in reversed(one.frames) if frame.file]
    if not one.lines:
        yield (*outer, one.op or f"({one.whose.value})", one.kernel.name), one.duration_ns
        return
    part_ns, rest_ns = divmod(one.duration_ns, len(one.lines))
    for index, line in enumerate(one.lines):
        is_whole = len(one.lines) == 1 and line in outer
        around = outer if is_whole else [*outer[: outer.index(line) if line in outer else None], line]
        yield (*around, one.kernel.name), part_ns + (index < rest_ns)


def _text(part: CallFrame | str) -> str:
    return part if isinstance(part, str) else line_text(part)


def _frame(part: CallFrame | str) -> dict[str, Any]:
    if isinstance(part, str):
        return {"name": part}
    return {"name": part.function or part.file, "file": part.file, "line": part.line}

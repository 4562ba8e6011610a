"""Flame graphs of kernel time: the collapsed stacks of flamegraph.pl, and speedscope's format."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from tracedbg.report.kernel_export.slices import line_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tracedbg.explain.kernels import Attributed, Explained
    from tracedbg.kernels import CallFrame

_SCHEMA = "https://www.speedscope.app/file-format-schema.json"
_Stack = tuple["CallFrame | str", ...]


def write_collapsed(explained: Sequence[Explained], stream: BinaryIO) -> None:
    """Write `outer;inner;kernel nanoseconds` for each stack, the costliest first."""
    times: Counter[str] = Counter()
    for each in explained:
        for one in each.kernels:
            for stack, time_ns in _stacks(one):
                times[";".join(_text(part).replace(";", ",") for part in stack)] += time_ns
    for text, time_ns in times.most_common():
        stream.write(f"{text} {time_ns}\n".encode())


def write_speedscope(explained: Sequence[Explained], stream: BinaryIO) -> None:
    """Write a profile for each stream of each file, its kernels in the order of time."""
    frames: dict[CallFrame | str, int] = {}
    profiles: dict[tuple[int, str, str], tuple[list[list[int]], list[int]]] = {}
    for number, each in enumerate(explained):
        for one in each.kernels:
            samples, weights = profiles.setdefault((number, one.kernel.device, one.kernel.stream), ([], []))
            for stack, time_ns in _stacks(one):
                samples.append([frames.setdefault(part, len(frames)) for part in stack])
                weights.append(time_ns)
    data = {
        "$schema": _SCHEMA,
        "exporter": "tracedbg",
        "shared": {"frames": [_frame(part) for part in frames]},
        "profiles": [
            {
                "type": "sampled",
                "name": f"{explained[number].timeline.file}: device {device}, stream {name}",
                "unit": "nanoseconds",
                "startValue": 0,
                "endValue": sum(weights),
                "samples": samples,
                "weights": weights,
            }
            for (number, device, name), (samples, weights) in profiles.items()
        ],
    }
    stream.write(msgspec.json.encode(data))


def _stacks(one: Attributed) -> Iterator[tuple[_Stack, int]]:
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

"""The form of kernels inside a recording: columns, with each stack once, as a tree of frames.

{"texts": [...], "frames": [[file, line, function, is_exact, module], ...] (numbers of texts),
"stacks": [[number of the outer stack or -1, number of a frame], ...], and a column for each of: name, op,
device, stream, kind (numbers of texts), start, duration (ns), stack (-1: none), fused (numbers of stacks),
backward (0 or 1)}; `start` is the difference to the kernel before.
"""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any, TypeVar

from tracedbg.kernels import CallFrame, Kernel, Kind
from tracedbg.store.codec import dump
from tracedbg.store.guarded import inflate

if TYPE_CHECKING:
    from collections.abc import Sequence

_NONE = -1
T = TypeVar("T")


class _Numbers(dict[T, int]):
    """A number for each thing, in the order in which they come."""

    def of(self, thing: T) -> int:
        return self.setdefault(thing, len(self))


def pack_kernels(kernels: Sequence[Kernel]) -> bytes:
    """Kernels as they stand in the database."""
    texts: _Numbers[str] = _Numbers()
    frames: _Numbers[CallFrame] = _Numbers()
    stacks: _Numbers[tuple[int, int]] = _Numbers()
    known: dict[tuple[CallFrame, ...], int] = {}

    def stack_of(found: tuple[CallFrame, ...]) -> int:
        number = known.get(found)
        if number is None:
            number = _NONE
            for frame in reversed(found):
                number = stacks.of((number, frames.of(frame)))
            known[found] = number
        return number

    rows: dict[str, list[Any]] = {
        "name": [texts.of(one.name) for one in kernels],
        "op": [texts.of(one.op) for one in kernels],
        "device": [texts.of(one.device) for one in kernels],
        "stream": [texts.of(one.stream) for one in kernels],
        "kind": [texts.of(one.kind.value) for one in kernels],
        "start": _differences([one.start_ns for one in kernels]),
        "duration": [one.duration_ns for one in kernels],
        "stack": [stack_of(one.frames) for one in kernels],
        "fused": [[stack_of(stack) for stack in one.fused] for one in kernels],
        "backward": [int(one.is_backward) for one in kernels],
    }
    rows["frames"] = [
        [
            texts.of(frame.file),
            frame.line,
            texts.of(frame.function),
            int(frame.is_exact),
            texts.of(frame.module),
        ]
        for frame in frames
    ]
    rows["stacks"] = list(stacks)
    rows["texts"] = list(texts)
    return zlib.compress(dump(rows).encode(), 1)


def unpack_kernels(blob: bytes) -> tuple[Kernel, ...]:
    """The inverse of `pack_kernels`."""
    data = json.loads(inflate(blob))
    texts: list[str] = data["texts"]
    frames = [
        CallFrame(texts[file], line, texts[function], bool(is_exact), texts[module])
        for file, line, function, is_exact, module in data["frames"]
    ]
    stacks: list[tuple[CallFrame, ...]] = []
    for outer, frame in data["stacks"]:
        stacks.append((frames[frame], *(stacks[outer] if outer != _NONE else ())))
    starts = _sums(data["start"])
    columns = ("name", "op", "device", "stream", "kind", "duration", "stack", "fused", "backward")
    return tuple(
        Kernel(
            device=texts[device],
            stream=texts[stream],
            start_ns=start,
            duration_ns=duration,
            name=texts[name],
            kind=Kind(texts[kind]),
            op=texts[op],
            frames=() if stack == _NONE else stacks[stack],
            fused=tuple(stacks[number] for number in fused),
            is_backward=bool(backward),
        )
        for start, (name, op, device, stream, kind, duration, stack, fused, backward) in zip(
            starts, zip(*(data[column] for column in columns), strict=True), strict=True
        )
    )


def _differences(values: Sequence[int]) -> list[int]:
    return [now - before for now, before in zip(values, [0, *values], strict=False)]


def _sums(differences: Sequence[int]) -> list[int]:
    total, found = 0, []
    for difference in differences:
        total += difference
        found.append(total)
    return found

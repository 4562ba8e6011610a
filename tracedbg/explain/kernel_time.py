"""What the kernels of a recorded run come to: by line, and by function.

Which line a kernel belongs to is found by `explain.kernels`, the same way as for a profiler's file.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracedbg.explain.summary import KernelLine, KernelRest, KernelSummary, KernelWindow
from tracedbg.kernels import Kind, Timeline
from tracedbg.source import last_line_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracedbg.explain.kernels.attribute import Attribution
    from tracedbg.kernels import CallFrame, Kernel, KernelsSeen

_NS = 1e9
_LINE = "line"
"""The value of `Whose.LINE`: `explain.kernels` is loaded only where there are kernels."""


@dataclass
class _Same:
    """Kernels that come from the same place."""

    lines: tuple[CallFrame, ...]
    stacks: tuple[tuple[CallFrame, ...], ...]
    """Of what it was fused from; of any other kernel, its one."""
    frames: tuple[CallFrame, ...]
    is_backward: bool
    total_ns: int = 0
    count: int = 0


class KernelTimes:
    """Takes in what profilers saw, one window after the other."""

    def __init__(self) -> None:
        self._windows: list[KernelWindow] = []
        self._places: dict[tuple[object, ...], _Same] = {}
        self._rest: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self._total_ns = 0
        self._kept: list[object] = []
        """What the keys of `_places` name by its identity."""

    def add(self, seen: KernelsSeen) -> None:
        """One window."""
        from tracedbg.explain.kernels.attribute import Attribution  # noqa: PLC0415  most runs have no kernels

        attribution = Attribution(Timeline("", seen.profiler, kernels=list(seen.kernels)))
        kernels_ns = 0
        for kernel in seen.kernels:
            kernels_ns += kernel.duration_ns
            self._add(kernel, attribution)
        self._total_ns += kernels_ns
        devices = sorted({kernel.device for kernel in seen.kernels})
        is_host = all(kernel.kind is Kind.HOST_OP for kernel in seen.kernels)
        self._windows.append(
            KernelWindow(
                profiler=seen.profiler,
                device=", ".join(devices),
                is_host=is_host,
                seconds=(seen.end_ns - seen.start_ns) / _NS,
                kernel_seconds=kernels_ns / _NS,
                kernels=len(seen.kernels),
                steps=seen.steps,
                dropped=seen.dropped,
                note=seen.note,
            )
        )

    def _add(self, kernel: Kernel, attribution: Attribution) -> None:
        # Equal stacks of one window are one object: to compare them frame by frame would take seconds.
        key = (
            id(kernel.frames),
            tuple(map(id, kernel.fused)),
            kernel.op,
            kernel.is_backward,
            id(attribution),
        )
        same = self._places.get(key)
        if same is None:
            found = attribution.of(kernel)
            if found.whose.value != _LINE:
                self._rest[found.whose.value, kernel.op or kernel.name].update(ns=kernel.duration_ns, count=1)
                return
            same = self._places[key] = _Same(
                found.lines, kernel.fused or (found.frames,), found.frames, found.is_backward
            )
            self._kept += (kernel, attribution)
        same.total_ns += kernel.duration_ns
        same.count += 1

    def done(self) -> KernelSummary | None:
        """All together; None where nothing was timed.

        A framework that was loaded and ran nothing is left out beside one that did.
        """
        if not self._windows:
            return None
        return KernelSummary(
            windows=tuple(one for one in self._windows if one.kernels or one.dropped) or tuple(self._windows),
            seconds=self._total_ns / _NS,
            lines=self._lines(),
            rest=tuple(
                KernelRest(whose, name, numbers["ns"] / _NS, numbers["count"])
                for (whose, name), numbers in sorted(self._rest.items(), key=lambda item: -item[1]["ns"])
            ),
        )

    def of_function(self, name: str, file: str, line: int) -> float | None:
        """Seconds of the kernels of a function and of what it calls; None if no kernel was timed."""
        if not self._total_ns:
            return None
        last = last_line_of(file, line)
        short = name.rpartition(".")[2]

        def is_inside(frame: CallFrame) -> bool:
            if frame.file != file:
                return False
            if last is not None and line <= frame.line:
                return frame.line <= last
            # A call that has not come to a line of its own stands at its decorator.
            return frame.function.rpartition(".")[2] == short

        total = 0.0
        for same in self._places.values():
            if any(map(is_inside, same.frames)):
                total += same.total_ns
            else:
                inside = sum(any(map(is_inside, stack)) for stack in same.stacks)
                total += same.total_ns * inside / len(same.stacks)
        return total / _NS

    def _lines(self) -> tuple[KernelLine, ...]:
        times: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
        names: dict[tuple[str, int], str] = {}
        for same in self._places.values():
            for frame, part_ns in zip(same.lines, _parts(same), strict=True):
                at = (frame.file, frame.line)
                names.setdefault(at, frame.function)
                numbers = times[at]
                numbers["ns"] += part_ns
                numbers["count"] += same.count
                numbers["backward"] += part_ns if same.is_backward else 0
                numbers["shared"] += part_ns if len(same.lines) > 1 else 0
        found = [
            KernelLine(
                file=file,
                line=line,
                function=names[file, line],
                seconds=numbers["ns"] / _NS,
                kernels=numbers["count"],
                backward_seconds=numbers["backward"] / _NS,
                shared_seconds=numbers["shared"] / _NS,
            )
            for (file, line), numbers in times.items()
        ]
        return tuple(sorted(found, key=lambda one: (-one.seconds, one.file, one.line)))


def _parts(same: _Same) -> Iterable[int]:
    """The time of each line: evenly, so that the sum is right to the nanosecond."""
    count = len(same.lines)
    whole, left = divmod(same.total_ns, count)
    return [whole + (1 if number < left else 0) for number in range(count)]

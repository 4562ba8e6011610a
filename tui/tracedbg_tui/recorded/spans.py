"""Where the time went, as data: a ledger, a flame graph, a timeline. It must not know how they are shown."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracedbg.events import PHASES
from tracedbg.report.ledger import name_of
from tracedbg_tui.counters import counted
from tracedbg_tui.snapshot import key_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracedbg.explain import KernelSummary, Ledger, PhaseTime
    from tracedbg.store.records import TraceRecord
    from tracedbg_tui.snapshot import Snapshot

_NS = 1e9
MAX_LINES = 100
"""Of the user's, in the ledger."""


@dataclass(frozen=True)
class Entry:
    """A line of the ledger."""

    name: str
    seconds: float
    words: str = ""
    file: str = ""
    line: int = 0
    is_title: bool = False
    whole: float = 0.0
    """What its share is of."""


@dataclass
class Frame:
    """A box of the flame graph: what took time, for all times that it happened in the same place."""

    name: str
    ns: int = 0
    count: int = 0
    file: str = ""
    line: int = 0
    is_phase: bool = False
    children: dict[str, Frame] = field(default_factory=dict)

    def child(self, name: str, **more: object) -> Frame:
        """The box above it of a name."""
        if name not in self.children:
            self.children[name] = Frame(name, **more)  # type: ignore[arg-type]
        return self.children[name]

    def sorted_children(self) -> list[Frame]:
        """The widest first."""
        return sorted(self.children.values(), key=lambda one: -one.ns)


@dataclass(frozen=True)
class Bar:
    """A trace on the timeline."""

    process: int
    record: TraceRecord
    start_ns: int
    """Since the first process began."""
    end_ns: int
    depth: int
    """How many traces it happened during."""
    pieces: tuple[tuple[int, int, str], ...]
    """(start, end, phase), the outer ones first."""


def ledger(snapshot: Snapshot) -> list[Entry]:
    """Each phase with its time, then each function with its phases."""
    summary = snapshot.summary
    if summary is None:
        return []
    kernels = [] if summary.kernels is None else list(_kernels(summary.kernels))
    sampled = list(_sampled(summary.ledgers[0])) if summary.ledgers else []
    if not summary.functions:
        return sampled + kernels
    functions = list(summary.every_function())
    spent, counts = _together(phase for function in functions for phase in function.phases)
    total = sum(spent.values())
    made = sampled
    wall = (summary.run.wall_ns or 0) / _NS
    if wall and not sampled:
        made += [
            Entry("the run", wall, "wall time", is_title=True, whole=wall),
            Entry("tracing", summary.seconds, "tracing and compiling, of all processes together", whole=wall),
        ]
        if len(snapshot.processes) == 1 and wall > summary.seconds:
            made.append(Entry("the rest", wall - summary.seconds, "the program itself", whole=wall))
    made.append(Entry("by phase", total, "", is_title=True, whole=total))
    for name in [*PHASES, *(name for name in spent if name not in PHASES)]:
        if name in spent:
            words = f"{counts[name]:,} x  {PHASES.get(name, '')}"
            made.append(Entry(name, spent[name], words, whole=total))
    made.append(Entry("by function", total, "", is_title=True, whole=total))
    for function in sorted(functions, key=lambda one: -sum(phase.seconds for phase in one.phases)):
        own, _ = _together(iter(function.phases))
        largest = sorted(own.items(), key=lambda item: -item[1])
        words = ", ".join(f"{name} {seconds:.3f} s" for name, seconds in largest if seconds >= 0.0005)  # noqa: PLR2004
        entry = Entry(function.name, sum(own.values()), words, function.file, function.line, whole=total)
        made.append(entry)
    return made + kernels


def _sampled(main: Ledger) -> Iterator[Entry]:
    """What the main thread did, then the lines that it did it on."""
    yield Entry("the run", main.seconds, "wall time", is_title=True, whole=main.seconds)
    for share in main.shares:
        parts = ", ".join(f"{part.name} {part.seconds:.3f} s" for part in share.parts)
        yield Entry(name_of(share.activity), share.seconds, parts, whole=main.seconds)
    yield Entry("by line", sum(one.seconds for one in main.lines), "", is_title=True, whole=main.seconds)
    for line in main.lines[:MAX_LINES]:
        name = f"{os.path.basename(line.file)}:{line.line}"
        words = ", ".join(f"{name_of(one.activity)} {one.seconds:.3f} s" for one in line.shares)
        yield Entry(name, line.seconds, words, line.file, line.line, whole=main.seconds)


def _kernels(timed: KernelSummary) -> Iterator[Entry]:
    """The lines that kernels come from; the rest by what launched them."""
    seen = ", ".join(f"{one.steps} steps on {one.device}" for one in timed.windows if one.kernels)
    yield Entry("kernels by line", timed.seconds, seen, is_title=True, whole=timed.seconds)
    for one in timed.lines:
        words = [f"{one.function}, {counted(one.kernels, 'kernel')}"]
        if one.backward_seconds:
            words.append(f"{100 * one.backward_seconds / one.seconds:.0f}% backward")
        if one.shared_seconds:
            words.append(f"{100 * one.shared_seconds / one.seconds:.0f}% fused with other lines")
        name = f"{os.path.basename(one.file)}:{one.line}"
        yield Entry(name, one.seconds, ", ".join(words), one.file, one.line, whole=timed.seconds)
    for left in timed.rest:
        yield Entry(
            left.name, left.seconds, f"{left.whose}, {counted(left.kernels, 'kernel')}", whole=timed.seconds
        )


def _together(phases: Iterator[PhaseTime]) -> tuple[dict[str, float], dict[str, int]]:
    spent: defaultdict[str, float] = defaultdict(float)
    counts: defaultdict[str, int] = defaultdict(int)
    for phase in phases:
        spent[phase.name] += phase.seconds
        counts[phase.name] += phase.count
    return dict(spent), dict(counts)


def bars(snapshot: Snapshot) -> list[Bar]:
    """All traces by their start; those under way reach up to now."""
    first = min((process.info.started_wall_ns for process in snapshot.processes), default=0)
    made = []
    for number, process in enumerate(snapshot.processes):
        offset = process.info.started_wall_ns - first
        now = snapshot.read_at_ns - process.info.started_wall_ns
        depths: dict[int, int] = {}
        for record in process.all_traces:
            started = record.started
            depth = depths.get(started.parent_id or 0, -1) + 1
            depths[started.id] = depth
            last = record.ended.end_ns if record.ended else (now if process.is_alive else started.start_ns)
            pieces = tuple(
                (span.start_ns + offset, span.start_ns + span.duration_ns + offset, span.name)
                for span in sorted(record.phases, key=lambda one: -one.duration_ns)
            )
            last = max([last, *(span.start_ns + span.duration_ns for span in record.phases)])
            made.append(Bar(number, record, started.start_ns + offset, last + offset, depth, pieces))
    return sorted(made, key=lambda bar: bar.start_ns)


def flame(snapshot: Snapshot) -> Frame:
    """Functions, their phases within one another, and the functions that were traced during them."""
    root = Frame("tracing")
    for process in snapshot.processes:
        boxes: dict[int, list[tuple[int, int, Frame]]] = {}
        """Trace -> (start, end, box) of it and of its phases, the outer ones first."""
        for record in process.all_traces:
            started = record.started
            above = boxes.get(started.parent_id or 0, [])
            box = _around(above, started.start_ns) or root
            of = started.traceable
            own = box.child(key_of(of), file=of.file, line=of.line)
            own.name = of.name
            own.ns += record.duration_ns
            own.count += 1
            boxes[started.id] = _phases(record, own)
            if box is root:
                later = sum(frame_ns for frame_ns in _later(record))
                root.ns += record.duration_ns + later
                own.ns += later
    return root


def _phases(record: TraceRecord, own: Frame) -> list[tuple[int, int, Frame]]:
    start = record.started.start_ns
    end = record.ended.end_ns if record.ended else start
    boxes = [(start, end, own)]
    for span in sorted(record.phases, key=lambda one: (one.start_ns, -one.duration_ns)):
        box = _around(boxes, span.start_ns) or own
        made = box.child(span.name, is_phase=True, file=own.file, line=own.line)
        made.ns += span.duration_ns
        made.count += 1
        boxes.append((span.start_ns, span.start_ns + span.duration_ns, made))
    return boxes


def _later(record: TraceRecord) -> Iterator[int]:
    """What phases took after the trace: a backward that is compiled when it is first needed."""
    end = record.ended.end_ns if record.ended else record.started.start_ns
    last = end
    for span in sorted(record.phases, key=lambda one: (one.start_ns, -one.duration_ns)):
        if span.start_ns >= last:
            yield span.duration_ns
            last = span.start_ns + span.duration_ns


def _around(boxes: list[tuple[int, int, Frame]], at_ns: int) -> Frame | None:
    """The innermost box that a moment lies in."""
    return next((box for start, end, box in reversed(boxes) if start <= at_ns < end), None)

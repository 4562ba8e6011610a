"""Makes the ledger of a process: samples of its main thread, put right by what was recorded exactly.

All numbers are whole nanoseconds until the end, and time is only ever moved from one entry to another: so
the entries add up to the wall time, whatever was recorded.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracedbg.activities import Activity
from tracedbg.explain.ledger import Ledger, TimeLine, TimePart, TimeShare
from tracedbg.explain.phases import Phases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tracedbg.events import Frame
    from tracedbg.ran import OpsSeen, SamplesSeen
    from tracedbg.store.records import ProcessInfo, TraceRecord
    from tracedbg.store.run_info import RunInfo

NS = 1e9
_PHASES = {
    "autograph": Activity.TRACING,
    "trace": Activity.TRACING,
    "dynamo": Activity.TRACING,
    "parse": Activity.TRACING,
    "other": Activity.TRACING,
    "aot": Activity.COMPILING,
    "backend": Activity.COMPILING,
    "backward_aot": Activity.COMPILING,
    "backward_backend": Activity.COMPILING,
}
"""What a recorded phase is; a first run is also a run, and stays as it was sampled."""
_SAMPLED = {
    "Dynamo": "dynamo",
    "AutoGraph": "autograph",
    "tf.function": "trace",
    "AOTAutograd": "aot",
    "Inductor": "backend",
    "Triton": "backend",
}
"""The same phases, by the names that samples have of them while tracing or compiling."""
_DONORS = (
    Activity.UNKNOWN,
    Activity.PYTHON,
    Activity.EAGER_OPS,
    Activity.COMPILED,
    Activity.IMPORTS,
    Activity.WAITING,
    Activity.DATA_LOADING,
    Activity.BACKWARD,
)
"""Whose time it was if more was recorded of tracing than was sampled; in this order."""
_TRACED = (Activity.TRACING, Activity.COMPILING)

_Line = tuple[str, int]


@dataclass
class Entry:
    """Some time of the main thread's."""

    stack: tuple[Frame, ...]
    activity: Activity
    phase: str
    wall_ns: int


def ledger_of(  # noqa: PLR0913  what is known of a process
    run: RunInfo,
    process: ProcessInfo,
    seen: Sequence[SamplesSeen],
    traces: Sequence[TraceRecord],
    ops: Sequence[OpsSeen],
    *,
    is_main: bool,
    is_root: bool,
) -> Ledger:
    """Where the time of a process went.

    Args:
        run: the run that it is a part of.
        process: the process.
        seen: its samples; there are some.
        traces: its traces.
        ops: its ops, where they were recorded.
        is_main: whether its ledger is the one that is looked at first.
        is_root: whether it is the process that the run began and ended with.
    """
    entries = entries_of(run, process, seen, traces, ops, is_root=is_root)
    totals = [total for one in seen for total in one.totals]
    others = {total.thread_id for total in totals if not total.is_main and total.activity != "overhead"}
    return Ledger(
        pid=process.pid,
        rank=process.rank,
        is_main=is_main,
        seconds=sum(entry.wall_ns for entry in entries) / NS,
        shares=_shares(entries),
        lines=_lines(entries),
        rate_hz=max(one.rate_hz for one in seen),
        samples=sum(total.count for total in totals if total.is_main),
        sampler_seconds=sum(one.own_ns for one in seen) / NS,
        threads=len(others),
        threads_seconds=sum(total.cpu_ns for total in totals if total.thread_id in others) / NS,
    )


def entries_of(  # noqa: PLR0913  as above
    run: RunInfo,
    process: ProcessInfo,
    seen: Sequence[SamplesSeen],
    traces: Sequence[TraceRecord],
    ops: Sequence[OpsSeen],
    *,
    is_root: bool,
) -> list[Entry]:
    """The time of the main thread, put right; the arguments are those of `ledger_of`."""
    totals = [total for one in seen for total in one.totals]
    entries = [
        Entry(total.stack, _activity(total.activity), total.phase, total.wall_ns)
        for total in totals
        if total.is_main
    ]
    entries += _around(seen, run if is_root and run.exit_code is not None else None, process)
    main = {total.thread_id for total in totals if total.is_main}
    _settle_traces(entries, [trace for trace in traces if trace.started.thread_id in main])
    _settle_ops(entries, ops, main)
    return entries


def phase_name(entry: Entry) -> str:
    """What an entry was more closely, by the name that a recorded phase has; empty where nobody knows."""
    return _SAMPLED.get(entry.phase, entry.phase) if entry.activity in _TRACED else entry.phase


def _activity(name: str) -> Activity:
    try:
        return Activity(name)
    except ValueError:  # of a later version
        return Activity.UNKNOWN


def _around(seen: Sequence[SamplesSeen], run: RunInfo | None, process: ProcessInfo) -> list[Entry]:
    """What no sample tells of: before the first stretch, between stretches, and after the last one.

    Args:
        seen: the stretches.
        run: the run as a whole, where the process began and ended with it.
        process: when its recording was closed.
    """
    found: list[Entry] = []
    stretches = sorted((one.start_ns, one.end_ns) for one in seen)
    at_ns = stretches[0][0]
    if run is not None and run.started_wall_ns - process.started_wall_ns < at_ns:
        begin_ns = run.started_wall_ns - process.started_wall_ns
        found.append(Entry((), Activity.STARTUP, "starting", at_ns - begin_ns))
    for start_ns, end_ns in stretches:
        if start_ns > at_ns:
            found.append(Entry((), Activity.UNKNOWN, "", start_ns - at_ns))
        at_ns = max(at_ns, end_ns)
    if process.stopped_ns is not None and process.stopped_ns > at_ns:
        found.append(Entry((), Activity.OVERHEAD, "", process.stopped_ns - at_ns))
        at_ns = process.stopped_ns
    if run is not None and run.wall_ns is not None:
        rest_ns = run.started_wall_ns + run.wall_ns - process.started_wall_ns - at_ns
        if rest_ns > 0:
            is_killed = process.stopped_ns is None
            activity = Activity.UNKNOWN if is_killed else Activity.STARTUP
            found.append(Entry((), activity, "" if is_killed else "ending", rest_ns))
    return found


# --- what was recorded exactly -------------------------------------------------------------------


def _settle_traces(entries: list[Entry], traces: Sequence[TraceRecord]) -> None:
    """Let tracing and compiling take what was recorded of them, at the lines that called for it."""
    exact = _exact(traces)
    if not exact:
        return
    by_line: dict[_Line | None, list[Entry]] = defaultdict(list)
    for entry in entries:
        key = next((at for frame in entry.stack if (at := (frame.file, frame.line)) in exact), None)
        by_line[key].append(entry)
    for line, phases in exact.items():
        group = by_line[line]
        stack = next((entry.stack for entry in group), ())
        missing_ns = dict.fromkeys(_TRACED, 0)
        for activity in _TRACED:
            sampled = [entry for entry in group if entry.activity is activity]
            recorded_ns = sum(ns for name, ns in phases.items() if _PHASES[name] is activity)
            missing_ns[activity] = recorded_ns - sum(entry.wall_ns for entry in sampled)
            if missing_ns[activity] < 0:
                rest = Entry(stack, Activity.PYTHON, "", _take(sampled, -missing_ns[activity]))
                entries.append(rest)
                group.append(rest)
        for activity in _TRACED:
            _move(entries, group, activity, max(missing_ns[activity], 0))
        _name(entries, group, phases)


def _exact(traces: Sequence[TraceRecord]) -> dict[_Line, Counter[str]]:
    """What each phase took, by the line that called the outermost traced function."""
    by_id = {trace.started.id: trace for trace in traces}
    children: defaultdict[int, list[TraceRecord]] = defaultdict(list)
    for trace in traces:
        if trace.started.parent_id is not None:
            children[trace.started.parent_id].append(trace)
    found: dict[_Line, Counter[str]] = {}
    for trace in traces:
        root = trace
        while (outer := by_id.get(root.started.parent_id or 0)) is not None:
            root = outer
        if trace.ended is None or not root.started.call_stack:
            continue
        called = root.started.call_stack[0]
        phases = Phases()
        phases.add(trace, children[trace.started.id])
        spent = found.setdefault((called.file, called.line), Counter())
        for (name, is_later), ns in phases.spent_ns.items():
            if not is_later and name in _PHASES:
                spent[name] += ns
    return found


def _take(entries: Sequence[Entry], wanted_ns: int) -> int:
    """Take so much from the entries, evenly by their size; how much there was."""
    there_ns = sum(entry.wall_ns for entry in entries)
    taken_ns = min(wanted_ns, there_ns)
    left_ns = taken_ns
    for entry in entries:
        part_ns = min(left_ns, -(-entry.wall_ns * taken_ns // there_ns)) if there_ns else 0
        entry.wall_ns -= part_ns
        left_ns -= part_ns
    return taken_ns


def _move(entries: list[Entry], group: list[Entry], activity: Activity, wanted_ns: int) -> None:
    """Let the activity take time from what else was sampled below the same call."""
    for donor in _DONORS:
        for entry in [one for one in group if one.activity is donor]:
            if not wanted_ns:
                return
            moved_ns = min(entry.wall_ns, wanted_ns)
            entry.wall_ns -= moved_ns
            wanted_ns -= moved_ns
            made = Entry(entry.stack, activity, "", moved_ns)
            entries.append(made)
            group.append(made)


def _name(entries: list[Entry], group: list[Entry], phases: Counter[str]) -> None:
    """Split the traced time of a call into phases as they were recorded."""
    for activity in _TRACED:
        names = {name: ns for name, ns in phases.items() if _PHASES[name] is activity and ns}
        whole_ns = sum(names.values())
        for entry in [one for one in group if one.activity is activity and whole_ns]:
            left_ns, share_ns = entry.wall_ns, entry.wall_ns
            for name, ns in names.items():
                part_ns = min(left_ns, share_ns * ns // whole_ns)
                entries.append(Entry(entry.stack, activity, name, part_ns))
                left_ns -= part_ns
            entry.wall_ns, entry.phase = left_ns, next(iter(names))


def _settle_ops(entries: list[Entry], ops: Sequence[OpsSeen], main: set[int]) -> None:
    """Where ops were recorded, let each line's ops take exactly what they took, and its Python the rest."""
    exact: Counter[_Line] = Counter()
    for seen in ops:
        for total in seen.totals:
            kind = total.kind
            is_eager = kind.is_outer and not kind.is_traced and not kind.is_backward
            if is_eager and kind.stack and total.thread_id in main:
                exact[kind.stack[0].file, kind.stack[0].line] += total.duration_ns
    lines: dict[_Line, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.stack and entry.activity in (Activity.PYTHON, Activity.EAGER_OPS):
            lines[entry.stack[0].file, entry.stack[0].line].append(entry)
    for line, wanted_ns in exact.items():
        group = lines.get(line, [])
        in_ops = [entry for entry in group if entry.activity is Activity.EAGER_OPS]
        python = [entry for entry in group if entry.activity is Activity.PYTHON]
        missing_ns = wanted_ns - sum(entry.wall_ns for entry in in_ops)
        giver, takes = (python, Activity.EAGER_OPS) if missing_ns > 0 else (in_ops, Activity.PYTHON)
        moved_ns = _take(giver, abs(missing_ns))
        if moved_ns:
            entries.append(Entry(group[0].stack, takes, "", moved_ns))


# --- what it comes to ----------------------------------------------------------------------------


def _shares(entries: Iterable[Entry]) -> tuple[TimeShare, ...]:
    spent: Counter[Activity] = Counter()
    parts: dict[Activity, Counter[str]] = defaultdict(Counter)
    for entry in entries:
        spent[entry.activity] += entry.wall_ns
        name = phase_name(entry)
        if name:
            parts[entry.activity][name] += entry.wall_ns
    order = sorted(spent, key=lambda one: (one is Activity.UNKNOWN, -spent[one], one.value))
    return tuple(
        TimeShare(
            activity.value,
            spent[activity] / NS,
            tuple(TimePart(name, ns / NS) for name, ns in parts[activity].most_common() if ns),
        )
        for activity in order
        if spent[activity]
    )


def _lines(entries: Iterable[Entry]) -> tuple[TimeLine, ...]:
    by_line: dict[_Line, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.stack and entry.wall_ns:
            by_line[entry.stack[0].file, entry.stack[0].line].append(entry)
    found = [
        TimeLine(
            file=file,
            line=line,
            function=own[0].stack[0].function,
            seconds=sum(entry.wall_ns for entry in own) / NS,
            shares=_shares(own),
        )
        for (file, line), own in by_line.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.seconds, one.file, one.line)))


class Ledgers:
    """Takes in the processes of a run."""

    def __init__(self, run: RunInfo, processes: Sequence[ProcessInfo]) -> None:
        self._run = run
        self._root = root_of(processes)
        self._main = main_of(processes)
        self._ledgers: list[Ledger] = []

    def add(
        self,
        process: ProcessInfo,
        seen: Sequence[SamplesSeen],
        traces: Callable[[], Sequence[TraceRecord]],
        ops: Sequence[OpsSeen],
    ) -> None:
        """One process: what was sampled, its traces, which are asked for only then, and its ops."""
        if seen:
            is_main, is_root = process is self._main, process is self._root
            self._ledgers.append(
                ledger_of(self._run, process, seen, traces(), ops, is_main=is_main, is_root=is_root)
            )

    def done(self) -> tuple[Ledger, ...]:
        """The main process first, then by rank and number."""
        return tuple(sorted(self._ledgers, key=lambda one: (not one.is_main, one.rank or 0, one.pid)))


def main_of(processes: Sequence[ProcessInfo]) -> ProcessInfo | None:
    """The process whose time is looked at first: the first rank, or the one that the others descend from."""
    ranks = [process for process in processes if process.is_rank]
    first = min(ranks, key=lambda process: process.rank or 0, default=None)
    return first if first is not None else root_of(processes)


def root_of(processes: Sequence[ProcessInfo]) -> ProcessInfo | None:
    """The process that the others descend from; None of many ranks: what has started them is not recorded."""
    if sum(process.is_rank for process in processes) > 1:
        return None
    pids = {(process.host, process.pid) for process in processes}
    return min(
        (process for process in processes if (process.host, process.ppid) not in pids),
        key=lambda process: process.started_wall_ns,
        default=None,
    )

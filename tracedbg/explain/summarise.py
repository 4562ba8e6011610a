"""A recorded run put together: explains every trace, and groups what belongs together.

It reads what the store gives back, by the shape of `Recording` alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from tracedbg.events import Framework, Outcome, Role
from tracedbg.explain.causes import Explainer, is_retrace
from tracedbg.explain.conversions import group_conversions
from tracedbg.explain.eager import LIMITS, count_calls, silent_eager
from tracedbg.explain.groups import NS, Causes
from tracedbg.explain.kernel_time import KernelTimes
from tracedbg.explain.op_totals import OpTotals
from tracedbg.explain.phases import Phases
from tracedbg.explain.ranks.counts import RankTally
from tracedbg.explain.recorded import NothingRan
from tracedbg.explain.stale import group_stale
from tracedbg.explain.steps import Steps
from tracedbg.explain.summary import BreakGroup, FunctionSummary, Summary
from tracedbg.explain.wall_time import Ledgers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tracedbg.events import (
        Calls,
        Construct,
        Conversion,
        Fallback,
        Fault,
        GraphBreak,
        Stale,
        Traceable,
    )
    from tracedbg.explain.recorded import Ran
    from tracedbg.kernels import KernelsSeen
    from tracedbg.store.records import ProcessInfo, Tally, TraceRecord
    from tracedbg.store.run_info import RunInfo

_FULLGRAPH = ("fullgraph", "True")


class Recording(Protocol):
    """What was recorded of one process."""

    @property
    def info(self) -> ProcessInfo: ...  # noqa: D102

    def traces(self) -> Sequence[TraceRecord]: ...  # noqa: D102

    def breaks(self) -> Sequence[GraphBreak]: ...  # noqa: D102

    def conversions(self) -> Sequence[Conversion]: ...  # noqa: D102

    def constructs(self) -> Sequence[Construct]: ...  # noqa: D102

    def fallbacks(self) -> Sequence[Fallback]: ...  # noqa: D102

    def calls(self) -> Sequence[Calls]: ...  # noqa: D102

    def stale(self) -> Sequence[Stale]: ...  # noqa: D102

    def faults(self) -> Sequence[Fault]: ...  # noqa: D102

    def tallies(self) -> Sequence[Tally]: ...  # noqa: D102

    def kernel_windows(self) -> Sequence[KernelsSeen]: ...  # noqa: D102

    def dropped(self) -> Mapping[str, int]: ...  # noqa: D102

    @property
    def ran(self) -> Ran: ...  # noqa: D102


class RecordedRun(Protocol):
    """A run: its processes."""

    @property
    def info(self) -> RunInfo: ...  # noqa: D102

    @property
    def processes(self) -> Sequence[Recording]: ...  # noqa: D102


_Key = tuple[Framework, str, str, int]


@dataclass
class _Function:
    """A `FunctionSummary` that is being collected."""

    key: _Key
    is_user: bool = True
    owner: str = ""
    numbers: Counter[str] = field(default_factory=Counter)
    phases: Phases = field(default_factory=Phases)
    objects: set[tuple[int, int]] = field(default_factory=set)
    causes: Causes = field(default_factory=Causes)
    fallbacks: list[Fallback] = field(default_factory=list)
    calls: list[Calls] = field(default_factory=list)
    stale: list[Stale] = field(default_factory=list)
    break_places: set[tuple[str, int, str]] = field(default_factory=set)
    raises: bool = False
    """Whether the user asked for an error rather than for eager calls."""

    def done(self, resumes: Iterable[FunctionSummary] = ()) -> FunctionSummary:
        framework, name, file, line = self.key
        numbers = self.numbers
        nested = tuple(resumes)
        limit_hits = sum(fallback.kind in LIMITS for fallback in self.fallbacks)
        is_limited = limit_hits > 0
        eager = silent_eager(self.fallbacks, self.calls, raises=self.raises)
        return FunctionSummary(
            framework,
            name,
            file,
            line,
            self.is_user,
            traces=numbers["traces"],
            retraces=numbers["retraces"] + self.causes.retraces,
            settled=0 if is_limited else self.causes.settled,
            seconds=numbers["duration_ns"] / NS,
            self_seconds=numbers["self_ns"] / NS,
            phases=self.phases.done(),
            caches=tuple(sorted(self.phases.caches.items())),
            graph_breaks=len(self.break_places) + numbers["graph_breaks"],
            failed=numbers["failed"],
            objects=len(self.objects),
            limit_hits=limit_hits,
            calls=count_calls(self.calls),
            silent_eager=eager or next((f.silent_eager for f in nested if f.silent_eager), None),
            stale=group_stale(self.stale),
            causes=self.causes.done(is_limited=is_limited),
            resumes=nested,
        )


def summarise(
    run: RecordedRun, earlier: Iterable[TraceRecord] = (), *, traces_alone: bool = False
) -> Summary:
    """Explain all of a run.

    Args:
        run: what is explained.
        earlier: traces from before it, in the same process; they are what its own are compared with.
        traces_alone: leave out what ran: there may be much of it.
    """
    collector = _Collector(earlier)
    conversions: list[Conversion] = []
    constructs: list[Construct] = []
    faults: dict[tuple[str, str], Fault] = {}
    dropped: Counter[str] = Counter()
    times = KernelTimes()
    ops = OpTotals()
    steps = Steps()
    infos = [process.info for process in run.processes]
    ledgers = Ledgers(run.info, infos)
    for number, process in enumerate(run.processes):
        collector.add(number, process)
        conversions += process.conversions()
        constructs += process.constructs()
        for fault in process.faults():
            faults.setdefault((fault.where, fault.message), fault)
        dropped.update(process.dropped())
        for seen in process.kernel_windows():
            times.add(seen)
        ran: Ran = NothingRan() if traces_alone else process.ran
        executed = ran.ops()
        ops.add(executed)
        steps.add(ran, executed)
        ledgers.add(infos[number], ran.samples(), process.traces, executed)
    return Summary(
        run=run.info,
        processes=tuple(infos),
        functions=tuple(_timed(function, times) for function in collector.functions()),
        graph_breaks=collector.graph_breaks(),
        conversions=group_conversions(conversions, constructs),
        faults=tuple(faults.values()),
        kernels=times.done(),
        ops=ops.done(run.info.wall_ns),
        syncs=ops.syncs(),
        ledgers=ledgers.done(),
        steps=steps.done(),
        ranks=collector.ranks.done(),
        dropped={kind: count for kind, count in sorted(dropped.items()) if count},
        process_traces=tuple(collector.traces[number] for number in range(len(infos))),
    )


def _timed(function: FunctionSummary, times: KernelTimes) -> FunctionSummary:
    return replace(
        function,
        kernel_seconds=times.of_function(function.name, function.file, function.line),
        resumes=tuple(
            replace(resume, kernel_seconds=times.of_function(function.name, resume.file, function.line))
            for resume in function.resumes
        ),
    )


class _Collector:
    """Takes in one process after the other."""

    def __init__(self, earlier: Iterable[TraceRecord]) -> None:
        self._earlier = tuple(earlier)
        self._functions: dict[_Key, _Function] = {}
        self._breaks: dict[tuple[str, int, str, str], BreakGroup] = {}
        self.traces: Counter[int] = Counter()
        """By the number of the process."""
        self.ranks = RankTally()

    def add(self, number: int, process: Recording) -> None:
        """Everything of process `number` that is told by function."""
        self._add_traces(number, process)
        for found in process.breaks():
            self._add_break(found)
        for fallback in process.fallbacks():
            if not _is_end_of_function(fallback):
                self._function(fallback.function).fallbacks.append(fallback)
        for calls in process.calls():
            self._function(calls.function).calls.append(calls)
        for stale in process.stale():
            self._function(stale.function).stale.append(stale)
        for tally in process.tallies():
            framework, name, file, line = tally.function_key
            function = self._at((Framework(framework), name, file, line))
            self.traces[number] += tally.traces
            function.numbers.update(
                traces=tally.traces,
                retraces=tally.retraces,
                duration_ns=tally.duration_ns,
                self_ns=tally.duration_ns,
                graph_breaks=tally.graph_breaks,
            )
            function.phases.add_unknown(tally.duration_ns)

    def functions(self) -> tuple[FunctionSummary, ...]:
        """All functions, the costliest first, resume functions under the one that they belong to."""
        nested: defaultdict[_Key, list[FunctionSummary]] = defaultdict(list)
        for function in list(self._functions.values()):
            if function.owner:
                nested[self._owner(function).key].append(function.done())
        done = [
            function.done(sorted(nested[key], key=lambda resume: resume.line))
            for key, function in self._functions.items()
            if not function.owner
        ]
        return tuple(sorted(done, key=_function_order))

    def graph_breaks(self) -> tuple[BreakGroup, ...]:
        """All places, by file and line."""
        return tuple(sorted(self._breaks.values(), key=lambda found: (found.file, found.line, found.kind)))

    def _at(self, key: _Key) -> _Function:
        return self._functions.setdefault(key, _Function(key))

    def _function(self, traceable: Traceable) -> _Function:
        function = self._at((traceable.framework, traceable.name, traceable.file, traceable.line))
        function.is_user = traceable.is_user
        function.owner = traceable.owner
        return function

    def _owner(self, resume: _Function) -> _Function:
        """The function that `resume` is the rest of: the last of that name above it."""
        framework, _, file, line = resume.key
        above = [
            key
            for key, function in self._functions.items()
            if (key[0], key[1], key[2]) == (framework, resume.owner, file) and not function.owner
        ]
        key = max((k for k in above if k[3] <= line), key=lambda k: k[3], default=None)
        owner = self._at(key or (above[0] if above else (framework, resume.owner, file, line)))
        owner.is_user = resume.is_user
        return owner

    def _add_traces(self, number: int, process: Recording) -> None:
        explainer = Explainer(process.info.versions)
        for trace in self._earlier:
            explainer.add(trace)
        traces = process.traces()
        self.ranks.add(process.info, traces)
        by_id = {trace.started.id: trace for trace in traces}
        children: defaultdict[int, list[TraceRecord]] = defaultdict(list)
        for trace in traces:
            if trace.started.parent_id is not None:
                children[trace.started.parent_id].append(trace)
        for trace in traces:
            started = trace.started
            function = self._function(started.traceable)
            function.raises |= _FULLGRAPH in started.options
            function.objects.add((number, started.traceable.object_id))
            nested_ns = sum(child.duration_ns for child in children[started.id])
            function.numbers["self_ns"] += max(trace.duration_ns - nested_ns, 0)
            function.phases.add(trace, children[started.id])
            if not _is_within_itself(trace, by_id):
                function.numbers["duration_ns"] += trace.duration_ns
            situations = explainer.next_situations(trace)
            if started.role in (Role.BACKWARD, Role.CHECK):
                continue
            if trace.ended and trace.ended.outcome is Outcome.FAILED:
                function.numbers["failed"] += 1
                continue
            function.numbers["traces"] += 1
            self.traces[number] += 1
            if is_retrace(trace, situations):
                function.causes.add(situations, trace.duration_ns)

    def _add_break(self, found: GraphBreak) -> None:
        name = found.function.owner or found.function.name
        function = self._function(found.function)
        if function.owner:
            function = self._owner(function)
        file, line = found.frame.file, found.frame.line
        function.break_places.add((file, line, found.kind))
        group = self._breaks.get((file, line, found.kind, name))
        if group is None:
            group = BreakGroup(found.code, found.kind, found.reason, file, line, name, 0, found.ran_eager)
        self._breaks[file, line, found.kind, name] = replace(group, count=group.count + 1)


def _is_end_of_function(fallback: Fallback) -> bool:
    """A resume function is skipped where nothing was left to do after the break, as before a `return`."""
    return fallback.kind == "skipped" and bool(fallback.function.owner)


def _is_within_itself(trace: TraceRecord, by_id: Mapping[int, TraceRecord]) -> bool:
    """Whether its time is already in that of another trace of the same function."""
    function = trace.started.traceable
    place = (function.name, function.file, function.line)
    parent = by_id.get(trace.started.parent_id or 0)
    while parent is not None:
        outer = parent.started.traceable
        if (outer.name, outer.file, outer.line) == place:
            return True
        parent = by_id.get(parent.started.parent_id or 0)
    return False


def _function_order(function: FunctionSummary) -> tuple[object, ...]:
    cost = function.seconds + sum(resume.seconds for resume in function.resumes)
    return (-cost, function.file, function.line, function.name)

"""A recording as it was at one moment: data that screens show. It must not know files or screens."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from tracedbg.explain import Explainer
from tracedbg.explain.recorded import NothingRan
from tracedbg.report.style import milliseconds
from tracedbg.source import is_user_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tracedbg import events as ev
    from tracedbg.explain import FunctionSummary, Summary
    from tracedbg.kernels import KernelsSeen
    from tracedbg.ran import SamplesSeen
    from tracedbg.store.records import GraphInfo, ProcessInfo, Tally, TraceRecord
    from tracedbg.store.run_info import RunInfo


@dataclass(frozen=True)
class Appended:
    """What a process has told that is not a trace."""

    breaks: tuple[ev.GraphBreak, ...] = ()
    conversions: tuple[ev.Conversion, ...] = ()
    constructs: tuple[ev.Construct, ...] = ()
    fallbacks: tuple[ev.Fallback, ...] = ()
    stale: tuple[ev.Stale, ...] = ()
    faults: tuple[ev.Fault, ...] = ()
    graphs: tuple[GraphInfo, ...] = ()
    kernel_windows: tuple[KernelsSeen, ...] = ()


@dataclass(frozen=True)
class ProcessSnapshot:
    """One process, in the shape that `explain.summarise` reads."""

    path: str
    info: ProcessInfo
    is_alive: bool = False
    """Whether it may still tell more."""
    all_traces: Sequence[TraceRecord] = ()
    appended: Appended = field(default_factory=Appended)
    all_calls: tuple[ev.Calls, ...] = ()
    all_tallies: tuple[Tally, ...] = ()
    all_dropped: Mapping[str, int] = field(default_factory=dict)
    all_samples: tuple[SamplesSeen, ...] = ()

    def traces(self) -> Sequence[TraceRecord]:
        """In the order of their start; the same for the methods below."""
        return self.all_traces

    def breaks(self) -> Sequence[ev.GraphBreak]:  # noqa: D102
        return self.appended.breaks

    def conversions(self) -> Sequence[ev.Conversion]:  # noqa: D102
        return self.appended.conversions

    def constructs(self) -> Sequence[ev.Construct]:  # noqa: D102
        return self.appended.constructs

    def fallbacks(self) -> Sequence[ev.Fallback]:  # noqa: D102
        return self.appended.fallbacks

    def calls(self) -> Sequence[ev.Calls]:  # noqa: D102
        return self.all_calls

    def stale(self) -> Sequence[ev.Stale]:  # noqa: D102
        return self.appended.stale

    def faults(self) -> Sequence[ev.Fault]:  # noqa: D102
        return self.appended.faults

    def kernel_windows(self) -> Sequence[KernelsSeen]:  # noqa: D102
        return self.appended.kernel_windows

    def tallies(self) -> Sequence[Tally]:  # noqa: D102
        return self.all_tallies

    def dropped(self) -> Mapping[str, int]:  # noqa: D102
        return self.all_dropped

    @property
    def ran(self) -> NothingRan:
        """Samples alone: ops and steps are not shown here."""
        return _Sampled(self.all_samples)


class _Sampled(NothingRan):
    """What was sampled."""

    def __init__(self, samples: Sequence[SamplesSeen]) -> None:
        self._samples = samples

    def samples(self) -> Sequence[SamplesSeen]:
        return self._samples


@dataclass(frozen=True)
class Explained:
    """One trace with why it happened."""

    process: int
    """Position in `Snapshot.processes`."""
    record: TraceRecord
    causes: tuple[ev.Cause, ...]


@dataclass(frozen=True)
class Note:
    """What was recorded at a line of source."""

    retraces: int = 0
    graph_breaks: int = 0
    kernel_seconds: float = 0.0


class Signs(Protocol):
    """How each kind of note is marked."""

    @property
    def retrace(self) -> str: ...  # noqa: D102

    @property
    def graph_break(self) -> str: ...  # noqa: D102

    @property
    def kernels(self) -> str: ...  # noqa: D102


@dataclass(frozen=True)
class Snapshot:
    """All of a run."""

    summary: Summary | None = None
    """None while nothing could be read."""
    processes: tuple[ProcessSnapshot, ...] = ()
    errors: tuple[str, ...] = ()
    """What could not be read, each in a sentence."""
    read_at_ns: int = 0
    """Wall clock, since the epoch."""

    @property
    def run(self) -> RunInfo | None:
        """The run itself."""
        return self.summary.run if self.summary else None

    @property
    def is_live(self) -> bool:
        """Whether more may come: the run has not ended, as far as anybody knows."""
        if self.summary is None or self.summary.run.wall_ns is not None:
            return False
        return not self.processes or any(one.is_alive for one in self.processes)

    @property
    def functions(self) -> tuple[FunctionSummary, ...]:
        """The costliest first."""
        return self.summary.functions if self.summary else ()

    def function(self, key: str) -> FunctionSummary | None:
        """The one of a key; a resume function too."""
        return self._functions.get(key)

    @cached_property
    def _functions(self) -> dict[str, FunctionSummary]:
        return {key_of(one): one for one in self.summary.every_function()} if self.summary else {}

    def traces_of(self, key: str) -> list[tuple[int, TraceRecord]]:
        """(process, trace) of a function, by process, in the order of their start."""
        return self._traces.get(key, [])

    @cached_property
    def _traces(self) -> dict[str, list[tuple[int, TraceRecord]]]:
        found = defaultdict(list)
        for number, process in enumerate(self.processes):
            for record in process.all_traces:
                found[key_of(record.started.traceable)].append((number, record))
        return dict(found)

    def explained(self, key: str) -> list[Explained]:
        """The traces of a function, each with its causes. It may take a while where they are many."""
        if key not in self._explained:
            explainers: dict[int, Explainer] = {}
            made = []
            for number, record in self.traces_of(key):
                if number not in explainers:
                    explainers[number] = Explainer(self.processes[number].info.versions)
                made.append(Explained(number, record, explainers[number].next(record)))
            self._explained[key] = made
        return self._explained[key]

    @cached_property
    def _explained(self) -> dict[str, list[Explained]]:
        return {}

    def breaks_of(self, function: FunctionSummary) -> list[ev.GraphBreak]:
        """Where a function is cut in two: each place once."""
        names = {function.name} | {one.name for one in function.resumes}
        found: dict[tuple[str, int, str], ev.GraphBreak] = {}
        for process in self.processes:
            for one in process.breaks():
                inside = one.function.file == function.file and one.function.name in names
                if inside and (one.function.owner or one.function.line == function.line):
                    found.setdefault((one.frame.file, one.frame.line, one.kind), one)
        return list(found.values())

    def conversions_of(self, key: str) -> list[ev.Conversion]:
        """What AutoGraph did for the traces of a function: each piece of source once."""
        found: dict[tuple[str, int, str], ev.Conversion] = {}
        for number, records in self._numbers_of(key).items():
            function = self.function(key)
            for one in self.processes[number].conversions():
                is_own = function is not None and (one.file, one.line) == (function.file, function.line)
                if one.trace_id in records or is_own:
                    found.setdefault((one.file, one.line, one.function), one)
        return sorted(found.values(), key=lambda one: not is_user_file(one.file))

    def constructs_at(self, file: str) -> dict[int, str]:
        """Line of a file -> what AutoGraph has made of its `if`, `while` or `for`."""
        return {
            one.line: one.became
            for process in self.processes
            for one in process.constructs()
            if one.file == file
        }

    def _numbers_of(self, key: str) -> dict[int, set[int]]:
        found: dict[int, set[int]] = {number: set() for number in range(len(self.processes))}
        for number, record in self.traces_of(key):
            found[number].add(record.started.id)
        return found

    def notes(self) -> Mapping[str, Mapping[int, Note]]:
        """File -> line -> what was recorded there."""
        return self._notes

    @cached_property
    def _notes(self) -> dict[str, dict[int, Note]]:
        summary = self.summary
        if summary is None:
            return {}
        retraces: Counter[tuple[str, int]] = Counter()
        breaks: Counter[tuple[str, int]] = Counter()
        for function in summary.every_function():
            for cause in function.causes:
                retraces[cause.file, cause.line] += cause.count
            if function.retraces:
                retraces[function.file, function.line] = function.retraces
        for found in summary.graph_breaks:
            breaks[found.file, found.line] += found.count
        timed = summary.kernels.lines if summary.kernels else ()
        kernels = {(one.file, one.line): one.seconds for one in timed}
        notes: dict[str, dict[int, Note]] = {}
        for place in {**retraces, **breaks, **kernels}:
            file, line = place
            notes.setdefault(file, {})[line] = Note(retraces[place], breaks[place], kernels.get(place, 0.0))
        return notes


def key_of(function: FunctionSummary | ev.Traceable) -> str:
    """What `ShowFunction` calls a function."""
    return f"{function.framework.value}|{function.file}|{function.line}|{function.name}"


def every_trace(snapshot: Snapshot) -> Iterator[tuple[int, TraceRecord]]:
    """(process, trace) of all processes."""
    for number, process in enumerate(snapshot.processes):
        for record in process.all_traces:
            yield number, record


def badges(snapshot: Snapshot, signs: Signs) -> dict[str, dict[int, str]]:
    """File -> line -> what was recorded there, in few words."""
    found: dict[str, dict[int, str]] = {}
    for file, lines in snapshot.notes().items():
        for line, note in lines.items():
            words = [f"{signs.kernels} {milliseconds(note.kernel_seconds)}"] if note.kernel_seconds else []
            words += [f"{signs.retrace} {note.retraces}"] if note.retraces else []
            words += [f"{signs.graph_break} {note.graph_breaks}"] if note.graph_breaks else []
            found.setdefault(file, {})[line] = " ".join(words)
    return found

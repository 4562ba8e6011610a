"""What a run comes to: functions by cost, causes by group. Data only, ready to be shown.

It must not know how it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracedbg.events import CauseKind, Construct, Fault, Framework
    from tracedbg.explain.ledger import Ledger
    from tracedbg.explain.native import NativeSummary
    from tracedbg.explain.ops import OpSummary, SyncLine
    from tracedbg.explain.ranks.model import RanksDiffer
    from tracedbg.explain.steps_summary import StepSummary
    from tracedbg.store.records import ProcessInfo
    from tracedbg.store.run_info import RunInfo


@dataclass(frozen=True)
class CauseGroup:
    """All retraces of one function for one reason: the same kind, argument and user line."""

    kind: CauseKind
    argument: str
    before: str
    """In the first of them."""
    after: str
    """In the last of them."""
    file: str
    line: int
    count: int
    """How many retraces it had a part in; one retrace may have several causes."""
    seconds: float
    """Wall time of those retraces, what they traced on the way included."""
    message: str
    advice: str
    values: tuple[str, ...] = ()
    """The different values that it took, in their order."""
    settled: bool = False
    """Whether no other value of the argument can cause another retrace."""
    docs: str = ""
    """Where the documentation tells more."""


@dataclass(frozen=True)
class SilentEager:
    """Calls of the function run eager, and nobody was told."""

    kind: str
    reason: str
    since_call: int | None = None
    """The first call that ran eager, from 1; None where it is not known."""
    count: int = 1
    """How often the framework decided so."""
    advice: str = ""


@dataclass(frozen=True)
class CallCounts:
    """Calls of a function in all processes; None where they were not counted."""

    compiled: int | None = None
    eager: int | None = None


@dataclass(frozen=True)
class StaleGroup:
    """Traces were used although something that they were made from had changed."""

    kind: str
    name: str
    """As the user wrote it."""
    file: str
    line: int
    then: str
    """While tracing."""
    now: str
    """When the trace was used."""
    message: str
    advice: str


@dataclass(frozen=True)
class PhaseTime:
    """What one phase of tracing took, for itself."""

    name: str
    """One of `events.PHASES`."""
    seconds: float
    count: int
    """The traces that had it."""
    later: bool = False
    """After the trace: a backward that is compiled when it is first needed, a first run."""


@dataclass(frozen=True)
class FunctionSummary:
    """One function in all processes, with all its function objects."""

    framework: Framework
    name: str
    file: str
    line: int
    is_user: bool = True
    traces: int = 0
    """As the framework counts them: gradients, and traces that failed, are not among them."""
    retraces: int = 0
    """Those that a call caused although there was a trace already."""
    settled: int = 0
    """Of those: all their causes are settled."""
    seconds: float = 0.0
    """Wall time of its traces, what was traced on the way included."""
    self_seconds: float = 0.0
    """The same without what was traced on the way."""
    phases: tuple[PhaseTime, ...] = ()
    """In the order in which they happen; those that are not later add up to `self_seconds`."""
    caches: tuple[tuple[str, int], ...] = ()
    """Hits and misses of compiler caches: (`fx_graph_hit`, 3)."""
    graph_breaks: int = 0
    failed: int = 0
    """Traces that raised, or were given up."""
    objects: int = 0
    """Function objects of this code; 0 where there is no trace of them."""
    limit_hits: int = 0
    """How often the framework reached its limit of traces."""
    calls: CallCounts = field(default_factory=CallCounts)
    silent_eager: SilentEager | None = None
    stale: tuple[StaleGroup, ...] = ()
    """By file and line."""
    causes: tuple[CauseGroup, ...] = ()
    kernel_seconds: float | None = None
    """Of the kernels of it and of what it calls, while kernels were timed; None where none were."""
    resumes: tuple[FunctionSummary, ...] = ()
    """What is left of the function after each graph break; their numbers are their own."""


@dataclass(frozen=True)
class BreakGroup:
    """One place where compiled code is cut in two; `count` is how many compiles met it."""

    code: str
    kind: str
    reason: str
    file: str
    line: int
    function: str
    count: int
    ran_eager: str = ""


@dataclass(frozen=True)
class ConversionSummary:
    """AutoGraph's work on one function."""

    function: str
    file: str
    line: int
    seconds: float
    constructs: tuple[Construct, ...] = ()
    """Each `if`, `while` and `for`, by line, with what it became."""
    failure: str = ""


@dataclass(frozen=True)
class KernelWindow:
    """A stretch of the run in which kernels were timed, in one process."""

    profiler: str
    """`torch`, `tensorflow`."""
    device: str
    """`cpu`, `cuda:0`; empty where nothing was seen."""
    is_host: bool
    """Whether it is ops of the CPU that were timed, as there was no other device."""
    seconds: float
    kernel_seconds: float
    kernels: int
    steps: int
    dropped: int = 0
    note: str = ""
    """Why it is less than was asked for."""


@dataclass(frozen=True)
class KernelLine:
    """The kernels of one line."""

    file: str
    line: int
    function: str
    seconds: float
    kernels: int
    backward_seconds: float
    """Of those that belong to the line's backward pass."""
    shared_seconds: float
    """Of kernels that were fused from several lines, and are split evenly between them."""


@dataclass(frozen=True)
class KernelRest:
    """Kernels that lead to no line of the user's."""

    whose: str
    """How far they could be followed: `library`, `op`, `launch`, `before`."""
    name: str
    """Of the op, or the kernel."""
    seconds: float
    kernels: int


@dataclass(frozen=True)
class KernelSummary:
    """Where the time of kernels went; the costliest lines first."""

    windows: tuple[KernelWindow, ...]
    seconds: float
    """Of all kernels."""
    lines: tuple[KernelLine, ...] = ()
    rest: tuple[KernelRest, ...] = ()

    @property
    def on_lines(self) -> float:
        """The share of the time that leads to a line."""
        return sum(line.seconds for line in self.lines) / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class Summary:
    """A run, explained. Everything is sorted: the costliest first."""

    run: RunInfo
    processes: tuple[ProcessInfo, ...]
    functions: tuple[FunctionSummary, ...] = ()
    graph_breaks: tuple[BreakGroup, ...] = ()
    conversions: tuple[ConversionSummary, ...] = ()
    faults: tuple[Fault, ...] = ()
    kernels: KernelSummary | None = None
    """None where no kernels were timed."""
    ops: OpSummary | None = None
    """None where no ops were recorded."""
    syncs: tuple[SyncLine, ...] = ()
    """Lines where the host waits for the device, or that copy without being asked to."""
    native: NativeSummary | None = None
    """Native functions by line; None where they were not asked for."""
    ledgers: tuple[Ledger, ...] = ()
    """Where the wall time went, for each process that was sampled; the main one first."""
    steps: tuple[StepSummary, ...] = ()
    """Steps of eager code, where ops were recorded."""
    ranks: tuple[RanksDiffer, ...] = ()
    """Functions that the ranks of a distributed run have not traced equally often."""
    dropped: dict[str, int] = field(default_factory=dict)
    """Kind of event -> how many were counted but not kept."""
    process_traces: tuple[int, ...] = ()
    """How many traces each process has made, in the order of `processes`."""

    @property
    def traces(self) -> int:
        """Of all functions together, resume functions too."""
        return sum(function.traces for function in self.every_function())

    @property
    def retraces(self) -> int:
        """Of all functions together, resume functions too."""
        return sum(function.retraces for function in self.every_function())

    @property
    def seconds(self) -> float:
        """Wall time of all traces; nothing is counted twice."""
        return sum(function.self_seconds for function in self.every_function())

    def every_function(self) -> Iterator[FunctionSummary]:
        """The functions, each followed by its resume functions."""
        for function in self.functions:
            yield function
            yield from function.resumes

"""Recordings made by hand: events with sensible defaults, and a run that gives them back."""

from __future__ import annotations

from dataclasses import dataclass, field

from tracedbg import events as ev
from tracedbg import ran as told
from tracedbg.kernels import KernelsSeen
from tracedbg.store.codec import pack_sites
from tracedbg.store.records import PackedGraph, ProcessInfo, Tally, TraceRecord
from tracedbg.store.run_info import RunInfo

FILE = "/home/me/train.py"
CALL = ev.Frame(FILE, 30, "main")


def tensor(*shape, dtype="float32", **more):
    return ev.TensorSpec(dtype, shape, **more)


def value(thing):
    return ev.ValueSpec(type(thing).__name__, repr(thing))


def a_list(*items):
    return ev.SequenceSpec("list", items)


def a_dict(**items):
    return ev.MappingSpec("dict", tuple(map(repr, items)), tuple(items.values()))


def a_record(kind, **items):
    return ev.MappingSpec(kind, tuple(items), tuple(items.values()), is_record=True)


def signature(context=(), **arguments):
    return ev.Signature(tuple(arguments.items()), context)


def function(name="step", line=10, framework=ev.Framework.TF_FUNCTION, **more):
    return ev.Traceable(framework, name, more.pop("file", FILE), line, **more)


class Timeline:
    """Makes traces one after the other: each takes 10 ms, and begins 100 ms after the last one."""

    def __init__(self):
        self.count = 0

    def trace(
        self,
        of=None,
        signature=None,
        *,
        outcome=ev.Outcome.COMPILED,
        ended=True,
        traced_signature=None,
        start_ms=None,
        took_ms=10,
        **more,
    ):
        self.count += 1
        start_ns = (100 * self.count if start_ms is None else start_ms) * 1_000_000
        more.setdefault("call_stack", (CALL,))
        started = ev.TraceStarted(
            self.count, of or function(), start_ns, thread_id=1, signature=signature, **more
        )
        if not ended:
            return TraceRecord(started)
        end_ns = start_ns + took_ms * 1_000_000
        end = ev.TraceEnded(self.count, end_ns, outcome, traced_signature=traced_signature)
        return TraceRecord(started, end)


PROCESS = ProcessInfo(
    pid=7,
    ppid=1,
    argv=("train.py",),
    host="box",
    python="3.11.7",
    started_wall_ns=1_700_000_000_000_000_000,
    versions={"tensorflow": "2.21.0"},
)
RUN = RunInfo(
    id="20231114-221320-ab12",
    argv=("train.py", "--lr", "0.1"),
    started_wall_ns=1_700_000_000_000_000_000,
    exit_code=0,
    wall_ns=4_000_000_000,
    tracedbg="0.1",
    cwd="/home/me",
)


@dataclass
class Ran:
    """What ran in one process."""

    all_ops: list[told.OpsSeen] = field(default_factory=list)
    all_op_rows: list[told.OpRows] = field(default_factory=list)
    all_step_graphs: list[told.StepGraph] = field(default_factory=list)
    all_steps: list[told.StepsSeen] = field(default_factory=list)
    all_samples: list[told.SamplesSeen] = field(default_factory=list)
    all_stays: list[told.Stayed] = field(default_factory=list)

    def ops(self):
        return self.all_ops

    def op_rows(self):
        return iter(self.all_op_rows)

    def step_graphs(self):
        return self.all_step_graphs

    def steps(self):
        return self.all_steps

    def samples(self):
        return self.all_samples

    def stays(self):
        return self.all_stays


@dataclass
class Process:
    """One process' recording."""

    all_traces: list[TraceRecord] = field(default_factory=list)
    info: ProcessInfo = PROCESS
    all_breaks: list[ev.GraphBreak] = field(default_factory=list)
    all_conversions: list[ev.Conversion] = field(default_factory=list)
    all_constructs: list[ev.Construct] = field(default_factory=list)
    all_fallbacks: list[ev.Fallback] = field(default_factory=list)
    all_calls: list[ev.Calls] = field(default_factory=list)
    all_stale: list[ev.Stale] = field(default_factory=list)
    all_faults: list[ev.Fault] = field(default_factory=list)
    all_kernel_windows: list[KernelsSeen] = field(default_factory=list)
    all_tallies: list[Tally] = field(default_factory=list)
    all_dropped: dict[str, int] = field(default_factory=dict)
    all_graphs: list[ev.GraphMade] = field(default_factory=list)
    ran: Ran = field(default_factory=Ran)

    def traces(self):
        return self.all_traces

    def packed_graphs(self):
        return [PackedGraph(made.trace_id, made.stage, pack_sites(made.sites)) for made in self.all_graphs]

    def breaks(self):
        return self.all_breaks

    def conversions(self):
        return self.all_conversions

    def constructs(self):
        return self.all_constructs

    def fallbacks(self):
        return self.all_fallbacks

    def calls(self):
        return self.all_calls

    def stale(self):
        return self.all_stale

    def faults(self):
        return self.all_faults

    def kernel_windows(self):
        return self.all_kernel_windows

    def tallies(self):
        return self.all_tallies

    def dropped(self):
        return self.all_dropped


class Run:
    """A run of some processes."""

    def __init__(self, *processes, info=RUN):
        self.processes = list(processes)
        self.info = info

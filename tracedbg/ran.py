"""What ran, and where the time went: a part of the vocabulary, beside `events`.

Ops that were executed, the graphs that steps of eager code built, samples of the program's threads. All
of it is told as *totals*, again and again: what is new since the last time. So neither memory nor a
recording grows with the number of executions; single executions are told for a window alone.

Frozen data only. It must not know frameworks, clocks or storage.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tracedbg.events import Frame, OpSite, Traceable


# --- ops ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class OpKind:
    """What executions of one op have in common.

    Two are the same only if they are one object: to compare them would cost more than an op.
    """

    framework: str
    """The package: `torch`, `tensorflow`."""
    name: str
    """As the framework has it: `aten::mm`, `MatMul`."""
    inputs: str = ""
    """Shapes and dtypes in words: `float32[32, 64], float32[64]`; empty where they were not looked at."""
    stack: tuple[Frame, ...] = ()
    """The user's frames; for a backward op those of its forward. Empty where none is known."""
    is_backward: bool = False
    is_traced: bool = False
    """Whether a compiled graph ran it, and not the user's Python."""
    is_outer: bool = True
    """Whether no other op called it: the durations of outer ops add up to the time in ops."""
    sync: str = ""
    """What makes the host wait for the device, or copies without being asked to; one of `SYNCS`, or empty."""


SYNCS = {
    "item": "a tensor becomes a Python number",
    "bool": "a tensor decides a Python condition",
    "tolist": "a tensor becomes a list of Python numbers",
    "nonzero": "the shape of the result is known only when the values are",
    "mask": "indexing by a boolean mask: its shape is known only when the values are",
    "cpu": "a copy to the host",
    "numpy": "a tensor becomes a NumPy array",
    "equal": "two tensors become a Python bool",
    "unique": "the shape of the result is known only when the values are",
    "copy": "a copy that was not asked for",
}
"""The values of `OpKind.sync`, and what each says."""


@dataclass(frozen=True)
class OpTotal:
    """Executions of one kind in one thread."""

    kind: OpKind
    thread_id: int
    count: int
    duration_ns: int
    self_ns: int
    """Without the ops that it called: these add up over all kinds."""
    longest_ns: int


@dataclass(frozen=True)
class OpColumns(Sequence[OpTotal]):
    """Totals as columns: where they are told many times a second, an object for each would cost the most."""

    kinds: Sequence[OpKind] | Mapping[int, OpKind]
    """By their numbers; there may be others."""
    kind: array[int]
    """Numbers of `kinds`."""
    thread_id: array[int]
    counts: array[int]
    duration_ns: array[int]
    self_ns: array[int]
    longest_ns: array[int]

    def __len__(self) -> int:
        return len(self.kind)

    @overload
    def __getitem__(self, at: int) -> OpTotal: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[OpTotal]: ...

    def __getitem__(self, at: int | slice) -> OpTotal | Sequence[OpTotal]:
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(len(self)))]
        return OpTotal(
            self.kinds[self.kind[at]],
            self.thread_id[at],
            self.counts[at],
            self.duration_ns[at],
            self.self_ns[at],
            self.longest_ns[at],
        )


@dataclass(frozen=True)
class OpRows:
    """Single executions: one row each, in the order of their starts within a thread."""

    kinds: tuple[OpKind, ...] = ()
    kind: array[int] = field(default_factory=lambda: array("I"))
    """Numbers of `kinds`."""
    thread_id: array[int] = field(default_factory=lambda: array("q"))
    start_ns: array[int] = field(default_factory=lambda: array("q"))
    duration_ns: array[int] = field(default_factory=lambda: array("q"))

    def __len__(self) -> int:
        return len(self.kind)


@dataclass(frozen=True)
class OpsSeen:
    """An event: the ops that were executed since the last such event of the same observer."""

    observer: str
    """How they were seen: `RecordFunction`, `torch.profiler`, `fast path`."""
    totals: Sequence[OpTotal] = ()
    rows: OpRows | None = None
    """Those of them that were in the window; None where there are none."""
    left_out: int = 0
    """Executions in the window that the bound left no room for: they are in the totals alone."""
    note: str = ""
    """Why it is less than was asked for; empty where it is not."""


# --- the graphs of steps ----------------------------------------------------------------------


@dataclass(frozen=True)
class StepGraph:
    """An event: a step of eager code built a graph that no earlier step of the function had built."""

    function: Traceable
    """Of the framework `autograd`: who called `backward`, opened the tape, or called the model."""
    kind: str
    """`autograd`, `tape` (of TensorFlow), `sequence` (no gradients: the ops in their order)."""
    fingerprint: str
    """Equal for two steps exactly if their graphs are."""
    sites: tuple[OpSite, ...]
    """In the order of the forward; `inputs` name the sites that they come from."""
    step: int
    """The first step that built it, from 1."""
    time_ns: int
    left_out: int = 0
    """Sites that there was no room for."""


@dataclass(frozen=True)
class StepChange:
    """Steps that built another graph than the step before."""

    before: str
    """A fingerprint."""
    after: str
    count: int
    step: int
    """The first of them."""


@dataclass(frozen=True)
class StepLine:
    """What one line of the forward cost the backward."""

    frame: Frame
    nodes: int
    """Of the graph, in all counted steps together."""
    backward_ns: int
    saved_bytes: int
    """Kept for the backward by one step, each storage once; the most that was seen."""


@dataclass(frozen=True)
class StepsSeen:
    """An event: steps of one function since the last such event."""

    function: Traceable
    kind: str
    """As `StepGraph.kind`."""
    steps: int
    """All of them."""
    looked_at: int
    """Those whose graph was compared with the one before."""
    changes: tuple[StepChange, ...] = ()
    lines: tuple[StepLine, ...] = ()


# --- samples ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class SampleTotal:
    """Time that one thread spent in one place, doing one kind of thing."""

    stack: tuple[Frame, ...]
    """The user's frames; empty where there are none."""
    activity: str
    """A value of `activities.Activity`."""
    phase: str
    """What it was more closely (`dynamo`, `autograph`); empty where that is not known."""
    thread_id: int
    is_main: bool
    count: int
    wall_ns: int
    cpu_ns: int


@dataclass(frozen=True)
class SamplesSeen:
    """An event: what the sampler saw in a stretch of the run."""

    rate_hz: int
    start_ns: int
    end_ns: int
    """The totals of the main thread add up to the stretch."""
    own_ns: int
    """CPU time that the sampler itself took."""
    totals: tuple[SampleTotal, ...] = ()


@dataclass(frozen=True)
class Stayed:
    """An event: the main thread of a rank was in one place for long, by its samples.

    Told again, with a later end, while it goes on.
    """

    stack: tuple[Frame, ...]
    """The user's frames; empty where there are none."""
    activity: str
    """A value of `activities.Activity`: what it did for the most part."""
    phase: str
    start_ns: int
    """Tells it from others."""
    end_ns: int
    cpu_ns: int
    """Of the thread in that time: next to none where it waited."""

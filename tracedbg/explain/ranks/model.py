"""How the ranks of a run differ in what they traced. Data only, ready to be shown.

It must not know how it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracedbg.events import Cause, Framework
    from tracedbg.store.run_info import RunInfo

ODD = {
    "alone": "some ranks traced what others did not",
    "apart": "all ranks traced it, but not at the same time: each kept the others waiting",
    "slow": "all ranks traced it, and some took much longer",
    "outcome": "all ranks traced it, with another result on some",
}
"""The values of `OddTrace.kind`, and what each says."""


@dataclass(frozen=True)
class RankFunctionKey:
    """A function that is traced."""

    framework: Framework
    name: str
    file: str
    line: int
    owner: str = ""
    """Of what is left of a function after a graph break: the function."""


@dataclass(frozen=True)
class RankValues:
    """What some ranks have traced a function for, as to one argument."""

    ranks: tuple[int, ...]
    values: tuple[str, ...]
    """Empty where nobody knows."""


@dataclass(frozen=True)
class RankInput:
    """An argument that no other rank has traced the function for, and that no cause names."""

    argument: str
    value: str
    others: tuple[RankValues, ...]


@dataclass(frozen=True)
class RankCause:
    """One reason of an odd trace: the input that tells the ranks apart."""

    cause: Cause
    others: tuple[RankValues, ...] = ()
    """The same argument on the other ranks, in the traces that they had by then."""


@dataclass(frozen=True)
class RankWait:
    """Where other ranks were in the meantime, by their samples."""

    ranks: tuple[int, ...]
    file: str
    """Empty where there is no line of the user's."""
    line: int
    function: str
    activity: str
    """A value of `activities.Activity`."""
    phase: str
    """`collective`, `autograd`, ...; empty where that is not known."""
    seconds: float
    """Of the rank that waited longest there."""


@dataclass(frozen=True)
class OddTrace:
    """A trace that not all ranks made, or not in the same way, or not at the same time."""

    kind: str
    """One of `ODD`."""
    function: RankFunctionKey
    number: int
    """Among the traces of the function on the first of its ranks, from 1."""
    ranks: tuple[int, ...]
    others: tuple[int, ...]
    """The ranks that it is compared with: those that were there at the time."""
    file: str
    """The line that called the function."""
    line: int
    caller: str
    started_s: float
    """Since the run's start; the earliest of its ranks."""
    seconds: float
    """The longest of its ranks; so far, where it never ended."""
    others_seconds: float
    """The longest of the others; 0 where they made no such trace."""
    under_way: tuple[int, ...]
    """Those of its ranks whose recording ends in it."""
    causes: tuple[RankCause, ...]
    waits: tuple[RankWait, ...] = ()
    """The longest first."""
    waited_s: tuple[float, float] | None = None
    """How long each of the others waited meanwhile: the least and the most; None where none was sampled."""
    is_cut: bool = False
    """Whether what is known of the waits ends before the trace does."""
    outcome: str = ""
    """How it ended: compiled, eager, failed."""
    others_outcome: str = ""
    caches: tuple[str, ...] = ()
    """What compiler caches said on its ranks, and not on the others: `fx_graph_miss`."""
    others_caches: tuple[str, ...] = ()
    inputs: tuple[RankInput, ...] = ()
    """Further arguments that are none of what the other ranks have traced the function for."""
    is_again: bool = False
    """Whether its rank had traced the function before, and nothing was left to compare the call with."""
    inside: int = 0
    """Traces of other functions that were made on the way."""
    advice: str = ""


@dataclass(frozen=True)
class RankCounts:
    """Ranks that have traced a function equally often."""

    ranks: tuple[int, ...]
    traces: int
    seconds: float
    """Of the rank that it took longest."""


@dataclass(frozen=True)
class RankFunction:
    """A function that not all ranks have traced alike: the most ranks first."""

    function: RankFunctionKey
    counts: tuple[RankCounts, ...]


@dataclass(frozen=True)
class RanksDiffer:
    """A function that the ranks of one generation have not traced equally often."""

    generation: int
    function: RankFunctionKey
    counts: tuple[RankCounts, ...]
    """The most ranks first."""


@dataclass(frozen=True)
class RankGraph:
    """The same trace came to another graph on some ranks."""

    function: RankFunctionKey
    number: int
    ranks: tuple[int, ...]
    others: tuple[int, ...]
    kind: str
    """One of `graph_difference.KINDS`."""
    node: int
    """The first that differs, from 0; inputs do not count."""
    file: str
    """The line of what decides."""
    line: int
    message: str
    """Of the others' graph first."""


@dataclass(frozen=True)
class Generation:
    """The ranks that were started together."""

    number: int
    """How often the launcher had started them before."""
    ranks: tuple[int, ...]
    world_size: int | None
    ended: tuple[int, ...]
    """Ranks whose recording was not closed: killed, or still running."""
    functions: tuple[RankFunction, ...]
    """Those that were not traced alike."""
    odd: tuple[OddTrace, ...]
    """By the time at which they began."""
    graphs: tuple[RankGraph, ...]
    shared_functions: int
    """Functions that all ranks have traced alike."""
    shared_traces: int
    """Traces that all ranks have made, each counted once."""

    @property
    def is_alike(self) -> bool:
        """Whether the ranks do not differ."""
        return not (self.functions or self.odd or self.graphs)

    @property
    def missing(self) -> tuple[int, ...]:
        """Ranks that nothing is recorded of."""
        return tuple(rank for rank in range(self.world_size or 0) if rank not in set(self.ranks))


@dataclass(frozen=True)
class RankReport:
    """How the ranks of a run differ."""

    run: RunInfo
    generations: tuple[Generation, ...]

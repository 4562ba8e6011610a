"""What one rank has traced and when: brought down to what is compared with other ranks.

A run may have a thousand ranks: recordings are read one after the other, and equal graphs are kept once.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from tracedbg.activities import Activity
from tracedbg.events import Outcome
from tracedbg.explain.causes import CALLED, Explainer
from tracedbg.explain.conditions import spoken
from tracedbg.explain.ranks.model import RankFunctionKey
from tracedbg.explain.signatures import parts
from tracedbg.explain.wording import describe

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tracedbg.events import Cause, Frame, TraceStarted
    from tracedbg.explain.recorded import Ran
    from tracedbg.ran import Stayed
    from tracedbg.store.records import PackedGraph, ProcessInfo, TraceRecord

_COMPARED = ("dynamo", "func_graph", "torchscript")
"""The stages whose graphs are laid beside each other."""
_LOST_NS = 1_000_000_000
"""Samples are told twice a second; so much may be missing of a rank that was killed."""
_WAITS = 0.5
"""The share of CPU time below which a stay is a wait."""

Label = tuple[tuple[str, str, str], ...]
"""Kind, argument and new value of each cause: traces of the same label are the same one."""


class Recording(Protocol):
    """What was recorded of one process."""

    @property
    def info(self) -> ProcessInfo: ...  # noqa: D102

    @property
    def ran(self) -> Ran: ...  # noqa: D102

    def traces(self) -> Sequence[TraceRecord]: ...  # noqa: D102

    def packed_graphs(self) -> Iterable[PackedGraph]: ...  # noqa: D102


@dataclass(frozen=True)
class RankTrace:
    """One trace of one rank. Times are of the wall clock."""

    rank: int
    key: tuple[int, int]
    """Tells it from others of its rank: the process, and the trace in it."""
    parent: tuple[int, int] | None
    function: RankFunctionKey
    number: int
    start_ns: int
    end_ns: int | None
    outcome: str
    caller: Frame | None
    causes: tuple[Cause, ...]
    label: Label
    values: Mapping[str, str]
    """Argument -> what it was."""
    caches: frozenset[str]
    graph: str
    """The digest of its graph; empty where none was kept."""

    @property
    def coarse(self) -> tuple[tuple[str, str], ...]:
        """The label without the values."""
        return tuple((kind, argument) for kind, argument, _ in self.label)


@dataclass(frozen=True)
class Wait:
    """A stay of the main thread that was a wait. Times are of the wall clock."""

    start_ns: int
    end_ns: int
    stayed: Stayed


@dataclass
class Rank:
    """One rank of one generation: mostly one process; several, where it has called `os.exec`."""

    rank: int
    generation: int
    world_size: int | None = None
    is_closed: bool = True
    is_sampled: bool = False
    start_ns: int = 0
    end_ns: int = 0
    """The last moment of which anything is known."""
    traces: list[RankTrace] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)

    def was_there(self, time_ns: int) -> bool:
        """Whether it was running then, as far as is known: of a killed rank the last samples are lost."""
        if self.is_closed:
            return time_ns <= self.end_ns
        return not self.is_sampled or time_ns <= self.end_ns + _LOST_NS


class Ranks:
    """Takes in one process after the other."""

    def __init__(self) -> None:
        self.ranks: dict[tuple[int, int], Rank] = {}
        """By generation and rank."""
        self.graphs: dict[str, tuple[bytes, ...]] = {}
        """By digest, packed."""
        self._count = 0

    def add(self, process: Recording) -> None:
        """One process; of those that are no rank themselves nothing is taken."""
        info = process.info
        if info.rank is None or not info.is_rank:
            return
        self._count += 1
        generation = info.generation or 0
        rank = self.ranks.setdefault((generation, info.rank), Rank(info.rank, generation))
        rank.world_size = info.world_size
        rank.is_closed = info.stopped_ns is not None
        rank.start_ns = min(rank.start_ns or info.started_wall_ns, info.started_wall_ns)
        last_ns = info.stopped_ns or 0
        last_ns = max(last_ns, self._add_traces(rank, process), _add_waits(rank, process))
        rank.end_ns = max(rank.end_ns, info.started_wall_ns + last_ns)

    def _add_traces(self, rank: Rank, process: Recording) -> int:
        """Take in the traces.

        Returns:
            The last moment of them.
        """
        info, last_ns = process.info, 0
        explainer = Explainer(info.versions)
        graphs = self._graphs(process)
        counts: dict[RankFunctionKey, int] = {}
        for trace in rank.traces:
            counts[trace.function] = max(trace.number, counts.get(trace.function, 0))
        for record in process.traces():
            started, ended = record.started, record.ended
            last_ns = max(last_ns, started.start_ns, ended.end_ns if ended else 0)
            causes = explainer.next(record)
            if started.role not in CALLED:
                continue
            of = started.traceable
            function = RankFunctionKey(of.framework, of.name, of.file, of.line, of.owner)
            counts[function] = counts.get(function, 0) + 1
            hits = ended.cache_hits if ended else ()
            rank.traces.append(
                RankTrace(
                    rank=rank.rank,
                    key=(self._count, started.id),
                    parent=None if started.parent_id is None else (self._count, started.parent_id),
                    function=function,
                    number=counts[function],
                    start_ns=info.started_wall_ns + started.start_ns,
                    end_ns=info.started_wall_ns + ended.end_ns if ended else None,
                    outcome=(ended.outcome if ended else Outcome.COMPILED).value,
                    caller=started.call_stack[0] if started.call_stack else None,
                    causes=causes,
                    label=tuple((cause.kind.value, cause.argument, cause.after) for cause in causes),
                    values=_values(started),
                    caches=frozenset(name for name, count in hits if count),
                    graph=graphs.get(started.id, ""),
                )
            )
        return last_ns

    def _graphs(self, process: Recording) -> dict[int, str]:
        found: dict[int, list[bytes]] = {}
        for graph in process.packed_graphs():
            if graph.stage in _COMPARED:
                found.setdefault(graph.trace_id, []).append(graph.sites)
        digests = {}
        for number, packed in found.items():
            digest = hashlib.blake2b(b"|".join(packed), digest_size=16).hexdigest()
            self.graphs.setdefault(digest, tuple(packed))
            digests[number] = digest
        return digests


def _values(started: TraceStarted) -> dict[str, str]:
    if started.signature is not None:
        return {path: describe(spec) for path, spec in parts(started.signature)}
    return {spoken(source): text for source, text in started.inputs}


def _add_waits(rank: Rank, process: Recording) -> int:
    """Take in where it waited.

    Returns:
        The last moment that was sampled.
    """
    zero_ns = process.info.started_wall_ns
    stretches = process.ran.samples()
    rank.is_sampled |= bool(stretches)
    stays = process.ran.stays()
    rank.waits += [
        Wait(zero_ns + stayed.start_ns, zero_ns + stayed.end_ns, stayed)
        for stayed in stays
        if _is_wait(stayed)
    ]
    return max([0, *(one.end_ns for one in stretches), *(one.end_ns for one in stays)])


def _is_wait(stayed: Stayed) -> bool:
    if stayed.phase == "collective" or stayed.activity == Activity.WAITING.value:
        return True
    return stayed.cpu_ns < _WAITS * (stayed.end_ns - stayed.start_ns)

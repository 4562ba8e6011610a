"""Lays the ranks of a run beside each other: what some traced and others did not, why, and who waited.

It reads what the store gives back, by the shape of `Recording` alone, one process after the other.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from statistics import median_low
from typing import TYPE_CHECKING, TypeAlias

from tracedbg.events import CauseKind, Framework
from tracedbg.explain.ranks.advice import advise
from tracedbg.explain.ranks.columns import columns
from tracedbg.explain.ranks.graphs import graph_differences
from tracedbg.explain.ranks.model import (
    Generation,
    OddTrace,
    RankCause,
    RankCounts,
    RankFunction,
    RankGraph,
    RankInput,
    RankReport,
    RankValues,
)
from tracedbg.explain.ranks.traces import Ranks
from tracedbg.explain.ranks.waits import NOTICEABLE_S, NS, waited

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from tracedbg.explain.ranks.columns import Column
    from tracedbg.explain.ranks.model import RankFunctionKey
    from tracedbg.explain.ranks.traces import Rank, RankTrace, Recording
    from tracedbg.explain.spans import Span
    from tracedbg.store.run_info import RunInfo

SLOW_TIMES = 2
"""So many times the median, and `SLOW_S` more, make a trace a slow one."""
SLOW_S = 0.5
MAX_CAUSES = 5
MAX_INPUTS = 5

_Key: TypeAlias = "tuple[int, tuple[int, int]]"
"""The rank of a trace, and its key there."""


def compare_ranks(run: RunInfo, processes: Iterable[Recording]) -> RankReport:
    """How the ranks differ, generation by generation.

    Args:
        run: the run as a whole.
        processes: its processes; each is read once, and not kept.
    """
    ranks = Ranks()
    for process in processes:
        ranks.add(process)
    generations: defaultdict[int, dict[int, Rank]] = defaultdict(dict)
    for (generation, number), rank in sorted(ranks.ranks.items()):
        generations[generation][number] = rank
    return RankReport(
        run, tuple(_Generation(run, found, ranks.graphs).done() for _, found in sorted(generations.items()))
    )


class _Generation:
    """Ranks that were started together."""

    def __init__(self, run: RunInfo, ranks: dict[int, Rank], graphs: dict[str, tuple[bytes, ...]]) -> None:
        self._run = run
        self._ranks = ranks
        self._graphs = graphs
        self._parents: dict[_Key, _Key] = {
            (trace.rank, trace.key): (trace.rank, trace.parent)
            for rank in ranks.values()
            for trace in rank.traces
            if trace.parent is not None
        }
        self._alone: set[_Key] = set()
        """The traces that not all ranks made."""
        self._odd: list[OddTrace] = []
        self._differ: list[RankGraph] = []
        self._functions: list[RankFunction] = []
        self._shared_functions = self._shared_traces = 0

    def done(self) -> Generation:
        """All together."""
        traces = self._by_function()
        found = {function: columns(made) for function, made in traces.items()}
        self._alone = {
            (trace.rank, trace.key)
            for made in found.values()
            for column in made
            if self._without(column)
            for trace in column.traces
        }
        for function, made in found.items():
            are_alike = [self._is_alike(column) for column in made]  # each is looked at
            if all(are_alike):
                self._shared_functions += 1
            else:
                self._functions.append(RankFunction(function, _counts(traces[function])))
        first = next(iter(self._ranks.values()))
        return Generation(
            number=first.generation,
            ranks=tuple(self._ranks),
            world_size=first.world_size,
            ended=tuple(number for number, rank in self._ranks.items() if not rank.is_closed),
            functions=tuple(self._functions),
            odd=tuple(
                sorted(self._odd, key=lambda one: (one.started_s, one.function.file, one.function.line))
            ),
            graphs=tuple(self._differ),
            shared_functions=self._shared_functions,
            shared_traces=self._shared_traces,
        )

    def _by_function(self) -> dict[RankFunctionKey, dict[int, list[RankTrace]]]:
        found: dict[RankFunctionKey, dict[int, list[RankTrace]]] = {}
        for rank in self._ranks.values():
            for trace in rank.traces:
                every = found.setdefault(trace.function, {number: [] for number in self._ranks})
                every[rank.rank].append(trace)
        return found

    def _is_alike(self, column: Column) -> bool:
        """Note in what the ranks differ; whether they do not."""
        others = self._without(column)
        if others:
            if not all(self._is_inside(trace, self._alone) for trace in column.traces):
                self._odd.append(self._odd_trace("alone", column, list(column.by_rank), others))
            return False
        self._shared_traces += 1
        graphs, unequal = list(graph_differences(column, self._graphs)), list(self._unequal(column))
        self._differ += graphs
        self._odd += unequal
        return not (graphs or unequal)

    def _without(self, column: Column) -> list[int]:
        """The ranks that were there when the trace was made, and did not make it."""
        start_ns = column.start_ns
        return [
            number
            for number, rank in self._ranks.items()
            if number not in column.by_rank and rank.was_there(start_ns)
        ]

    def _is_inside(self, trace: RankTrace, keys: Collection[_Key]) -> bool:
        at = self._parents.get((trace.rank, trace.key))
        while at is not None and at not in keys:
            at = self._parents.get(at)
        return at is not None

    # --- all ranks made it, and not alike ------------------------------------------------------

    def _unequal(self, column: Column) -> Iterator[OddTrace]:
        outcomes: defaultdict[str, list[int]] = defaultdict(list)
        for trace in column.traces:
            if trace.end_ns is not None:
                outcomes[trace.outcome].append(trace.rank)
        usual = max(outcomes, key=lambda outcome: len(outcomes[outcome]), default="")
        for outcome, ranks in outcomes.items():
            if outcome != usual:
                yield self._odd_trace("outcome", column, ranks, outcomes[usual])
        slow = self._slow(column)
        clusters = [slow] if slow else self._clusters(column)
        for ranks in clusters:
            others = [number for number in sorted(column.by_rank) if number not in ranks]
            found = self._odd_trace("slow" if slow else "apart", column, ranks, others)
            if slow or (found.waited_s is not None and found.waited_s[1] >= NOTICEABLE_S):
                yield found

    def _slow(self, column: Column) -> list[int]:
        spent = {rank: self._end_ns(trace) - trace.start_ns for rank, trace in column.by_rank.items()}
        bound = SLOW_TIMES * median_low(spent.values()) + SLOW_S * NS
        return [rank for rank, ns in sorted(spent.items()) if ns > bound]

    def _clusters(self, column: Column) -> list[list[int]]:
        """Ranks that made it at another time than most; none where all did at one time."""
        found: list[list[int]] = []
        until_ns = 0
        for trace in sorted(column.traces, key=lambda one: one.start_ns):
            if not found or trace.start_ns > until_ns:
                found.append([])
            found[-1].append(trace.rank)
            until_ns = max(until_ns, self._end_ns(trace))
        # Of a few that were early or late and a thousand that were not, the few are told.
        return [sorted(ranks) for ranks in found if 2 * len(ranks) <= len(column.by_rank)]

    def _end_ns(self, trace: RankTrace) -> int:
        """Its end; of one that never ended the last moment that is known of its rank."""
        return max(self._ranks[trace.rank].end_ns, trace.start_ns) if trace.end_ns is None else trace.end_ns

    # --- what is told of it ----------------------------------------------------------------------

    def _odd_trace(self, kind: str, column: Column, ranks: Sequence[int], others: Sequence[int]) -> OddTrace:
        traces = [column.by_rank[number] for number in sorted(ranks)]
        theirs = [column.by_rank[number] for number in others if number in column.by_rank]
        first = min(traces, key=lambda trace: (trace.start_ns, trace.rank))
        spans = [(trace.start_ns, self._end_ns(trace)) for trace in traces]
        meanwhile = waited([self._ranks[number] for number in others], spans)
        caches = frozenset(name for trace in traces for name in trace.caches)
        others_caches = frozenset(name for trace in theirs for name in trace.caches)
        place = first.caller
        return OddTrace(
            kind=kind,
            function=first.function,
            number=first.number,
            ranks=tuple(trace.rank for trace in traces),
            others=tuple(others),
            file=place.file if place else first.function.file,
            line=place.line if place else first.function.line,
            caller=place.function if place else "",
            started_s=(first.start_ns - self._run.started_wall_ns) / NS,
            seconds=max(end_ns - start_ns for start_ns, end_ns in spans) / NS,
            others_seconds=max((self._end_ns(one) - one.start_ns for one in theirs), default=0) / NS,
            under_way=tuple(trace.rank for trace in traces if trace.end_ns is None),
            causes=tuple(self._cause(first, number, others) for number in range(len(first.causes)))[
                :MAX_CAUSES
            ],
            waits=meanwhile.waits,
            waited_s=meanwhile.bounds,
            is_cut=self._is_cut(traces, spans, others),
            outcome=first.outcome,
            others_outcome=theirs[0].outcome if theirs else "",
            caches=tuple(sorted(caches - others_caches)) if theirs else (),
            others_caches=tuple(sorted(others_caches - caches)),
            inputs=self._inputs(first, others) if _is_unnamed(first) else (),
            is_again=first.number > 1 and first.causes[0].kind is CauseKind.FIRST_CALL,
            inside=sum(
                self._is_inside(trace, {(first.rank, first.key)}) for trace in self._ranks[first.rank].traces
            ),
            advice=advise(kind, first.function.framework, caches - others_caches),
        )

    def _is_cut(self, traces: Sequence[RankTrace], spans: Sequence[Span], others: Sequence[int]) -> bool:
        """Whether somebody was killed before it was known how long the others waited."""
        until_ns = max(end_ns for _, end_ns in spans)
        killed = [self._ranks[number] for number in others if not self._ranks[number].is_closed]
        is_open = any(trace.end_ns is None for trace in traces)
        return is_open or any(rank.end_ns < until_ns for rank in killed)

    def _cause(self, trace: RankTrace, number: int, others: Sequence[int]) -> RankCause:
        """One reason, and what the other ranks have traced the function for by then."""
        cause = trace.causes[number]
        return RankCause(cause, self._values(trace, cause.argument, others))

    def _inputs(self, trace: RankTrace, others: Sequence[int]) -> tuple[RankInput, ...]:
        """The arguments that no other rank has traced the function for, and that no cause names.

        Guards stop at the first that fails: of a second argument they say nothing.
        """
        named = {cause.argument for cause in trace.causes}
        found = []
        for argument, value in trace.values.items():
            known = () if argument in named else self._values(trace, argument, others)
            if known and not any(value in one.values for one in known):
                found.append(RankInput(argument, value, known))
        whole = [
            one.argument
            for one in found
            if not any(other.argument.startswith((f"{one.argument}[", f"{one.argument}.")) for other in found)
        ]
        return tuple(one for one in found if one.argument in whole)[:MAX_INPUTS]

    def _values(self, trace: RankTrace, argument: str, others: Sequence[int]) -> tuple[RankValues, ...]:
        """What an argument was on the other ranks, in the traces that they had when `trace` began."""
        by_values: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for other in others:
            known = dict.fromkeys(
                made.values[argument]
                for made in self._ranks[other].traces
                if made.function == trace.function
                and made.start_ns <= trace.start_ns
                and argument in made.values
            )
            if known:
                by_values[tuple(known)].append(other)
        return tuple(RankValues(tuple(ranks), values) for values, ranks in by_values.items())


def _counts(traces: dict[int, list[RankTrace]]) -> tuple[RankCounts, ...]:
    """Ranks by how often they traced a function, the most ranks first."""
    by_count: defaultdict[int, list[int]] = defaultdict(list)
    spent_ns: Counter[int] = Counter()
    for rank, made in traces.items():
        by_count[len(made)].append(rank)
        own_ns = sum(trace.end_ns - trace.start_ns for trace in made if trace.end_ns is not None)
        spent_ns[len(made)] = max(spent_ns[len(made)], own_ns)
    return tuple(
        RankCounts(tuple(ranks), count, spent_ns[count] / NS)
        for count, ranks in sorted(by_count.items(), key=lambda item: (-len(item[1]), item[0]))
    )


def _is_unnamed(trace: RankTrace) -> bool:
    """Whether an argument may differ that no cause names."""
    is_guarded = trace.function.framework is Framework.TORCH_COMPILE
    return is_guarded or not any(cause.argument for cause in trace.causes)

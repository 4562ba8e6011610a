"""The graphs that steps of eager code made: where they change, and which lines of the forward cost most.

A change is the eager twin of a retrace: code that is compiled would be traced again there, or be cut in two.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from tracedbg.events import Frame
from tracedbg.explain.deciding import as_loop, what_decides
from tracedbg.explain.graph_advice import advise, say
from tracedbg.explain.graph_difference import Difference, Graph, difference
from tracedbg.explain.steps_summary import GraphChange, GraphPlace, StepCost, StepSummary

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracedbg.events import OpSite, Traceable
    from tracedbg.explain.graph_difference import Key
    from tracedbg.explain.recorded import Ran
    from tracedbg.ran import OpsSeen, OpTotal, StepChange, StepsSeen

_NS = 1e9
_NO_BACKWARD = "sequence"
"""The kind of steps that have no backward: what ops of the backward took is not theirs."""
_Key: TypeAlias = "tuple[str, str, str, int]"
_Line: TypeAlias = "tuple[str, int, str]"


class Steps:
    """Takes in one process after the other."""

    def __init__(self) -> None:
        self._places: dict[_Key, _Place] = {}
        self._backward_ns: Counter[_Line] = Counter()

    def add(self, ran: Ran, executed: Iterable[OpsSeen]) -> None:
        """What was recorded of one process, and its ops."""
        for graph in ran.step_graphs():
            place = self._place(graph.function, graph.kind)
            place.nodes = max(place.nodes, len(graph.sites) + graph.left_out)
            if graph.fingerprint not in place.graphs:
                place.graphs[graph.fingerprint] = Graph(graph.sites, place.keys)
        seen = ran.steps()
        for steps in seen:
            self._place(steps.function, steps.kind).add(steps)
        if seen:
            for ops in executed:
                self._add_ops(ops.totals)

    def _add_ops(self, totals: Iterable[OpTotal]) -> None:
        for one in totals:
            kind = one.kind
            if kind.is_backward and kind.is_outer and kind.stack:
                frame = kind.stack[0]
                self._backward_ns[frame.file, frame.line, frame.function] += one.duration_ns

    def done(self) -> tuple[StepSummary, ...]:
        """All places, those with the most changes first."""
        nodes: Counter[_Line] = Counter()
        for place in self._places.values():
            for line, cost in place.costs.items() if place.key[0] != _NO_BACKWARD else ():
                nodes[line] += cost.nodes
        found = [place.done(self._backward_ns, nodes) for place in self._places.values() if place.steps]
        return tuple(sorted(found, key=lambda one: (-one.changed, -one.steps, one.file, one.line, one.kind)))

    def _place(self, function: Traceable, kind: str) -> _Place:
        key = (kind, function.name, function.file, function.line)
        return self._places.setdefault(key, _Place(key, function.is_user))


@dataclass
class _Cost:
    nodes: int = 0
    saved_bytes: int = 0
    backward_ns: int = 0


@dataclass
class _Group:
    """Changes that begin in the same place."""

    first: Difference
    step: int
    count: int = 0
    back: int = 0
    graphs: set[str] = field(default_factory=set)
    turns: set[int] = field(default_factory=set)


@dataclass
class _Place:
    """A `StepSummary` that is being collected."""

    key: _Key
    is_user: bool
    steps: int = 0
    looked_at: int = 0
    nodes: int = 0
    graphs: dict[str, Graph] = field(default_factory=dict)
    keys: dict[Key, int] = field(default_factory=dict)
    fingerprints: set[str] = field(default_factory=set)
    changes: list[StepChange] = field(default_factory=list)
    costs: defaultdict[_Line, _Cost] = field(default_factory=lambda: defaultdict(_Cost))

    @property
    def step(self) -> Frame:
        """The line that does the steps."""
        _, name, file, line = self.key
        return Frame(file, line, name)

    def add(self, seen: StepsSeen) -> None:
        """The steps of one process."""
        self.steps += seen.steps
        self.looked_at += seen.looked_at
        self.changes += seen.changes
        for line in seen.lines:
            cost = self.costs[line.frame.file, line.frame.line, line.frame.function]
            cost.nodes += line.nodes
            cost.saved_bytes = max(cost.saved_bytes, line.saved_bytes)
            cost.backward_ns += line.backward_ns

    def done(self, backward_ns: Counter[_Line], nodes: Counter[_Line]) -> StepSummary:
        """All together.

        Args:
            backward_ns: what ops of the backward took, by line of the forward: for lines that were not timed.
            nodes: of all places; a line that several of them share has its time split by them.
        """
        kind, name, file, line = self.key
        groups = self._groups()
        known = {change.before for change in self.changes} | {change.after for change in self.changes}
        costs = [
            StepCost(
                *at,
                cost.nodes,
                cost.saved_bytes,
                (cost.backward_ns or backward_ns[at] * cost.nodes / max(nodes[at], 1)) / _NS,
            )
            for at, cost in self.costs.items()
            if kind != _NO_BACKWARD
        ]
        return StepSummary(
            kind=kind,
            name=name,
            file=file,
            line=line,
            is_user=self.is_user,
            steps=self.steps,
            looked_at=self.looked_at,
            graphs=len(known - {""} | set(self.graphs)),
            nodes=self.nodes,
            changes=tuple(sorted((self._change(group) for group in groups), key=_change_order)),
            costs=tuple(sorted(costs, key=_cost_order)),
        )

    def _groups(self) -> Iterable[_Group]:
        groups: dict[object, _Group] = {}
        differences: dict[tuple[str, str], Difference | None] = {}
        for change in sorted(self.changes, key=lambda one: one.step):
            pair = (change.before, change.after)
            if pair not in differences:
                differences[pair] = self._difference(*pair)
            found = differences[pair]
            if found is None:
                found = Difference("inputs", 0, None, None)  # the fingerprints tell more than the nodes
            group = groups.setdefault(_where(found), _Group(found, change.step))
            group.count += change.count
            group.step = min(group.step, change.step)
            group.back += change.count if _is_back(group.first, found) else 0
            group.graphs.update(pair)
            group.turns.update(found.turns if found.kind == "turns" else ())
        return groups.values()

    def _difference(self, before: str, after: str) -> Difference | None:
        one, other = self.graphs.get(before), self.graphs.get(after)
        if one is None or other is None:
            return Difference("unknown", 0, None, None)
        found = difference(one, other)
        return None if found is None else as_loop(found, self.step)

    def _change(self, group: _Group) -> GraphChange:
        kind, _, file, line = self.key
        decides = what_decides(group.first, self.step)
        turns = tuple(sorted(group.turns))
        return GraphChange(
            kind=group.first.kind,
            node=group.first.node,
            before=_as_place(group.first.before),
            after=_as_place(group.first.after),
            count=group.count,
            back=group.back,
            step=group.step,
            graphs=len(group.graphs - {""}),
            file=decides.file or file,
            line=decides.line or line,
            message=say(group.first, turns, decides),
            advice=advise(group.first.kind, kind),
            turns=turns,
        )


def _as_place(site: OpSite | None) -> GraphPlace:
    return GraphPlace() if site is None else GraphPlace(site.op, site.file, site.line)


def _where(found: Difference) -> object:
    """Equal for changes that are told as one: both ways, and for a loop whatever the number of its turns."""
    if found.kind == "turns":
        return found.kind, frozenset((site.op, site.file, site.line) for site in found.body)
    return found.kind, frozenset((_as_place(site), _callers(site)) for site in (found.before, found.after))


def _is_back(first: Difference, found: Difference) -> bool:
    """Whether a change goes the other way than the first one of its group."""
    if first.kind == "turns":
        return (found.turns[0] > found.turns[1]) != (first.turns[0] > first.turns[1])
    place, now = _as_place(first.before), _as_place(found.before)
    return (place, _callers(first.before)) != (now, _callers(found.before))


def _callers(site: OpSite | None) -> tuple[Frame, ...]:
    return () if site is None else site.callers


def _change_order(change: GraphChange) -> tuple[object, ...]:
    return (-change.count, change.step, change.file, change.line, change.message)


def _cost_order(cost: StepCost) -> tuple[object, ...]:
    return (-cost.saved_bytes, -cost.backward_seconds, cost.file, cost.line)

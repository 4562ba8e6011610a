"""What the steps of eager code come to: graphs that change, lines that cost. Data only, ready to be shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class GraphPlace:
    """One node of a graph; without an op where the graph has ended."""

    op: str = ""
    file: str = ""
    line: int = 0
    """0 where it is not known."""


@dataclass(frozen=True)
class GraphChange:
    """All changes of one function's graph that begin in the same place: the eager twin of a retrace."""

    kind: str
    """One of `graph_difference.KINDS`."""
    node: int
    """The first that differs, in the order of the forward, from 0; in the first of these changes."""
    before: GraphPlace
    after: GraphPlace
    count: int
    """Steps whose graph was another one than that of the step before."""
    back: int
    """Of those: changes back, from what came `after` to what was `before`."""
    step: int
    """The first of these steps, from 1."""
    graphs: int
    """Different graphs that have a part in it."""
    file: str
    line: int
    """What decides: the `if`, the loop, where the source tells it; else the line that differs."""
    message: str
    advice: str
    turns: tuple[int, ...] = ()
    """Of a loop: the different numbers of its turns, the lowest first."""


@dataclass(frozen=True)
class StepCost:
    """What one line of the forward costs the backward."""

    file: str
    line: int
    function: str
    nodes: int
    """In all steps that were looked at."""
    saved_bytes: int
    """Kept for the backward by one step, at most."""
    backward_seconds: float
    """In all steps; 0 where it was not timed."""


@dataclass(frozen=True)
class StepSummary:
    """One place that does steps: the graphs that they made."""

    kind: str
    """`autograd`, `tape`, `sequence`."""
    name: str
    file: str
    line: int
    is_user: bool
    steps: int
    looked_at: int
    """Those whose graph was compared with the one before."""
    graphs: int
    """Different ones."""
    nodes: int
    """Of the largest."""
    changes: tuple[GraphChange, ...] = ()
    """The most frequent first."""
    costs: tuple[StepCost, ...] = ()
    """The lines that keep most first."""

    @property
    def changed(self) -> int:
        """Steps whose graph was another one than that of the step before."""
        return sum(change.count for change in self.changes)

    @property
    def saved_bytes(self) -> int:
        """Kept by the lines together."""
        return sum(cost.saved_bytes for cost in self.costs)

    @property
    def backward_seconds(self) -> float:
        """Of the lines together."""
        return sum(cost.backward_seconds for cost in self.costs)

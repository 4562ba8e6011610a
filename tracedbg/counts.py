"""What was counted in a running program: see `counting`.

Frozen data only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracedbg.explain.retrace import Retrace


@dataclass(frozen=True)
class FunctionCounts:
    """What one function came to so far."""

    framework: str
    name: str
    file: str
    line: int
    traces: int = 0
    retraces: int = 0
    settled: int = 0
    """Of those: they have come to their end by themselves."""
    failed: int = 0
    """Traces that raised, or were given up."""
    seconds: float = 0.0
    """Spent in tracing and compiling it: without what was traced on the way, with what came later, such as
    its backward."""
    limit_hits: int = 0
    """How often the framework reached its limit of traces, and ran it eager."""
    causes: tuple[tuple[str, int], ...] = ()
    """Retraces by the kind of their first cause."""


@dataclass(frozen=True)
class Totals:
    """What everything came to so far: numbers that only grow."""

    functions: tuple[FunctionCounts, ...] = ()
    """In the order of their first trace."""
    newest: Retrace | None = None
    """The last retrace."""

    @property
    def traces(self) -> int:
        """As the frameworks count them: gradients, and traces that failed, are not among them."""
        return sum(one.traces for one in self.functions)

    @property
    def retraces(self) -> int:
        """Traces that a call caused although there was a trace already."""
        return sum(one.retraces for one in self.functions)

    @property
    def settled(self) -> int:
        """Of the retraces: they have come to their end by themselves."""
        return sum(one.settled for one in self.functions)

    @property
    def failed(self) -> int:
        """Traces that raised, or were given up."""
        return sum(one.failed for one in self.functions)

    @property
    def seconds(self) -> float:
        """Spent in tracing and compiling; nothing is counted twice."""
        return sum(one.seconds for one in self.functions)

    @property
    def limit_hits(self) -> int:
        """How often a framework reached its limit of traces."""
        return sum(one.limit_hits for one in self.functions)

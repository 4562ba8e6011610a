"""The stack at which an op was made: one level for each Python frame of the function that was traced.

It must not know how a stack is found, nor how an op is run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tracedbg.adapters.tf_function.walk.refs import Ref


@dataclass(frozen=True, eq=False)
class Level:
    """One frame, as it stood when the op was made."""

    file: str
    """As a real path; the user's, not one that AutoGraph generated."""
    line: int
    function: str
    is_user: bool = True
    graph: int = 0
    """Number of the graph that the frame's code was adding to; 0 where nobody knows."""
    frame: int = 0
    """Number of the frame; 0 where nobody knows."""
    visit: int = 0
    """Raised when the frame comes back to where it has been."""
    variables: Mapping[str, Ref] = field(default_factory=dict)
    """Its locals."""
    names: Mapping[str, Any] = field(default_factory=dict)
    """Its globals."""
    is_generated: bool = False
    """Whether it is a part of a function that AutoGraph has made, or the whole of it."""
    symbols: frozenset[tuple[int, str, int]] = frozenset()
    """The tensors among the locals: (number of the graph, name of the op, index of its output)."""

    @property
    def place(self) -> tuple[str, int]:
        """As an `Outline` has it."""
        return self.file, self.line


@dataclass(frozen=True, eq=False)
class Chain:
    """Levels, the innermost one and those around it; shared by the ops of one line."""

    level: Level
    outer: Chain | None = None

    def levels(self) -> Iterator[Level]:
        """All of them, innermost first."""
        at: Chain | None = self
        while at is not None:
            yield at.level
            at = at.outer


@dataclass(frozen=True)
class Origin:
    """Where an op comes from."""

    chain: Chain | None = None
    """None where no line of anybody's is known."""
    is_backward: bool = False
    """Whether it is in a gradient; the chain is then that of the op of the forward."""
    passed: tuple[Chain, ...] = ()
    """Where the thread was in between without making an op: at the `return` of functions."""

    def chains(self) -> Iterator[Chain]:
        """All of them."""
        yield from self.passed
        if self.chain is not None:
            yield self.chain


NOWHERE = Origin()

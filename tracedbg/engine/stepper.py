"""Stepping: how a thread was told to go on, and whether it has arrived.

It must not know breakpoints.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracedbg.debugging import View


class Go(str, Enum):
    """How to go on from a stop."""

    CONTINUE = "continue"
    OVER = "over"
    """To the next line of this frame, or of a caller."""
    INTO = "into"
    """To the next line, wherever it is."""
    OUT = "out"
    """To the next line of a caller."""
    OP = "op"
    """To the next op, wherever it is."""
    OP_OVER = "op_over"
    """To the next op of this frame, or of a caller."""
    GRAPH = "graph"
    """To the next call of a compiled function."""
    TO = "to"
    """To a line."""
    ABORT = "abort"
    """Raise `KeyboardInterrupt` in the program."""


@dataclass(frozen=True)
class Action:
    """An answer to a stop."""

    go: Go
    file: str = ""
    """For `Go.TO`: as a real path."""
    line: int = 0


@dataclass
class Step:
    """A step of one thread that has not arrived."""

    action: Action
    depth: int
    """Where it began."""

    def arrives_at_line(self, view: View) -> bool:
        """Whether the thread, at a line, has gone as far as it was told to."""
        match self.action.go:
            case Go.INTO:
                return True
            case Go.OVER:
                return view.depth <= self.depth
            case Go.OUT:
                return view.depth < self.depth
            case Go.TO:
                return (view.file, view.line) == (self.action.file, self.action.line)
            case _:
                return False

    def arrives_at_op(self, view: View) -> bool:
        """The same before an op."""
        if self.action.go is Go.OP:
            return True
        return self.action.go is Go.OP_OVER and view.depth <= self.depth

    def needs_walk(self, depth: int) -> bool:
        """Whether a graph that the thread calls, and whose function is so deep, has to be run op by op."""
        match self.action.go:
            case Go.INTO | Go.OP | Go.GRAPH | Go.TO:
                return True
            case Go.OVER | Go.OP_OVER:
                return depth <= self.depth
            case Go.OUT:
                return depth < self.depth
            case _:
                return False

    @property
    def may_need_walks(self) -> bool:
        """Whether there is a depth at which a graph has to be."""
        return self.needs_walk(0)

    @property
    def needs_lines(self) -> bool:
        """Whether it could arrive at a Python line."""
        return self.action.go in {Go.INTO, Go.OVER, Go.OUT, Go.TO}

    @property
    def needs_ops(self) -> bool:
        """Whether it could arrive at an eager op."""
        return self.action.go in {Go.OP, Go.OP_OVER}

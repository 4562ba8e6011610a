"""Ops that were executed, put together by line, op, function or file. Data only, ready to be shown.

It must not know how it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class OpLevel(str, Enum):
    """What a row stands for."""

    LINE = "line"
    OP = "op"
    """Name and shapes."""
    FUNCTION = "function"
    MODULE = "module"
    """A file."""


@dataclass(frozen=True)
class OpPart:
    """One op by its name, as a part of a row."""

    op: str
    seconds: float
    count: int


@dataclass(frozen=True)
class OpRow:
    """Executions that have their line, op, function or file in common."""

    seconds: float
    """In the ops themselves, without the ops that they called: it adds up over all rows."""
    count: int
    """Executions."""
    calls: int
    """Of those: called by no other op."""
    file: str = ""
    """Empty where no line of the user's is known, and for an op."""
    line: int = 0
    function: str = ""
    framework: str = ""
    """Of an op: its package."""
    op: str = ""
    """Of an op: its name; empty for a line, function or file."""
    inputs: str = ""
    """Of an op: shapes and dtypes; empty where they are not known."""
    backward_seconds: float = 0.0
    traced_seconds: float = 0.0
    """In compiled graphs."""
    longest_seconds: float = 0.0
    """One execution, with the ops that it called."""
    ops: tuple[OpPart, ...] = ()
    """What it is made of, the costliest first; empty for an op."""

    @property
    def is_nowhere(self) -> bool:
        """Whether it is what no line of the user's is known of."""
        return not self.file and not self.op


@dataclass(frozen=True)
class OpObserver:
    """What saw the ops."""

    observer: str
    """`RecordFunction`, `torch.profiler`, `fast path`."""
    left_out: int = 0
    """Executions in the window that there was no room for: they are in all numbers, and on no timeline."""
    note: str = ""
    """Why it is less than was asked for."""


@dataclass(frozen=True)
class OpSummary:
    """The ops of a run; rows are sorted: the costliest first."""

    observers: tuple[OpObserver, ...]
    seconds: float
    """In ops, added up over threads and processes."""
    count: int
    calls: int
    """Of those: called by no other op."""
    threads: int
    kinds: int
    """Different ops: by name, shapes, line, and whether they are of a backward or a compiled graph."""
    backward_seconds: float
    traced_seconds: float
    lines: tuple[OpRow, ...] = ()
    ops: tuple[OpRow, ...] = ()
    """By name and shapes, the costliest `MAX_OPS`."""
    hint: str = ""
    """What their sizes say, in a sentence; empty where that is nothing."""

    @property
    def on_lines(self) -> float:
        """The share of the time that leads to a line."""
        known = sum(row.seconds for row in self.lines if not row.is_nowhere)
        return known / self.seconds if self.seconds else 0.0


MAX_OPS = 1000
"""Ops, by name and shapes, that a summary has; a table of all of them is made by `OpTotals.rows`."""


@dataclass(frozen=True)
class SyncLine:
    """A line where the host waits for the device, or that copies without being asked to."""

    kind: str
    """One of `ran.SYNCS`."""
    file: str
    """Empty where no line of the user's is known."""
    line: int
    function: str
    ops: tuple[str, ...]
    count: int
    seconds: float
    """With the ops that they called."""
    longest_seconds: float
    message: str
    advice: str

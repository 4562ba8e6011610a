"""What is known of the steps of two runs of one call, and of where they differ."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracedbg.tensors import Difference, TensorSummary


RESULT = "the result"
"""What stands for an op where it is what the call returns that is compared."""
VARIABLE = "variable "
"""How that begins where it is a variable after the call; its name follows."""


class Verdict(str, Enum):
    """What is to be thought of a step, or of a whole call."""

    EQUAL = "equal"
    """Bit for bit."""
    DRIFTS = "drifts"
    """By no more than another order of the same arithmetic explains."""
    DIFFERS = "differs"
    """By more than that."""
    ONLY_EAGER = "only eager"
    """The line runs eagerly, and has left nothing in what was traced."""
    ONLY_TRACED = "only traced"
    """The line runs in what was traced, and not eagerly."""
    SKIPPED = "skipped"
    """It could not be compared."""


@dataclass(frozen=True)
class OpRecord:
    """One op that one run has run. Holds the values themselves: to be dropped with the comparison."""

    file: str
    """As a real path; empty where no line of the user's made the op."""
    line: int
    function: str
    op: str
    """Its type."""
    values: tuple[Any, ...] = ()
    """Its outputs."""
    inputs: tuple[tuple[str, Any], ...] = ()
    """(name, value)."""
    name: str = ""
    """As `OpSite.name`."""
    iteration: int | None = None
    is_backward: bool = False
    constants: frozenset[int] = frozenset()
    """Positions of the inputs that are constants of a graph."""

    @property
    def place(self) -> tuple[str, int]:
        """Its line, as breakpoints have it."""
        return self.file, self.line

    @property
    def key(self) -> tuple[str, int, str, bool]:
        """What the same op of another run has in common with it; without a line, the shapes that it makes."""
        op = self.op if self.line else f"{self.op} {[str(getattr(one, 'shape', '')) for one in self.values]}"
        return self.file, self.line, op, self.is_backward


@dataclass(frozen=True)
class StepDifference:
    """One step that is not the same in two runs."""

    verdict: Verdict
    stage: str
    """What the other run is of: `graph`, `optimised`, `dynamo`, `aot`, `inductor`."""
    file: str
    line: int
    function: str
    op: str
    name: str = ""
    output: int = 0
    """Which of its outputs."""
    iteration: int | None = None
    is_backward: bool = False
    eager: TensorSummary | None = None
    """The value as eager code makes it, or of the stage before this one; None if only one has the step."""
    traced: TensorSummary | None = None
    difference: Difference | None = None
    eager_error: float | None = None
    """How far each is from the same arithmetic in float64, at most; None where that is not known."""
    traced_error: float | None = None
    cause: str = ""
    """What is known of the reason, for a person."""


@dataclass(frozen=True)
class Comparison:
    """One call of a traced function, run eagerly and in each stage of what became of it."""

    function: str
    file: str
    line: int
    """Where it is defined."""
    call: int
    """From 1."""
    verdict: Verdict
    stages: tuple[str, ...] = ()
    """What it was compared with, in the order in which a compiler makes them."""
    first: StepDifference | None = None
    """The first step that differs, in the first stage that has one; for a drift, the first that drifts."""
    others: tuple[StepDifference, ...] = ()
    """Further ones of that stage, in order; bounded."""
    compared: int = 0
    """Values of steps that were laid side by side."""
    unmatched: int = 0
    """Ops that only one of the runs has: a tracer folds some, and adds others."""
    notes: tuple[str, ...] = ()
    """What limits the comparison, or why there is none."""

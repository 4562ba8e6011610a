"""How two runs differ. Data only, ready to be shown; `before` is the first run, `after` the second."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracedbg.events import CauseKind, Framework
    from tracedbg.store.run_info import RunInfo


class Change(str, Enum):
    """What became of a thing."""

    NEW = "new"
    GONE = "gone"
    CHANGED = "changed"

    @classmethod
    def of(cls, before: object, after: object) -> Change:
        """By whether it is there, before and after."""
        if before is None:
            return cls.NEW
        return cls.GONE if after is None else cls.CHANGED


class Verdict(str, Enum):
    """What the comparison comes to."""

    WORSE = "worse"
    BETTER = "better"
    """Something is better, and nothing is worse."""
    CHANGED = "changed"
    """Neither better nor worse: more functions, say."""
    SAME = "same"


@dataclass(frozen=True)
class Numbers:
    """What a function, or a run, came to; resume functions are in those of the function."""

    traces: int = 0
    retraces: int = 0
    graph_breaks: int = 0
    failed: int = 0
    seconds: float = 0.0
    """Of itself: what was traced on the way is counted there."""

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """All but the time."""
        return self.traces, self.retraces, self.graph_breaks, self.failed


@dataclass(frozen=True)
class CauseChange:
    """A reason for retraces of one function: they became more, or fewer."""

    change: Change
    kind: CauseKind
    argument: str
    file: str
    line: int
    before: int
    """Retraces that it had a part in."""
    after: int
    message: str
    advice: str


@dataclass(frozen=True)
class EagerChange:
    """Calls run eager in silence now, no longer, or for another reason."""

    change: Change
    before: str
    """The kind; empty where they did not."""
    after: str
    reason: str


@dataclass(frozen=True)
class StaleChange:
    """A way in which traces are used although they are stale: new, or gone."""

    change: Change
    kind: str
    name: str
    file: str
    line: int
    message: str
    advice: str


@dataclass(frozen=True)
class FunctionChange:
    """A function that is new, gone, or differs."""

    change: Change
    framework: Framework
    name: str
    file: str
    """Relative to the folder of its run, where it is below that."""
    line: int
    before: Numbers | None
    after: Numbers | None
    causes: tuple[CauseChange, ...] = ()
    silent_eager: EagerChange | None = None
    stale: tuple[StaleChange, ...] = ()
    is_slower: bool = False
    """By more than was to be tolerated."""

    @property
    def is_any(self) -> bool:
        """Whether there is anything to be told."""
        if self.before is None or self.after is None:
            return True
        parts = self.causes, self.silent_eager, self.stale, self.is_slower
        return any(parts) or self.before.counts != self.after.counts

    @property
    def is_better(self) -> bool:
        """Whether something bad is gone, or became less."""
        changes = [*(cause.change for cause in self.causes), *(stale.change for stale in self.stale)]
        if self.silent_eager is not None:
            changes.append(self.silent_eager.change)
        before, after = self.before or Numbers(), self.after or Numbers()
        fewer = after.retraces < before.retraces or after.failed < before.failed
        return fewer or Change.GONE in changes


@dataclass(frozen=True)
class BreakChange:
    """A graph break that is new, or gone."""

    change: Change
    code: str
    kind: str
    function: str
    file: str
    line: int
    reason: str


@dataclass(frozen=True)
class Worsening:
    """One thing in which the second run is worse."""

    kind: str
    """`retraces`, `cause`, `graph_break`, `silent_eager`, `stale`, `failed`, `cost`."""
    function: str
    """Empty for the run as a whole."""
    file: str
    line: int
    count: int
    """How many more."""
    message: str


@dataclass(frozen=True)
class Comparison:
    """How the second run differs from the first one."""

    a: RunInfo
    b: RunInfo
    before: Numbers
    after: Numbers
    functions: tuple[FunctionChange, ...] = ()
    graph_breaks: tuple[BreakChange, ...] = ()
    worse: tuple[Worsening, ...] = ()
    is_slower: bool = False
    """Tracing took longer, by more than was to be tolerated."""

    @property
    def verdict(self) -> Verdict:
        """What it comes to; times alone change it only where they were asked to count."""
        if self.worse:
            return Verdict.WORSE
        is_better = any(function.is_better for function in self.functions)
        if is_better or any(found.change is Change.GONE for found in self.graph_breaks):
            return Verdict.BETTER
        told = [f for f in self.functions if f.change is not Change.CHANGED or not _is_time_only(f)]
        return Verdict.CHANGED if told else Verdict.SAME


def _is_time_only(function: FunctionChange) -> bool:
    before, after = function.before or Numbers(), function.after or Numbers()
    parts = function.causes, function.silent_eager, function.stale
    return before.counts == after.counts and not any(parts)

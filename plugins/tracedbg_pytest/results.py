"""What one test has traced, as data that goes from process to process and into files."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

    from tracedbg.explain import CauseGroup, FunctionSummary, Summary


@dataclass(frozen=True)
class Finding:
    """One thing to know about a function, at the user's line: why it was traced again, where it broke."""

    kind: str
    """Of a cause its kind, such as `dtype`; else `graph_break`, `silent_eager` or `stale`."""
    file: str
    line: int
    message: str
    advice: str = ""
    argument: str = ""
    before: str = ""
    after: str = ""
    count: int = 1


@dataclass(frozen=True)
class Function:
    """One function in one test."""

    framework: str
    name: str
    file: str
    line: int
    traces: int = 0
    retraces: int = 0
    graph_breaks: int = 0
    seconds: float = 0.0
    traced_before: bool = False
    """Whether something before the test had traced it: another test, or a fixture."""
    causes: tuple[Finding, ...] = ()
    """Of its retraces."""
    findings: tuple[Finding, ...] = ()
    """Everything else."""


@dataclass(frozen=True)
class Failure:
    """A budget that was not kept."""

    kind: str
    """The marker's name, `steady_state` or `baseline`."""
    text: str


@dataclass
class Result:
    """One test."""

    test: str
    file: str = ""
    line: int = 1
    functions: tuple[Function, ...] = ()
    failures: list[Failure] = field(default_factory=list)
    unmatched: list[str] = field(default_factory=list)
    """Budgets for a function whose name nothing had by the end of the test."""
    is_whole: bool = False
    """Whether the test came to its end: the counts of one that raised, or was skipped, say nothing."""

    def totals(self) -> dict[str, float]:
        """Over all functions."""
        return {
            "traces": sum(one.traces for one in self.functions),
            "retraces": sum(one.retraces for one in self.functions),
            "graph_breaks": sum(one.graph_breaks for one in self.functions),
            "compile_seconds": round(sum(one.seconds for one in self.functions), 3),
        }

    def to_json(self) -> dict[str, Any]:
        """For `from_json`, in this process or another."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Result:
        """What `to_json` has made."""
        return cls(
            **{
                **data,
                "functions": tuple(map(_function, data["functions"])),
                "failures": [Failure(**one) for one in data["failures"]],
            }
        )


def functions_of(summary: Summary, before: Collection[tuple[str, int, str]] = ()) -> tuple[Function, ...]:
    """The functions of a summary; what is left of one after a graph break counts as the function itself.

    Args:
        summary: of one test.
        before: the functions that had been traced before it, by file, line and name.
    """
    found = []
    for one in summary.functions:
        parts = (one, *one.resumes)
        findings = (*_breaks(one, summary), *(finding for part in parts for finding in _findings(part)))
        function = Function(
            one.framework.value,
            one.name,
            one.file,
            one.line,
            sum(part.traces for part in parts),
            sum(part.retraces for part in parts),
            sum(part.graph_breaks for part in parts),
            sum(part.self_seconds for part in parts),
            (one.file, one.line, one.name) in before,
            tuple(_cause(cause) for part in parts for cause in part.causes),
            findings,
        )
        if function.traces or findings:
            found.append(function)
    return tuple(found)


def _cause(group: CauseGroup) -> Finding:
    return Finding(
        group.kind.value,
        group.file,
        group.line,
        group.message,
        group.advice,
        group.argument,
        group.before,
        group.after,
        group.count,
    )


def _breaks(function: FunctionSummary, summary: Summary) -> list[Finding]:
    return [
        Finding("graph_break", found.file, found.line, found.reason, count=found.count)
        for found in summary.graph_breaks
        if found.function == function.name
    ]


def _findings(part: FunctionSummary) -> list[Finding]:
    found = [
        Finding("stale", one.file, one.line, one.message, one.advice, one.name, one.then, one.now)
        for one in part.stale
    ]
    if (eager := part.silent_eager) is not None:
        found.append(
            Finding("silent_eager", part.file, part.line, eager.reason, eager.advice, count=eager.count)
        )
    return found


def _function(data: dict[str, Any]) -> Function:
    causes = tuple(Finding(**one) for one in data["causes"])
    return Function(
        **{**data, "causes": causes, "findings": tuple(Finding(**one) for one in data["findings"])}
    )

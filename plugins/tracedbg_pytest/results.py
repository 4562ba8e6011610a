"""What one test has traced, as data that goes from process to process and into files."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracedbg.explain import CauseGroup, Summary


@dataclass(frozen=True)
class Cause:
    """Why a function was traced again in a test."""

    kind: str
    argument: str
    file: str
    line: int
    count: int
    message: str
    advice: str


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
    causes: tuple[Cause, ...] = ()


@dataclass
class Result:
    """One test."""

    test: str
    functions: tuple[Function, ...] = ()
    failures: list[str] = field(default_factory=list)

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
        functions = tuple(
            Function(**{**one, "causes": tuple(Cause(**cause) for cause in one["causes"])})
            for one in data["functions"]
        )
        return cls(data["test"], functions, list(data["failures"]))


def functions_of(summary: Summary) -> tuple[Function, ...]:
    """The functions of a summary; what is left of one after a graph break counts as the function itself."""
    found = []
    for one in summary.functions:
        parts = (one, *one.resumes)
        function = Function(
            one.framework.value,
            one.name,
            one.file,
            one.line,
            sum(part.traces for part in parts),
            sum(part.retraces for part in parts),
            sum(part.graph_breaks for part in parts),
            sum(part.self_seconds for part in parts),
            tuple(_cause(cause) for part in parts for cause in part.causes),
        )
        if function.traces or function.graph_breaks:
            found.append(function)
    return tuple(found)


def _cause(group: CauseGroup) -> Cause:
    return Cause(
        group.kind.value, group.argument, group.file, group.line, group.count, group.message, group.advice
    )

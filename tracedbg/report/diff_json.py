"""How two runs differ, for programs: schema version 1, told field by field in docs/reference/diff-json.md.

It must not know how they were compared.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracedbg.explain.comparison import Comparison, FunctionChange, Numbers
    from tracedbg.store.run_info import RunInfo

SCHEMA = 1
_DIGITS = 6


def to_json(comparison: Comparison) -> dict[str, Any]:
    """`comparison` as what `json.dumps` takes; keys and lists in a stable order."""
    return {
        "schema": SCHEMA,
        "verdict": comparison.verdict.value,
        "worse": [asdict(reason) for reason in comparison.worse],
        "slower": comparison.is_slower,
        "a": _run(comparison.a, comparison.before),
        "b": _run(comparison.b, comparison.after),
        "functions": [_function(function) for function in comparison.functions],
        "graph_breaks": [_plain(found) for found in comparison.graph_breaks],
    }


def _run(run: RunInfo, numbers: Numbers) -> dict[str, Any]:
    return {
        "id": run.id,
        "argv": list(run.argv),
        "exit_code": run.exit_code,
        "tracedbg": run.tracedbg,
        "numbers": _numbers(numbers),
    }


def _numbers(numbers: Numbers | None) -> dict[str, Any] | None:
    if numbers is None:
        return None
    return asdict(numbers) | {"seconds": round(numbers.seconds, _DIGITS)}


def _function(function: FunctionChange) -> dict[str, Any]:
    eager = function.silent_eager
    return {
        "change": function.change.value,
        "framework": function.framework.value,
        "name": function.name,
        "file": function.file,
        "line": function.line,
        "before": _numbers(function.before),
        "after": _numbers(function.after),
        "slower": function.is_slower,
        "causes": [_plain(cause) for cause in function.causes],
        "silent_eager": None if eager is None else _plain(eager),
        "stale": [_plain(stale) for stale in function.stale],
    }


def _plain(change: Any) -> dict[str, Any]:
    """A dataclass of texts, numbers and enumerations, by the names of its fields."""
    return {name: getattr(value, "value", value) for name, value in asdict(change).items()}

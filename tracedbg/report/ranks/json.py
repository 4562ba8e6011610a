"""How the ranks of a run differ, as data: `tracedbg report --ranks --format json`.

It must not know the store or a framework: all that it says is in the `RankReport`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.explain.ranks.model import (
        Generation,
        OddTrace,
        RankCause,
        RankFunction,
        RankFunctionKey,
        RankGraph,
        RankReport,
        RanksDiffer,
        RankValues,
    )

SCHEMA = 1
_DIGITS = 6


def ranks_data(report: RankReport) -> dict[str, Any]:
    """`report` as what `json.dumps` takes."""
    run = report.run
    return {
        "schema": SCHEMA,
        "run": {"id": run.id, "argv": list(run.argv), "exit_code": run.exit_code},
        "generations": [_generation(one) for one in report.generations],
    }


def _generation(one: Generation) -> dict[str, Any]:
    return {
        "generation": one.number,
        "ranks": list(one.ranks),
        "world_size": one.world_size,
        "missing": list(one.missing),
        "ended": list(one.ended),
        "shared_functions": one.shared_functions,
        "shared_traces": one.shared_traces,
        "functions": [_counts(function) for function in one.functions],
        "odd": [_odd(odd) for odd in one.odd],
        "graphs": [_graph(graph) for graph in one.graphs],
    }


def _function(function: RankFunctionKey) -> dict[str, Any]:
    return {
        "framework": function.framework.value,
        "name": function.name,
        "file": function.file,
        "line": function.line,
        "owner": function.owner or None,
    }


def differ_data(one: RanksDiffer) -> dict[str, Any]:
    """A function of the report that ranks have not traced equally often."""
    return {"generation": one.generation, **_counts(one)}


def _counts(function: RankFunction | RanksDiffer) -> dict[str, Any]:
    return {
        "function": _function(function.function),
        "counts": [
            {"ranks": list(row.ranks), "traces": row.traces, "seconds": _seconds(row.seconds)}
            for row in function.counts
        ],
    }


def _odd(odd: OddTrace) -> dict[str, Any]:
    return {
        "kind": odd.kind,
        "function": _function(odd.function),
        "number": odd.number,
        "ranks": list(odd.ranks),
        "others": list(odd.others),
        "file": odd.file,
        "line": odd.line,
        "caller": odd.caller,
        "started_s": _seconds(odd.started_s),
        "seconds": _seconds(odd.seconds),
        "others_seconds": _seconds(odd.others_seconds),
        "under_way": list(odd.under_way),
        "outcome": odd.outcome,
        "others_outcome": odd.others_outcome or None,
        "causes": [_cause(found) for found in odd.causes],
        "waited_s": None if odd.waited_s is None else [_seconds(one) for one in odd.waited_s],
        "waits": [
            {
                "ranks": list(wait.ranks),
                "file": wait.file or None,
                "line": wait.line,
                "function": wait.function,
                "activity": wait.activity,
                "phase": wait.phase or None,
                "seconds": _seconds(wait.seconds),
                "source": "samples",
            }
            for wait in odd.waits
        ],
        "is_cut": odd.is_cut,
        "caches": list(odd.caches),
        "others_caches": list(odd.others_caches),
        "inputs": [
            {"argument": one.argument, "value": one.value, "on_others": _on_others(one.others)}
            for one in odd.inputs
        ],
        "is_again": odd.is_again,
        "inside": odd.inside,
        "advice": odd.advice or None,
    }


def _cause(found: RankCause) -> dict[str, Any]:
    cause = found.cause
    return {
        "kind": cause.kind.value,
        "argument": cause.argument,
        "before": cause.before,
        "after": cause.after,
        "file": cause.file,
        "line": cause.line,
        "message": cause.message,
        "advice": cause.advice,
        "on_others": _on_others(found.others),
    }


def _on_others(others: Sequence[RankValues]) -> list[dict[str, Any]]:
    return [{"ranks": list(one.ranks), "values": list(one.values)} for one in others]


def _graph(graph: RankGraph) -> dict[str, Any]:
    return {
        "function": _function(graph.function),
        "number": graph.number,
        "ranks": list(graph.ranks),
        "others": list(graph.others),
        "kind": graph.kind,
        "node": graph.node,
        "file": graph.file,
        "line": graph.line,
        "message": graph.message,
    }


def _seconds(value: float) -> float:
    return round(value, _DIGITS)

"""The report over many ranks as data: schema version 1; docs/reference/fleet-json.md tells each key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracedbg.fleet.summary import ranks_text

if TYPE_CHECKING:
    from tracedbg.fleet.summary import (
        Difference,
        Fleet,
        FleetCause,
        FleetFunction,
        FleetRank,
        FleetRun,
        Ranks,
        Spread,
    )

SCHEMA = 1
_DIGITS = 6
_ALL = 1_000_000
"""Pieces of a text of ranks: none is left out."""


def to_json(fleet: Fleet) -> dict[str, Any]:
    """`fleet` as what `json.dumps` takes; keys and lists in a stable order."""
    return {
        "schema": SCHEMA,
        "dataset": fleet.name,
        "runs": [_run(one) for one in fleet.runs],
        "ranks": fleet.ranks,
        "hosts": fleet.hosts,
        "processes": fleet.processes,
        "frameworks": list(fleet.frameworks),
        "traces": fleet.traces,
        "retraces": fleet.retraces,
        "seconds": _spread(fleet.seconds) | {"histogram": list(fleet.seconds.counts)},
        "functions": [_function(one) for one in fleet.functions],
        "differences": [_difference(one) for one in fleet.differences],
        "causes": [_cause(one) for one in fleet.causes],
        "slowest": [_rank(one) for one in fleet.slowest],
        "activities": [{"activity": one.name, "seconds": _spread(one.seconds)} for one in fleet.activities],
        "faults": [
            {"where": place, "message": message, "ranks": ranks} for place, message, ranks in fleet.faults
        ],
        "dropped": dict(fleet.dropped),
    }


def _run(run: FleetRun) -> dict[str, Any]:
    return {
        "id": run.id,
        "argv": list(run.argv),
        "exit_code": run.exit_code,
        "wall_s": None if run.wall_s is None else _seconds(run.wall_s),
        "ranks": run.ranks,
    }


def _function(one: FleetFunction) -> dict[str, Any]:
    return {
        "framework": one.framework,
        "name": one.name,
        "file": one.file,
        "line": one.line,
        "ranks": one.ranks,
        "traces": one.traces,
        "retraces": one.retraces,
        "graph_breaks": one.graph_breaks,
        "limit_hits": one.limit_hits,
        "seconds": _spread(one.seconds),
    }


def _difference(one: Difference) -> dict[str, Any]:
    return {
        "run": one.run,
        "framework": one.framework,
        "name": one.name,
        "file": one.file,
        "line": one.line,
        "extra_seconds": _seconds(one.extra_s),
        "groups": [{"traces": group.traces} | _ranks(group.ranks) for group in one.groups],
        "causes": [_cause(cause) for cause in one.causes],
    }


def _cause(one: FleetCause) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "argument": one.argument,
        "function": one.function,
        "file": one.file,
        "line": one.line,
        "count": one.count,
        "seconds": _seconds(one.seconds),
        **_ranks(one.ranks),
        "before": one.before,
        "after": one.after,
        "message": one.message,
        "advice": one.advice,
    }


def _rank(one: FleetRank) -> dict[str, Any]:
    return {
        "run": one.run,
        "rank": one.rank,
        "host": one.host,
        "processes": one.processes,
        "traces": one.traces,
        "retraces": one.retraces,
        "seconds": _seconds(one.seconds),
        "wall_s": None if one.wall_s is None else _seconds(one.wall_s),
        "most": one.most,
        "most_seconds": _seconds(one.most_s),
    }


def _ranks(ranks: Ranks) -> dict[str, Any]:
    return {"ranks": len(ranks), "which": ranks_text(ranks, _ALL)}


def _spread(spread: Spread) -> dict[str, Any]:
    return {
        "total": _seconds(spread.total),
        "p50": _seconds(spread.p50),
        "p95": _seconds(spread.p95),
        "max": _seconds(spread.most),
    }


def _seconds(value: float) -> float:
    return round(value, _DIGITS)

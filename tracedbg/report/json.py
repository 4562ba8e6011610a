"""The report as data, for programs: schema version 1, told field by field in docs/reference/report-json.md.

It must not know the store or a framework: all that it says is in the `Summary`.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from tracedbg.report.ledger_json import ledger_data
from tracedbg.report.native import native_data
from tracedbg.report.ops_json import ops_data, sync_data
from tracedbg.report.ranks.json import differ_data
from tracedbg.report.steps_json import steps_json

if TYPE_CHECKING:
    from tracedbg.explain import (
        BreakGroup,
        CallCounts,
        CauseGroup,
        ConversionSummary,
        FunctionSummary,
        KernelSummary,
        PhaseTime,
        SilentEager,
        StaleGroup,
        Summary,
    )
    from tracedbg.store.records import ProcessInfo
    from tracedbg.store.run_info import RunInfo

SCHEMA = 1
_DIGITS = 6


def to_json(summary: Summary) -> dict[str, Any]:
    """`summary` as what `json.dumps` takes; keys and lists in a stable order."""
    return {
        "schema": SCHEMA,
        "run": _run(summary.run, summary.dropped),
        "processes": _processes(summary),
        "functions": [_function(function) for function in summary.functions],
        "graph_breaks": [_graph_break(found) for found in summary.graph_breaks],
        "conversions": [_conversion(conversion) for conversion in summary.conversions],
        "kernels": None if summary.kernels is None else _kernels(summary.kernels),
        "ledger": [ledger_data(one) for one in summary.ledgers],
        "native": None if summary.native is None else native_data(summary.native),
        "ops": None if summary.ops is None else ops_data(summary.ops),
        "syncs": [sync_data(one) for one in summary.syncs],
        "steps": [steps_json(one) for one in summary.steps],
        "ranks": [differ_data(one) for one in summary.ranks],
        "faults": [{"where": fault.where, "message": fault.message} for fault in summary.faults],
    }


def _run(run: RunInfo, dropped: dict[str, int]) -> dict[str, Any]:
    started = datetime.fromtimestamp(run.started_wall_ns / 1e9, tz=timezone.utc)
    return {
        "id": run.id,
        "argv": list(run.argv),
        "cwd": run.cwd or None,
        "exit_code": run.exit_code,
        "signal": run.signal,
        "started": started.isoformat(timespec="milliseconds"),
        "wall_s": None if run.wall_ns is None else _seconds(run.wall_ns / 1e9),
        "dropped": dict(dropped),
        "tracedbg": run.tracedbg,
        "redacted": run.redacted,
    }


def _processes(summary: Summary) -> list[dict[str, Any]]:
    traces = summary.process_traces or (0,) * len(summary.processes)
    return [_process(*one) for one in zip(summary.processes, traces, strict=True)]


def _process(process: ProcessInfo, traces: int) -> dict[str, Any]:
    return {
        "pid": process.pid,
        "parent": process.ppid,
        "host": process.host,
        "rank": process.rank,
        "is_rank": process.is_rank,
        "rank_pid": process.rank_pid,
        "local_rank": process.local_rank,
        "world_size": process.world_size,
        "node": process.node,
        "job": process.job or None,
        "launcher": process.launcher or None,
        "task": process.task or None,
        "generation": process.generation,
        "traces": traces,
        "python": process.python,
        "torch": process.versions.get("torch"),
        "tensorflow": process.versions.get("tensorflow"),
        "recording_error": process.recording_error or None,
    }


def _function(function: FunctionSummary) -> dict[str, Any]:
    return {
        "framework": function.framework.value,
        "name": function.name,
        "file": function.file,
        "line": function.line,
        "is_user": function.is_user,
        "traces": function.traces,
        "retraces": function.retraces,
        "settled": function.settled,
        "seconds": _seconds(function.seconds),
        "self_seconds": _seconds(function.self_seconds),
        "phases": [_phase(phase) for phase in function.phases],
        "caches": dict(function.caches),
        "graph_breaks": function.graph_breaks,
        "failed": function.failed,
        "objects": function.objects,
        "limit_hits": function.limit_hits,
        "calls": _calls(function.calls),
        "silent_eager": _silent_eager(function.silent_eager),
        "stale": [_stale(stale) for stale in function.stale],
        "causes": [_cause(cause) for cause in function.causes],
        "kernel_seconds": None if function.kernel_seconds is None else _exact(function.kernel_seconds),
        "resumes": [_function(resume) for resume in function.resumes],
    }


def _phase(phase: PhaseTime) -> dict[str, Any]:
    return {
        "name": phase.name,
        "seconds": _seconds(phase.seconds),
        "count": phase.count,
        "later": phase.later,
    }


def _silent_eager(eager: SilentEager | None) -> dict[str, Any] | None:
    if eager is None:
        return None
    return {
        "reason": eager.reason,
        "since_call": eager.since_call,
        "kind": eager.kind,
        "count": eager.count,
        "advice": eager.advice,
    }


def _calls(calls: CallCounts) -> dict[str, Any]:
    return {"compiled": calls.compiled, "eager": calls.eager}


def _stale(stale: StaleGroup) -> dict[str, Any]:
    return {
        "kind": stale.kind,
        "name": stale.name,
        "file": stale.file,
        "line": stale.line,
        "then": stale.then,
        "now": stale.now,
        "message": stale.message,
        "advice": stale.advice,
    }


def _cause(cause: CauseGroup) -> dict[str, Any]:
    return {
        "kind": cause.kind.value,
        "argument": cause.argument,
        "before": cause.before,
        "after": cause.after,
        "file": cause.file,
        "line": cause.line,
        "count": cause.count,
        "seconds": _seconds(cause.seconds),
        "message": cause.message,
        "advice": cause.advice,
        "settled": cause.settled,
        "docs": cause.docs,
        "values": list(cause.values),
    }


def _graph_break(found: BreakGroup) -> dict[str, Any]:
    return {
        "code": found.code,
        "reason": found.reason,
        "file": found.file,
        "line": found.line,
        "function": found.function,
        "count": found.count,
        "kind": found.kind,
        "ran_eager": found.ran_eager,
    }


def _conversion(conversion: ConversionSummary) -> dict[str, Any]:
    return {
        "function": conversion.function,
        "file": conversion.file,
        "line": conversion.line,
        "seconds": _seconds(conversion.seconds),
        "constructs": [
            {"line": construct.line, "kind": construct.kind, "became": construct.became}
            for construct in conversion.constructs
        ],
        "failure": conversion.failure or None,
    }


def _kernels(kernels: KernelSummary) -> dict[str, Any]:
    return {
        "seconds": _exact(kernels.seconds),
        "windows": [
            {
                "profiler": window.profiler,
                "device": window.device,
                "is_host": window.is_host,
                "seconds": _seconds(window.seconds),
                "kernel_seconds": _exact(window.kernel_seconds),
                "kernels": window.kernels,
                "steps": window.steps,
                "dropped": window.dropped,
                "note": window.note,
            }
            for window in kernels.windows
        ],
        "lines": [
            {
                "file": line.file,
                "line": line.line,
                "function": line.function,
                "seconds": _exact(line.seconds),
                "kernels": line.kernels,
                "backward_seconds": _exact(line.backward_seconds),
                "shared_seconds": _exact(line.shared_seconds),
            }
            for line in kernels.lines
        ],
        "rest": [
            {"whose": one.whose, "name": one.name, "seconds": _exact(one.seconds), "kernels": one.kernels}
            for one in kernels.rest
        ],
    }


def _exact(seconds: float) -> float:
    """To the nanosecond: a kernel may take less than a microsecond."""
    return round(seconds, 9)


def _seconds(value: float) -> float:
    return round(value, _DIGITS)

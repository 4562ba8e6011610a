"""A report that was written as JSON, taken back: what `to_json` said, as the `Summary` that it said it of.

It reads schema 1. Keys that it does not know are of a later version with the same schema, and are left out;
keys that an earlier one did not write have their defaults.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast

from tracedbg.errors import DamagedRunError, NewerSchemaError, NotARunError
from tracedbg.events import CauseKind, Construct, Fault, Framework
from tracedbg.explain import (
    BreakGroup,
    CallCounts,
    CauseGroup,
    ConversionSummary,
    FunctionSummary,
    GraphChange,
    GraphPlace,
    KernelLine,
    KernelRest,
    KernelSummary,
    KernelWindow,
    Ledger,
    NativeLine,
    NativePart,
    NativeSummary,
    OpObserver,
    OpPart,
    OpRow,
    OpSummary,
    PhaseTime,
    SilentEager,
    StaleGroup,
    StepCost,
    StepSummary,
    Summary,
    SyncLine,
    TimeLine,
    TimePart,
    TimeShare,
)
from tracedbg.report.json import SCHEMA
from tracedbg.store.records import ProcessInfo
from tracedbg.store.run_info import RunInfo

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "int | None": (int, type(None)),
    "float": (int, float),
    "float | None": (int, float, type(None)),
    "bool": (bool,),
}
"""What JSON may have for a field, by its annotation; other fields are converted by hand."""


def read_report(path: str) -> Summary:
    """The report in the file `path`.

    Raises:
        NotARunError: there is no such file.
        NewerSchemaError: a newer tracedbg has written it.
        DamagedRunError: it is no report, or a part of one.
    """
    try:
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
    except FileNotFoundError as error:
        raise NotARunError(
            f"there is no file {path}; tracedbg report RUN --format json --output {path} writes it"
        ) from error
    except (OSError, ValueError) as error:
        raise DamagedRunError(f"cannot read {path}: {error}") from error
    schema = data.get("schema") if isinstance(data, dict) else None
    if not isinstance(schema, int) or "run" not in data:
        raise DamagedRunError(f"{path} is not a report of tracedbg: tracedbg report --format json writes one")
    if schema > SCHEMA:
        raise NewerSchemaError(
            f"{path} was written by a newer tracedbg (schema {schema}, this one reads up to {SCHEMA}):"
            " upgrade with python -m pip install -U tracedbg"
        )
    try:
        return from_json(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise DamagedRunError(f"cannot read {path}: {message}") from error


def from_json(data: dict[str, Any]) -> Summary:
    """The summary of which `to_json` gave `data`.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it gave no such thing.
    """
    run = data["run"]
    return Summary(
        run=_run(run),
        processes=tuple(map(_process, data["processes"])),
        functions=tuple(map(_function, data["functions"])),
        graph_breaks=tuple(_made(BreakGroup, found) for found in data["graph_breaks"]),
        conversions=tuple(map(_conversion, data["conversions"])),
        faults=tuple(Fault(fault["where"], fault["message"], 0) for fault in data.get("faults", ())),
        kernels=_kernels(data.get("kernels")),
        ledgers=tuple(map(_ledger, data.get("ledger", ()))),
        native=_native(data.get("native")),
        ops=_ops(data.get("ops")),
        syncs=tuple(_made(SyncLine, one, ops=tuple(one["ops"])) for one in data.get("syncs", ())),
        steps=tuple(map(_steps, data.get("steps", ()))),
        process_traces=tuple(one.get("traces", 0) for one in data["processes"]),
        dropped=dict(run["dropped"]),
    )


def _run(data: dict[str, Any]) -> RunInfo:
    wall_s = data["wall_s"]
    return _made(
        RunInfo,
        data,
        argv=tuple(data["argv"]),
        cwd=data.get("cwd") or "",
        started_wall_ns=round(datetime.fromisoformat(data["started"]).timestamp() * 1e3) * 10**6,
        wall_ns=None if wall_s is None else round(wall_s * 1e9),
    )


def _process(data: dict[str, Any]) -> ProcessInfo:
    """What a report says of a process; the rest of it is nobody's business there."""
    versions = {name: data[name] for name in ("torch", "tensorflow") if data[name] is not None}
    error = data.get("recording_error") or ""
    texts = {name: data.get(name) or "" for name in ("host", "job", "launcher", "task")}
    more = {"ppid": data.get("parent", 0), "argv": (), "started_wall_ns": 0, **texts}
    return _made(ProcessInfo, data, versions=versions, recording_error=error, **more)


def _function(data: dict[str, Any]) -> FunctionSummary:
    eager = data["silent_eager"]
    return _made(
        FunctionSummary,
        data,
        framework=Framework(data["framework"]),
        phases=tuple(_made(PhaseTime, phase) for phase in data.get("phases", ())),
        caches=tuple(data.get("caches", {}).items()),
        calls=_made(CallCounts, data.get("calls", {})),
        silent_eager=None if eager is None else _made(SilentEager, eager),
        stale=tuple(_made(StaleGroup, stale) for stale in data.get("stale", ())),
        causes=tuple(map(_cause, data["causes"])),
        resumes=tuple(map(_function, data.get("resumes", ()))),
    )


def _kernels(data: dict[str, Any] | None) -> KernelSummary | None:
    if data is None:
        return None
    return _made(
        KernelSummary,
        data,
        windows=tuple(_made(KernelWindow, window) for window in data["windows"]),
        lines=tuple(_made(KernelLine, line) for line in data["lines"]),
        rest=tuple(_made(KernelRest, one) for one in data["rest"]),
    )


def _steps(data: dict[str, Any]) -> StepSummary:
    return _made(
        StepSummary,
        data,
        changes=tuple(map(_change, data["changes"])),
        costs=tuple(_made(StepCost, cost) for cost in data["costs"]),
    )


def _change(data: dict[str, Any]) -> GraphChange:
    before, after = (_made(GraphPlace, data[name]) for name in ("before", "after"))
    return _made(GraphChange, data, before=before, after=after, turns=tuple(data.get("turns", ())))


def _ledger(data: dict[str, Any]) -> Ledger:
    return _made(
        Ledger,
        data,
        shares=_shares(data),
        lines=tuple(_made(TimeLine, line, shares=_shares(line)) for line in data["lines"]),
    )


def _native(data: dict[str, Any] | None) -> NativeSummary | None:
    if data is None:
        return None
    lines = tuple(
        _made(NativeLine, line, functions=tuple(_made(NativePart, part) for part in line["functions"]))
        for line in data["lines"]
    )
    return _made(NativeSummary, data, lines=lines)


def _shares(data: dict[str, Any]) -> tuple[TimeShare, ...]:
    return tuple(
        _made(TimeShare, share, parts=tuple(_made(TimePart, part) for part in share["parts"]))
        for share in data["shares"]
    )


def _ops(data: dict[str, Any] | None) -> OpSummary | None:
    if data is None:
        return None
    return _made(
        OpSummary,
        data,
        observers=tuple(_made(OpObserver, one) for one in data["observers"]),
        lines=tuple(map(_op_row, data["lines"])),
        ops=tuple(map(_op_row, data["ops"])),
    )


def _op_row(data: dict[str, Any]) -> OpRow:
    return _made(OpRow, data, ops=tuple(_made(OpPart, part) for part in data.get("ops", ())))


def _cause(data: dict[str, Any]) -> CauseGroup:
    return _made(CauseGroup, data, kind=CauseKind(data["kind"]), values=tuple(data.get("values", ())))


def _conversion(data: dict[str, Any]) -> ConversionSummary:
    constructs = tuple(
        Construct(data["file"], found["line"], found["kind"], found["became"], data["function"])
        for found in data["constructs"]
    )
    return _made(ConversionSummary, data, constructs=constructs, failure=data["failure"] or "")


def _made(cls: Callable[..., T], data: dict[str, Any], **converted: Any) -> T:
    """A `cls`, which is a dataclass, of the keys that are named like its fields.

    Raises:
        KeyError: one that has no default is missing.
        TypeError: one is not what the field holds.
    """
    values = dict(converted)
    for field in fields(cast("Any", cls)):
        if field.name in converted:
            continue
        if field.name in data:
            value = data[field.name]
            if not isinstance(value, _TYPES[str(field.type)]):
                raise TypeError(f"{field.name} is {value!r}, which is no {field.type}")
            values[field.name] = value
        elif field.default is MISSING and field.default_factory is MISSING:
            raise KeyError(field.name)
    return cls(**values)

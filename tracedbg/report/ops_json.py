"""Ops and host syncs as data: a part of the report, and the long form of `tracedbg report --ops`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.explain import OpLevel, OpRow, OpSummary, SyncLine

SCHEMA = 1


def ops_data(ops: OpSummary) -> dict[str, Any]:
    """The key `ops` of a report."""
    return {
        **_whole(ops),
        "lines": [_row(row) for row in ops.lines],
        "ops": [_row(row) for row in ops.ops],
    }


def table_data(ops: OpSummary, rows: Sequence[OpRow], level: OpLevel) -> dict[str, Any]:
    """What `tracedbg report --ops --format json` writes.

    Args:
        ops: all together.
        rows: those of the level, all of them.
        level: what they stand for.
    """
    return {"schema": SCHEMA, **_whole(ops), "by": level.value, "rows": [_row(row) for row in rows]}


def sync_data(one: SyncLine) -> dict[str, Any]:
    """An item of the key `syncs` of a report."""
    return {
        "kind": one.kind,
        "file": one.file,
        "line": one.line,
        "function": one.function,
        "ops": list(one.ops),
        "count": one.count,
        "seconds": _exact(one.seconds),
        "longest_seconds": _exact(one.longest_seconds),
        "message": one.message,
        "advice": one.advice,
    }


def _whole(ops: OpSummary) -> dict[str, Any]:
    return {
        "observers": [
            {"observer": one.observer, "left_out": one.left_out, "note": one.note} for one in ops.observers
        ],
        "seconds": _exact(ops.seconds),
        "count": ops.count,
        "calls": ops.calls,
        "threads": ops.threads,
        "kinds": ops.kinds,
        "backward_seconds": _exact(ops.backward_seconds),
        "traced_seconds": _exact(ops.traced_seconds),
        "hint": ops.hint,
    }


def _row(row: OpRow) -> dict[str, Any]:
    names = ("framework", "op", "inputs") if row.op else ("file", "line", "function")
    data: dict[str, Any] = {name: getattr(row, name) for name in names}
    data |= {
        "seconds": _exact(row.seconds),
        "count": row.count,
        "calls": row.calls,
        "backward_seconds": _exact(row.backward_seconds),
        "traced_seconds": _exact(row.traced_seconds),
        "longest_seconds": _exact(row.longest_seconds),
    }
    if not row.op:
        data["ops"] = [
            {"op": part.op, "seconds": _exact(part.seconds), "count": part.count} for part in row.ops
        ]
    return data


def _exact(seconds: float) -> float:
    """To the nanosecond: an op may take less than a microsecond."""
    return round(seconds, 9)

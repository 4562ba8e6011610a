"""Kernel time as data, for programs: schema version 1, told in docs/reference/kernels-json.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tracedbg.explain.kernels.against import Change
    from tracedbg.explain.kernels.idle import Idle, IdleTime
    from tracedbg.explain.kernels.reading import Explained
    from tracedbg.explain.kernels.table import Place, Row, Table

SCHEMA = 1
_MOST_KERNELS = 20


def to_json(explained: Sequence[Explained], table: Table, idle: Sequence[IdleTime]) -> dict[str, Any]:
    """All that a table says, and what it was made of."""
    return {
        "schema": SCHEMA,
        "by": table.level.value,
        "total_ns": table.total_ns,
        "count": table.count,
        "inferred_ns": table.inferred_ns,
        "backward_ns": table.backward_ns,
        "files": [_file(one, gaps) for one, gaps in zip(explained, idle, strict=True)],
        "rows": [_row(row, table) for row in table.rows],
    }


def with_changes(data: dict[str, Any], sections: Iterable[tuple[str, Sequence[Change]]]) -> dict[str, Any]:
    """`data` with how it differs from another recording."""
    changes = {
        f"{noun}s": [
            {
                "verdict": change.verdict.value,
                **_place(change.place),
                "before_ns": change.before_ns,
                "after_ns": change.after_ns,
                "before_count": change.before_count,
                "after_count": change.after_count,
            }
            for change in found
        ]
        for noun, found in sections
    }
    return {**data, "against": changes}


def _file(one: Explained, idle: IdleTime) -> dict[str, Any]:
    return {
        "file": one.timeline.file,
        "source": one.timeline.source,
        "size_bytes": one.timeline.size_bytes,
        "total_ns": one.total_ns,
        "is_host_time": one.is_host_time,
        "damage": [{"message": found.message, "byte": found.byte} for found in one.timeline.damage],
        "notes": list(one.notes),
        "span_ns": idle.span_ns,
        "idle_ns": idle.idle_ns,
        "idle": [_idle(gaps) for gaps in idle.rows],
    }


def _row(row: Row, table: Table) -> dict[str, Any]:
    return {
        **_place(row.place),
        "time_ns": row.time_ns,
        "share": round(table.share(row.time_ns), 6),
        "count": row.count,
        "forward_ns": row.forward_ns,
        "backward_ns": row.backward_ns,
        "inferred_ns": row.inferred_ns,
        "fused_ns": row.fused_ns,
        "kernels": [
            {"name": name, "time_ns": time_ns} for name, time_ns in row.kernels.most_common(_MOST_KERNELS)
        ],
        "backward_calls": [
            {**_place(place), "time_ns": time_ns} for place, time_ns in row.calls.most_common()
        ],
    }


def _idle(gaps: Idle) -> dict[str, Any]:
    return {
        **_place(gaps.place),
        "time_ns": gaps.time_ns,
        "gaps": gaps.gaps,
        "longest_ns": gaps.longest_ns,
    }


def _place(place: Place) -> dict[str, Any]:
    return {
        "whose": place.whose.value,
        "file": place.file or None,
        "line": place.line or None,
        "name": place.name or None,
        "is_exact": place.is_exact,
    }

"""The steps of eager code as data: a part of the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracedbg.explain import GraphChange, GraphPlace, StepSummary


def steps_json(steps: StepSummary) -> dict[str, Any]:
    """One function that does steps."""
    return {
        "kind": steps.kind,
        "name": steps.name,
        "file": steps.file,
        "line": steps.line,
        "is_user": steps.is_user,
        "steps": steps.steps,
        "looked_at": steps.looked_at,
        "graphs": steps.graphs,
        "nodes": steps.nodes,
        "changes": [_change(change) for change in steps.changes],
        "costs": [
            {
                "file": cost.file,
                "line": cost.line,
                "function": cost.function,
                "nodes": cost.nodes,
                "saved_bytes": cost.saved_bytes,
                "backward_seconds": round(cost.backward_seconds, 9),
            }
            for cost in steps.costs
        ],
    }


def _change(change: GraphChange) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "node": change.node,
        "before": _place(change.before),
        "after": _place(change.after),
        "count": change.count,
        "back": change.back,
        "step": change.step,
        "graphs": change.graphs,
        "file": change.file,
        "line": change.line,
        "message": change.message,
        "advice": change.advice,
        "turns": list(change.turns),
    }


def _place(place: GraphPlace) -> dict[str, Any]:
    return {"op": place.op, "file": place.file, "line": place.line}

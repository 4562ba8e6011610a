"""The numbers that torch itself keeps, and the same numbers from our events."""

from __future__ import annotations

from tracedbg.events import Fallback, TraceEnded, TraceStarted


def from_torch():
    """Compile ids without a failure, and how many records have one."""
    from torch._dynamo.utils import get_compilation_metrics

    records = [record for record in get_compilation_metrics() if record.is_forward is not False]
    return {
        "compiles": [str(record.compile_id) for record in records if not record.fail_type],
        "limit_hits": sum(bool(record.fail_type) for record in records),
    }


def from_events(sink):
    """The same by the rule in the docstring of `compiles.py`."""
    labels = {event.id: event.label for event in sink.of(TraceStarted)}
    nested = {event.id for event in sink.of(TraceStarted) if event.parent_id is not None}
    ended = [event for event in sink.of(TraceEnded) if event.id not in nested]
    limits = [event for event in sink.of(Fallback) if event.kind in ("recompile_limit", "accumulated_limit")]
    return {
        "compiles": [labels[event.id] for event in ended if not event.error],
        "limit_hits": sum(bool(event.error) for event in ended) + len(limits),
    }

"""Questions that many tests ask of the events."""

from __future__ import annotations

from tracedbg.events import Outcome, Role, TraceEnded, TraceStarted


def started(sink, name, role=None):
    """The traces of the function called `name`, in order."""
    return [
        event
        for event in sink.of(TraceStarted)
        if event.traceable.name.split(".")[-1] == name and (role is None or event.role is role)
    ]


def ended(sink, trace):
    (event,) = sink.of(TraceEnded, id=trace.id)
    return event


def tracing_counts(sink, name):
    """`experimental_get_tracing_count` of each function object of that name, as the package documents it."""
    counts = {}
    for trace in started(sink, name):
        counts.setdefault(trace.traceable.object_id, 0)
        if trace.role is not Role.BACKWARD and ended(sink, trace).outcome is Outcome.COMPILED:
            counts[trace.traceable.object_id] += 1
    return list(counts.values())

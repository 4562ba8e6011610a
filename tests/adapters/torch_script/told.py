"""What was told of the compiles, put together for comparison."""

from __future__ import annotations

from tracedbg.events import GraphMade, TraceEnded, TraceStarted
from tracedbg.explain.causes import Explainer
from tracedbg.store.records import TraceRecord

IGNORE_DEPRECATION = "ignore:`torch.jit:DeprecationWarning"
IGNORE_TRACER = "ignore::torch.jit.TracerWarning"


def line_of(file, marker):
    with open(file) as opened:
        return next(number for number, text in enumerate(opened, 1) if text.rstrip().endswith(f"# @{marker}"))


def names(sink, **fields):
    return [event.traceable.name for event in sink.of(TraceStarted, **fields)]


def started(sink, name):
    (event,) = [event for event in sink.of(TraceStarted) if event.traceable.name == name]
    return event


def ended(sink, name):
    (event,) = sink.of(TraceEnded, id=started(sink, name).id)
    return event


def sites(sink, name):
    (event,) = sink.of(GraphMade, trace_id=started(sink, name).id)
    assert event.stage == "torchscript"
    return event.sites


def causes(sink):
    explainer = Explainer()
    ends = {event.id: event for event in sink.of(TraceEnded)}
    return [
        [cause.kind for cause in explainer.next(TraceRecord(event, ends[event.id], ()))]
        for event in sink.of(TraceStarted)
    ]

"""Traces told by hand, as an adapter would tell them."""

from __future__ import annotations

from tracedbg import events as ev
from tracedbg import session

SECOND_NS = 10**9


def traceable(name="step", line=5, **changes):
    return ev.Traceable(
        ev.Framework.TORCH_COMPILE, name, "train.py", line, **{"object_id": 1, "closure_id": "c", **changes}
    )


def traced(size, *, outcome="compiled", name="step", line=5, parent=None, start_ns=None, later=(), **changes):
    """One trace of a second, for a tensor of that size; its id."""
    hub = session.hub()
    number = hub.new_id()
    start_ns = number * 10 * SECOND_NS if start_ns is None else start_ns
    signature = ev.Signature((("x", ev.TensorSpec("float32", (size,))),))
    started = {
        "signature": signature,
        "call_stack": (ev.Frame("train.py", 7, "main"),),
        "options": (("dynamic", "False"),),
        "parent_id": parent,
        "cached_count": 0,
        **changes,
    }
    hub.emit(ev.TraceStarted(number, traceable(name, line), start_ns, 1, **started))
    hub.emit(ev.TraceEnded(number, start_ns + SECOND_NS, ev.Outcome(outcome)))
    for begin_s, seconds in later:
        hub.emit(
            ev.PhaseSpan(number, "backward_backend", start_ns + begin_s * SECOND_NS, seconds * SECOND_NS)
        )
    return number

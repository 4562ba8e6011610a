"""Requests about what was recorded of this process so far: traces, their causes, generated code.

It reads the recording like any other reader: while it is written.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tracedbg import session
from tracedbg.dap.arguments import RequestError
from tracedbg.dap.commands import Command, Where
from tracedbg.explain import Explainer, is_retrace
from tracedbg.store.reader import ProcessRecording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracedbg.dap.commands import Call
    from tracedbg.dap.protocol import Body
    from tracedbg.events import Cause, Conversion
    from tracedbg.store.records import TraceRecord

_MOST = 1000
_NANOSECONDS = 1e9


@contextmanager
def reading() -> Iterator[ProcessRecording]:
    """The recording of this process, with all that has happened until now.

    Raises:
        RequestError: nothing records this process.
    """
    for running in session.running():
        running.flush()
        recording = ProcessRecording.open(running.database)
        try:
            yield recording
        finally:
            recording.close()
        return
    raise RequestError("this process is not recorded, or has imported no framework yet")


def generated() -> list[tuple[str, str]]:
    """(name, text) of the code that AutoGraph has generated."""
    if not session.running():
        return []
    with reading() as recording:
        return [(_name_of(one), one.generated) for one in recording.conversions() if one.generated]


def _name_of(conversion: Conversion) -> str:
    place = f"{os.path.basename(conversion.file)}:{conversion.line}"
    return f"{conversion.function} as AutoGraph has converted it ({place})"


def traces(call: Call) -> Body:
    """`tracedbg/traces`: a page of the traces of this process, each with its causes."""
    arguments = call.request.arguments
    start, count = max(0, arguments.number("start", 0)), arguments.number("count", _MOST)
    function = arguments.text("function", "")
    found = [
        (trace, causes)
        for trace, causes in explained()
        if not function or trace.started.traceable.name == function
    ]
    page = found[start : start + max(0, min(count, _MOST))]
    return {"total": len(found), "traces": [_trace(call, trace, causes) for trace, causes in page]}


def causes(call: Call) -> Body:
    """`tracedbg/causes`: why one trace happened, and what to do about it."""
    wanted = call.request.arguments.number("trace")
    for trace, why in explained():
        if trace.started.id == wanted:
            return _trace(call, trace, why)
    raise RequestError(f"there is no trace {wanted}")


def explained() -> list[tuple[TraceRecord, tuple[Cause, ...]]]:
    """All traces of this process, each with its causes.

    Raises:
        RequestError: nothing records this process.
    """
    with reading() as recording:
        explainer = Explainer(recording.info.versions)
        return [(trace, explainer.next(trace)) for trace in recording.traces()]


def _trace(call: Call, trace: TraceRecord, why: tuple[Cause, ...]) -> Body:
    started, ended = trace.started, trace.ended
    return {
        "trace": started.id,
        "framework": started.traceable.framework.value,
        "function": started.traceable.name,
        "file": started.traceable.file,
        "line": call.client.line_out(started.traceable.line),
        "role": started.role.value,
        "label": (ended.label if ended else "") or started.label,
        "isRetrace": is_retrace(trace, why),
        "outcome": ended.outcome.value if ended else "running",
        "seconds": (ended.end_ns - started.start_ns) / _NANOSECONDS if ended else None,
        "causes": [_cause(call, one) for one in why],
    }


def _cause(call: Call, cause: Cause) -> Body:
    return {
        "kind": cause.kind.value,
        "argument": cause.argument,
        "before": cause.before,
        "after": cause.after,
        "file": cause.file,
        "line": call.client.line_out(cause.line),
        "message": cause.message,
        "advice": cause.advice,
    }


COMMANDS = {
    "tracedbg/traces": Command(traces, Where.WORKER),
    "tracedbg/causes": Command(causes, Where.WORKER),
}

"""Stops at what the recording adapters tell: a retrace, a graph break, a call that runs eager in silence.

It must not know frameworks: it reads events, on the thread where the thing happens.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tracedbg import session
from tracedbg.events import Event, Fallback, GraphBreak, TraceStarted
from tracedbg.frames import LineFrame, PythonView

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracedbg.debugging import Debugger, View
    from tracedbg.events import Frame

_ASKED_FOR = frozenset({"forced", "disabled", "run_functions_eagerly"})


class Happenings:
    """A sink that tells the debugger of what it waits for, and keeps nothing."""

    def __init__(self, debugger: Debugger) -> None:
        self._debugger = debugger

    def start(self) -> Callable[[], None]:
        """Listen; returns what ends it."""
        return session.watch(self)

    def emit(self, event: Event) -> None:
        """See `Sink`; the same for the methods below."""
        match event:
            case TraceStarted() if self._debugger.wants("retrace"):
                if why := self._why_again(event):
                    self._debugger.happened("retrace", _here(), why)
            case GraphBreak() if self._debugger.wants("graph_break"):
                text = f"{event.function.name} is cut in two: {event.reason}"
                self._debugger.happened("graph_break", _here(event.frame), text)
            case Fallback() if event.kind not in _ASKED_FOR and self._debugger.wants("silent_eager"):
                text = f"{event.function.name} runs eager: {event.reason}"
                self._debugger.happened("silent_eager", _here(), text)

    def _why_again(self, started: TraceStarted) -> str:
        """The causes of a trace and what to do, in words; empty for one that is no retrace."""
        with self._debugger.suspended():
            return why_again(started)

    def flush(self) -> None:  # noqa: D102
        pass

    def new_id(self) -> int:  # noqa: D102
        return session.hub().new_id()

    def now_ns(self) -> int:  # noqa: D102
        return session.hub().now_ns()


def why_again(started: TraceStarted) -> str:
    """The causes of a trace that is recorded already, a line each; empty if it is no retrace."""
    from tracedbg.explain import Explainer, is_retrace  # noqa: PLC0415  deferred: only when one stops
    from tracedbg.store.reader import ProcessRecording  # noqa: PLC0415  deferred: likewise

    for running in session.running():
        running.flush()
        recording = ProcessRecording.open(running.database)
        try:
            explainer = Explainer()
            for trace in recording.traces():
                causes = explainer.next(trace)
                if trace.started.id == started.id and is_retrace(trace, causes):
                    lines = [f"{started.traceable.name} is traced again"]
                    lines += [f"{cause.message}; {cause.advice}" for cause in causes]
                    return "\n".join(lines)
        finally:
            recording.close()
    return ""


def _here(traced: Frame | None = None) -> View:
    outer = LineFrame(traced.file, traced.line, traced.function) if traced else None
    return PythonView(sys._getframe(1), outer=outer)

"""Has each stop of the debugger recorded: where a thread stood still, and from when to when.

It must not know who answers a stop, nor where the recording goes.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from tracedbg.events import Frame, Stopped
from tracedbg.hooks import Hooks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracedbg.engine import Stop
    from tracedbg.hooks import Hub


class Stops:
    """Emits a `Stopped` for each thread that goes on."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._hooks = Hooks(hub, "debugger")

    @contextmanager
    def recorded(self, stop: Stop) -> Iterator[None]:
        """Around the time in which the thread stands still; on that thread."""
        start_ns = self._hub.now_ns()
        # Before anybody looks at it: a view is of this moment, and a person may change what it shows.
        begun = self._hooks.safely("stop", _event, stop, start_ns)
        try:
            yield
        finally:
            end_ns = self._hub.now_ns()
            if threading.current_thread() is threading.main_thread():
                self._hub.held_ns += end_ns - start_ns
            if begun is not None:
                self._hub.emit(replace(begun, end_ns=end_ns))


def _event(stop: Stop, start_ns: int) -> Stopped:
    """The stop as it begins."""
    view = stop.view
    frames = view.frames()
    return Stopped(
        reason=stop.reason,
        frame=Frame(view.file, view.line, frames[0].function if frames else ""),
        thread_id=stop.thread_id,
        start_ns=start_ns,
        end_ns=start_ns,
        stack=tuple(Frame(one.file, one.line, one.function) for one in frames if one.is_user),
        op=view.op.site.op if view.op else "",
        graph=view.walk.graph if view.walk else "",
        is_backward=view.is_backward,
        text=stop.text,
    )

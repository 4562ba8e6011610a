"""Notices lines by `sys.monitoring`, from Python 3.12 on.

It must not know what a stop is.
"""

from __future__ import annotations

import sys
from threading import get_ident
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.python_lines.view import LineView
from tracedbg.source import is_ours

if TYPE_CHECKING:
    from types import CodeType, FrameType

    from tracedbg.adapters.python_lines.wanted import Wanted
    from tracedbg.debugging import Debugger
    from tracedbg.hooks import Hooks

_IDS = (4, 3)
"""Python names 0, 1, 2 and 5: debugger, coverage, profiler, optimizer."""


class Monitoring:
    """Line events of the code in which something may stop; of any other code, one event for its first call.

    Another tool may call `restart_events`: then what was disabled here is asked again, and disabled again.
    """

    def __init__(self, hooks: Hooks, debugger: Debugger, wanted: Wanted) -> None:
        self._hooks = hooks
        self._debugger = debugger
        self._wanted = wanted
        self._monitoring: Any = vars(sys)["monitoring"]
        self._id: int | None = None
        self._lit: dict[int, CodeType] = {}

    def own_code(self) -> tuple[CodeType, ...]:
        """What Python calls amid the user's code."""
        return Monitoring._called.__code__, Monitoring._about_to_run.__code__

    def arm(self) -> None:
        """Have the events of all threads, with what they are running already."""
        monitoring, events = self._monitoring, self._monitoring.events
        if self._id is None:
            tool = next((one for one in _IDS if monitoring.get_tool(one) is None), None)
            if tool is None:
                raise RuntimeError(f"the tool ids {_IDS} of sys.monitoring are taken")
            monitoring.use_tool_id(tool, "tracedbg")
            self._id = tool
            monitoring.register_callback(tool, events.PY_START, self._called)
            monitoring.register_callback(tool, events.PY_RESUME, self._called)
            monitoring.register_callback(tool, events.LINE, self._about_to_run)
            monitoring.set_events(tool, events.PY_START | events.PY_RESUME)
        monitoring.restart_events()
        for thread_id, frame in sys._current_frames().items():
            self._take_stack(thread_id, frame)

    def disarm(self) -> None:
        """Leave nothing."""
        if self._id is None:
            return
        monitoring, events = self._monitoring, self._monitoring.events
        monitoring.set_events(self._id, 0)
        for code in self._lit.values():
            monitoring.set_local_events(self._id, code, 0)
        self._lit.clear()
        for event in (events.PY_START, events.PY_RESUME, events.LINE):
            monitoring.register_callback(self._id, event, None)
        monitoring.free_tool_id(self._id)
        self._id = None

    def _take_stack(self, thread_id: int, frame: FrameType | None) -> None:
        while frame is not None:
            if not is_ours(frame.f_code.co_filename) and self._wanted.is_in_the_way(frame, thread_id):
                # What is disabled in running code comes back only where its events are set anew.
                self._monitoring.set_local_events(self._id, frame.f_code, 0)
                self._light(frame.f_code)
            frame = frame.f_back

    def _light(self, code: CodeType) -> None:
        self._lit[id(code)] = code
        self._monitoring.set_local_events(self._id, code, self._monitoring.events.LINE)

    def _called(self, code: CodeType, offset: int) -> Any:  # noqa: ARG002  given by Python
        if self._id is not None and self._hooks.safely("call", self._wanted.stops_in, code) is not None:
            self._light(code)
        return self._monitoring.DISABLE

    def _about_to_run(self, code: CodeType, line: int) -> Any:
        wanted = self._wanted
        lines = wanted.lines.get(code.co_filename) or wanted.lines_of(code.co_filename)
        if lines is not None:
            if line in lines or get_ident() in wanted.stepping:
                self._hooks.safely("line", self._ask, sys._getframe(1))
                return None
            if wanted.stepping:
                return None
        return self._monitoring.DISABLE

    def _ask(self, frame: FrameType) -> None:
        if self._wanted.is_new(frame):
            self._debugger.line(LineView(frame))

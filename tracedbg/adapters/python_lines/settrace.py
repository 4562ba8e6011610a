"""Notices lines by `sys.settrace`, before Python 3.12.

It must not know what a stop is.
"""

from __future__ import annotations

import sys
import threading
from threading import get_ident
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.python_lines._compat import OtherThreads
from tracedbg.adapters.python_lines.view import LineView
from tracedbg.events import Fault
from tracedbg.source import is_ours

if TYPE_CHECKING:
    from types import CodeType, FrameType

    from tracedbg.adapters.python_lines.wanted import Wanted
    from tracedbg.debugging import Debugger
    from tracedbg.hooks import Hooks


class SetTrace:
    """Trace functions in every thread while anything is wanted; where another tracer is, that one stays."""

    def __init__(self, hooks: Hooks, debugger: Debugger, wanted: Wanted) -> None:
        self._hooks = hooks
        self._debugger = debugger
        self._wanted = wanted
        self._others = hooks.safely("threads", OtherThreads)
        self._is_armed = False
        self._has_said = False
        # One object each: they are compared by identity.
        self._on_call = self._called
        self._on_line = self._about_to_run

    def own_code(self) -> tuple[CodeType, ...]:
        """What Python calls amid the user's code."""
        return SetTrace._called.__code__, SetTrace._about_to_run.__code__

    def arm(self) -> None:
        """Trace all threads, with what they are running already."""
        self._is_armed = True
        if threading.gettrace() is None:
            threading.settrace(self._on_call)
        if not getattr(threading.current_thread(), "pydev_do_not_trace", False):
            self._take_this_thread()
        if self._others is not None:
            self._others.set(self._on_call)
        for thread_id, frame in sys._current_frames().items():
            self._take_stack(thread_id, frame)

    def disarm(self) -> None:
        """Leave nothing."""
        self._is_armed = False
        if self._others is not None:
            self._others.stop()
            self._others.clear(self._on_call)
        if threading.gettrace() is self._on_call:
            threading.settrace(None)
        if sys.gettrace() is self._on_call:
            sys.settrace(None)
        for frame in sys._current_frames().values():
            at: FrameType | None = frame
            while at is not None:
                if at.f_trace is self._on_line:
                    del at.f_trace
                at = at.f_back

    def _take_this_thread(self) -> None:
        present = sys.gettrace()
        if present is None:
            sys.settrace(self._on_call)
        elif present is not self._on_call and not self._has_said:
            self._has_said = True
            name = getattr(present, "__qualname__", type(present).__qualname__)
            message = (
                f"{getattr(present, '__module__', '')}.{name} traces this program already: "
                "breakpoints on lines that run as Python are left to it"
            )
            self._hooks.sink.emit(Fault(f"{self._hooks.name}.settrace", message, self._hooks.sink.now_ns()))

    def _take_stack(self, thread_id: int, frame: FrameType | None) -> None:
        while frame is not None:
            if (
                frame.f_trace is None
                and not is_ours(frame.f_code.co_filename)
                and self._wanted.is_in_the_way(frame, thread_id)
            ):
                frame.f_trace = self._on_line
            frame = frame.f_back

    # Dynamo compiles any Python function that is called with a tensor below a compiled one, a trace function
    # as well: see `Debugger.add_own_code`.

    def _called(self, frame: FrameType, event: str, arg: Any) -> Any:  # noqa: ARG002  given by Python
        code = frame.f_code
        wanted = self._wanted
        known = wanted.answers.get(id(code))
        if known is not None:
            return self._on_line if known[1] else None
        if wanted.lines.get(code.co_filename, self) is None:
            return None
        return self._on_line if self._hooks.safely("call", wanted.may_stop_in, code) else None

    def _about_to_run(self, frame: FrameType, event: str, arg: Any) -> None:  # noqa: ARG002  given by Python
        if event == "line":
            wanted = self._wanted
            lines = wanted.lines.get(frame.f_code.co_filename) or wanted.lines_of(frame.f_code.co_filename)
            if lines is not None and (frame.f_lineno in lines or get_ident() in wanted.stepping):
                self._hooks.safely("line", self._ask, frame)

    def _ask(self, frame: FrameType) -> None:
        try:
            self._debugger.line(LineView(frame))
        except KeyboardInterrupt:
            if self._others is not None:
                self._others.set_again(self._on_call, lambda: self._is_armed)
            raise

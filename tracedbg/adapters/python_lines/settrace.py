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
    from collections.abc import Callable
    from types import CodeType, FrameType

    from tracedbg.adapters.python_lines.wanted import Wanted
    from tracedbg.debugging import Debugger
    from tracedbg.hooks import Hooks

    TraceFunction = Callable[[FrameType, str, Any], Any]

_LIMIT = 10_000
"""Code objects that are remembered; programs that make code in a loop have no end of them."""


class SetTrace:
    """Trace functions in every thread while anything is wanted; where another tracer is, that one stays."""

    def __init__(self, hooks: Hooks, debugger: Debugger, wanted: Wanted) -> None:
        self._hooks = hooks
        self._debugger = debugger
        self._wanted = wanted
        self._others = hooks.safely("threads", OtherThreads)
        self._is_armed = False
        self._has_said = False
        self._tracers: dict[int, TraceFunction | None] = {}
        """What traces the lines of a code object, by its identity; emptied when something changes."""
        self._kept: list[CodeType] = []
        """Those code objects: another one may get the identity of one that is gone."""
        self._changes = 0
        self._on_call = self._tracer_of_calls()
        tracers = self._on_call, self._tracer_of_breakpoints(frozenset()), self._tracer_of_steps(frozenset())
        self._own = tuple(one.__code__ for one in tracers)

    def own_code(self) -> tuple[CodeType, ...]:
        """What Python calls amid the user's code."""
        return self._own

    def arm(self) -> None:
        """Trace all threads, with what they are running already."""
        self._is_armed = True
        self._forget()
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
        self._forget()
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
                if self._is_ours(at.f_trace):
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
            if frame.f_trace is None or self._is_ours(frame.f_trace):
                if not is_ours(frame.f_code.co_filename) and self._wanted.is_in_the_way(frame, thread_id):
                    frame.f_trace = self._tracer_of(frame.f_code)
                elif frame.f_trace is not None:
                    del frame.f_trace
            frame = frame.f_back

    def _is_ours(self, function: Any) -> bool:
        return getattr(function, "__code__", None) in self._own

    def _tracer_of(self, code: CodeType) -> TraceFunction | None:
        """What traces the lines of code that has begun to run; None where nothing may stop."""
        changes = self._changes
        if len(self._kept) > _LIMIT:
            self._forget()
        stops = self._hooks.safely("call", self._wanted.stops_in, code)
        tracer = None
        if stops is not None:
            tracer = (self._tracer_of_steps if self._wanted.stepping else self._tracer_of_breakpoints)(stops)
        if changes == self._changes:
            self._kept.append(code)
            self._tracers[id(code)] = tracer
        return tracer

    def _forget(self) -> None:
        self._changes += 1
        self._tracers.clear()
        self._kept = []

    # Functions that hold what they need, and look first at what is nearly always so: Python calls them at
    # each call, and at each line of a function with a breakpoint. Dynamo has to leave them alone: it compiles
    # any Python function that is called with a tensor below a compiled one, see `Debugger.add_own_code`.

    def _tracer_of_calls(self) -> TraceFunction:
        tracers, tracer_of = self._tracers, self._tracer_of

        def called(frame: FrameType, event: str, arg: Any) -> Any:  # noqa: ARG001  given by Python
            try:
                return tracers[id(frame.f_code)]
            except KeyError:
                return tracer_of(frame.f_code)

        return called

    def _tracer_of_breakpoints(self, stops: frozenset[int]) -> TraceFunction:
        safely, ask = self._hooks.safely, self._ask

        def about_to_run(frame: FrameType, event: str, arg: Any) -> None:  # noqa: ARG001  given by Python
            if frame.f_lineno in stops and event == "line":
                safely("line", ask, frame)

        return about_to_run

    def _tracer_of_steps(self, stops: frozenset[int]) -> TraceFunction:
        safely, ask, wanted = self._hooks.safely, self._ask, self._wanted

        def about_to_run(frame: FrameType, event: str, arg: Any) -> None:  # noqa: ARG001  given by Python
            if event == "line" and (frame.f_lineno in stops or get_ident() in wanted.stepping):
                safely("line", ask, frame)

        return about_to_run

    def _ask(self, frame: FrameType) -> None:
        if not self._wanted.is_new(frame):
            return
        try:
            self._debugger.line(LineView(frame))
        except KeyboardInterrupt:
            if self._others is not None:
                self._others.set_again(self._on_call, lambda: self._is_armed)
            raise

"""How long the first run of each new graph took, in which TensorFlow optimises it (Grappler, XLA).

A function that is to run holds TensorFlow's context, and asks it three things in a call: whether it
executes eagerly, to be called, and whether it executes eagerly once more. For one call we stand in for
the context, and note when the second and the third are looked up; what is called is the context's own.
So no frame of ours is on the stack while the function runs, and later calls do not meet us at all.
"""

from __future__ import annotations

import sys
import weakref
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_common import _compat
from tracedbg.events import PhaseSpan

if TYPE_CHECKING:
    from types import FrameType

    from tracedbg.hooks import Hooks


class FirstRuns:
    """Times the first run of each function that it is told of."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._sink = hooks.sink
        self._waiting: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
        """The functions that have not run yet, by the `id` of what stands in for their context."""
        self._is_installed = False

    def install(self) -> None:
        """Begin to take functions."""
        _compat.RUNNABLE.get()
        self._is_installed = True
        self._hooks.on_remove(self._give_back_all)

    def expect(self, function: Any, trace_id: int) -> None:
        """Time the next eager run of `function`, an `AtomicFunction` that `trace_id` has made."""
        if self._is_installed:
            self._hooks.safely("first_run", self._expect, function, trace_id)

    def begin(self, watch: _Context, frame: FrameType) -> None:
        """The function is about to run; `frame` is what runs it."""
        self._hooks.safely("first_run", self._begin, watch, frame)

    def end(self, watch: _Context, frame: FrameType) -> None:
        """The function has run; or it raised, or is in another thread, and here it is about to run again."""
        self._hooks.safely("first_run", self._end, watch, frame)

    def _expect(self, function: Any, trace_id: int) -> None:
        watch = _Context(function._bound_context, self, trace_id)
        self._waiting[id(watch)] = function
        function._bound_context = watch

    def _begin(self, watch: _Context, frame: FrameType) -> None:
        if watch.start_ns is None:
            watch.start_at = frame.f_lasti
            watch.start_ns = self._sink.now_ns()

    def _end(self, watch: _Context, frame: FrameType) -> None:
        end_ns = self._sink.now_ns()
        has_run = frame.f_lasti > watch.start_at
        if self._give_back(watch) and has_run and watch.start_ns is not None:
            span = PhaseSpan(watch.trace_id, "first_run", watch.start_ns, end_ns - watch.start_ns)
            self._sink.emit(span)

    def _give_back(self, watch: _Context) -> bool:
        function = self._waiting.pop(id(watch), None)
        if function is not None and function._bound_context is watch:
            function._bound_context = watch.context
        return function is not None

    def _give_back_all(self) -> None:
        for function in list(self._waiting.values()):
            if isinstance(watch := function._bound_context, _Context):
                self._give_back(watch)


class _Context:
    """Stands in for TensorFlow's `Context`, in one `AtomicFunction`, until that has run."""

    __slots__ = ("_runs", "context", "start_at", "start_ns", "trace_id")

    def __init__(self, context: Any, runs: FirstRuns, trace_id: int) -> None:
        self.context = context
        self.trace_id = trace_id
        self.start_ns: int | None = None
        self.start_at = 0
        """How far the code that runs the function had come by then."""
        self._runs = runs

    @property
    def call_function(self) -> Any:
        self._runs.begin(self, sys._getframe(1))
        return self.context.call_function

    @property
    def executing_eagerly(self) -> Any:
        if self.start_ns is not None:
            self._runs.end(self, sys._getframe(1))
        return self.context.executing_eagerly

    def __getattr__(self, name: str) -> Any:
        return getattr(self.context, name)

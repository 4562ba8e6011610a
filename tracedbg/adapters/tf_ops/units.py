"""Calls without a gradient: the ops of each call of a model, in their order, are a step of who called it.

What is called may be a model of Keras, or the function whose calls the window counts.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.steps import Places, place_of
from tracedbg.adapters.tf_ops import _compat
from tracedbg.adapters.tf_ops.graphs import Graphs
from tracedbg.adapters.tf_ops.logs import Log, linked

if TYPE_CHECKING:
    from types import FrameType

    from tracedbg.adapters.tf_ops.counts import ThreadCounts
    from tracedbg.adapters.tf_ops.ways import Ways
    from tracedbg.hooks import Hooks


class Units:
    """Follows the calls of all threads."""

    def __init__(self, hooks: Hooks, ways: Ways) -> None:
        self._hooks = hooks
        self._ways = ways
        self._places = Places(hooks.sink, "sequence")
        self._graphs = Graphs(self._places)
        hooks.on_tell(self._places.tell)
        hooks.on_remove(self._close)

    def watch_models(self) -> None:
        """Follow calls of the outermost layer; nothing of ours is on the stack while one runs."""
        begins, ends = _compat.CALL_BEGINS.owner(), _compat.CALL_ENDS.owner()
        self._hooks.patch(*begins, self._begins)
        self._hooks.patch(*ends, self._ends)

    def _begins(self, original: Any) -> Any:
        def _get_call_context(layer: Any) -> Any:
            context = original(layer)
            if context.entry_layer is layer and self._ways.is_on:
                self._hooks.safely("models", self._model_called, layer, sys._getframe(1))
            return context

        return _get_call_context

    def _model_called(self, layer: Any, frame: FrameType) -> None:
        from tensorflow.python.eager import context

        thread = self._ways.thread()
        if thread.log is None and thread.backward is None and context.executing_eagerly():
            log = Log(is_unit=True)
            log.layer = id(layer)
            self._open(thread, log, self._places.at(place_of(frame), frame))

    def _ends(self, original: Any) -> Any:
        def _maybe_reset_call_context(layer: Any) -> None:
            original(layer)
            thread = self._ways.thread()
            if thread.unit is not None and thread.unit.layer == id(layer):
                self._hooks.safely("models", self.ended, thread)

        return _maybe_reset_call_context

    def called(self, thread: ThreadCounts, frame: FrameType) -> None:
        """A call of the function whose calls are counted has begun."""
        if thread.unit is not None and thread.unit.is_by_ops:
            self.ended(thread)
        if thread.log is None and thread.backward is None:
            code = frame.f_code
            place = self._places.at((id(code), code.co_firstlineno), frame)
            self._open(thread, Log(is_unit=True, is_by_ops=True), place)

    @staticmethod
    def _open(thread: ThreadCounts, log: Log, place: Any) -> None:
        log.place = place
        thread.unit = thread.log = log

    def ended(self, thread: ThreadCounts) -> None:
        """The call that a thread was in has ended."""
        log, thread.unit = thread.unit, None
        if thread.log is log:
            thread.log = None
        if log is not None and log.entries:
            self._graphs.step(log.place, log.entries, linked(log.entries, range(len(log.entries))))

    def _close(self) -> None:
        for thread in list(self._ways.threads.values()):
            self._hooks.safely("calls", self.ended, thread)
        self._places.tell()

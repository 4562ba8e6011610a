"""Takes TensorFlow's calls of functions while something may stop in one, and leaves them alone otherwise."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_function.walk import _compat
from tracedbg.adapters.tf_function.walk.interpreter import Interpreter
from tracedbg.adapters.tf_function.walk.notes import notes_of
from tracedbg.adapters.tf_function.walk.views import Walked

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracedbg.adapters.tf_function.walk.execute import Executor
    from tracedbg.adapters.tf_function.walk.functions import Functions
    from tracedbg.debugging import Debugger
    from tracedbg.hooks import Hooks


class Switch:
    """Puts itself in the place of `Context.call_function`, and takes itself out again."""

    def __init__(self, hooks: Hooks, debugger: Debugger, functions: Functions, executor: Executor) -> None:
        self._hooks = hooks
        self._debugger = debugger
        self._functions = functions
        self._executor = executor
        self._owner, self._attribute = _compat.CALL_FUNCTION.owner()
        self._lock = threading.RLock()
        self._original: Callable[..., Any] | None = None
        self._ours: Any = None
        self._is_removed = False
        hooks.on_remove(self._remove)

    def update(self) -> None:
        """Take calls if any function may be walked, or leave them alone."""
        wanted = any(self._debugger.may_walk(outline) for outline in self._functions.outlines())
        with self._lock:
            if wanted and not self._is_removed:
                self._on()
            else:
                self._off()

    def _remove(self) -> None:
        with self._lock:
            self._is_removed = True
            self._off()

    def _on(self) -> None:
        if self._original is None:
            self._original = vars(self._owner)[self._attribute]
            self._ours = self._make(self._original)
            setattr(self._owner, self._attribute, self._ours)

    def _off(self) -> None:
        """Others may have put something in our place: then ours stays below it, and passes calls on."""
        if self._original is not None and vars(self._owner)[self._attribute] is self._ours:
            setattr(self._owner, self._attribute, self._original)
            self._original = None

    def _make(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def call_function(context: Any, name: Any, tensor_inputs: Any, num_outputs: Any) -> Any:
            walk = self._hooks.safely("begin", self._begin, name, sys._getframe(1))
            if walk is None:
                return original(context, name, tensor_inputs, num_outputs)
            function, interpreter = walk
            inputs = [getattr(value, "handle", value) for value in tensor_inputs]
            try:
                return interpreter.run(function, inputs) or None
            except BaseException as error:
                raise error.with_traceback(None) from error.__cause__  # without the frames of the walk

        call_function.__tracedbg__ = self._hooks.name  # type: ignore[attr-defined]
        return call_function

    def _begin(self, name: bytes | str, frame: Any) -> Any:
        """How a call is to be walked; None if it is to be left alone."""
        if self._is_removed:
            return None
        function = self._functions.find(name.decode() if isinstance(name, bytes) else name)
        if function is None or not self._debugger.wants_walk(function.outline):
            return None
        walk = Walked(function, self._functions, notes_of(function), frame)
        return function, Interpreter(walk, self._functions, self._executor, self._debugger, self._hooks)

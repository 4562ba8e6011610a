"""How many calls of a `tf.function` ran as a graph, and how many eager.

TensorFlow counts calls itself, to warn of frequent tracing, and forgets old ones: one number for each
stretch of calls from one trace to the next. That number is read now and then, and before each stretch is
closed. While functions are to run eagerly, we answer the question whether they are, which each call asks.
Calls inside another function's graph are not counted by TensorFlow, nor is one that raised.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_common import _compat
from tracedbg.adapters.tf_common.stack import caller
from tracedbg.adapters.tf_common.weak import WeakTable
from tracedbg.events import Calls, Fallback

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracedbg.adapters.tf_common.stack import UserStack
    from tracedbg.adapters.tf_function.subjects import Subjects
    from tracedbg.events import Traceable
    from tracedbg.hooks import Hooks

_REASON = "tf.config.run_functions_eagerly(True)"


@dataclass(eq=False)
class _Counted:
    """The calls of one code object: TensorFlow counts those of all its function objects together."""

    function: Traceable
    detector: Any = None
    """What TensorFlow counts with."""
    closed: int = 0
    """Calls up to the last trace but one; less what there was before we came."""
    eager: int = 0
    first_eager_call: int | None = None
    told: tuple[int, int, int | None] = (0, 0, None)

    @property
    def current(self) -> int:
        """Calls since the last trace, with the one that traced."""
        stretches = self.detector._calls_per_tracings if self.detector is not None else ()
        return stretches[-1] if stretches else 0

    @property
    def compiled(self) -> int:
        """All calls that ran as a graph."""
        return self.closed + self.current


class CallCounts:
    """Counts calls while attached, and tells what came to be since it last told."""

    def __init__(self, hooks: Hooks, subjects: Subjects, stack: UserStack) -> None:
        self._hooks = hooks
        self._subjects = subjects
        self._stack = stack
        self._counted: WeakTable[_Counted] = WeakTable()
        self._all: list[_Counted] = []
        self._detectors: Any = None

    def install(self) -> None:
        """Install the hooks, all or none."""
        self._detectors = _compat.CALL_DETECTORS.get()
        traced_call = _compat.TRACED_CALL.owner()
        switch = _Switch(self._hooks, self._runs_eagerly)
        self._hooks.patch(*traced_call, self._wrap)
        switch.install()
        self._hooks.on_tell(self._tell)

    def _wrap(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def called_with_tracing(manager: Any, key: Any, *args: Any, **kwargs: Any) -> Any:
            counted = self._hooks.safely("calls", self._close, key)
            result = original(manager, key, *args, **kwargs)
            if counted is not None and counted.detector is None:
                counted.detector = self._detectors.get(key)
            return result

        return called_with_tracing

    def _close(self, key: Any) -> _Counted | None:
        """A call has traced: another stretch begins."""
        frame = caller()
        function = None if frame is None else frame.f_locals.get("self")
        if function is None:
            return None
        counted = self._of(key, function)
        counted.closed += counted.current
        return counted

    def _of(self, key: Any, function: Any) -> _Counted:
        counted = self._counted.get(key)
        if counted is None:
            counted = _Counted(self._subjects.called(function), self._detectors.get(key))
            counted.closed = -counted.current
            self._counted.set(key, counted)
            self._all.append(counted)
        return counted

    def _runs_eagerly(self, function: Any) -> None:
        counted = self._of(function._key_for_call_stats, function)
        counted.eager += 1
        if counted.first_eager_call is not None:
            return
        counted.first_eager_call = counted.compiled + counted.eager
        sink = self._hooks.sink
        stack = self._stack.frames(caller())
        event = Fallback(counted.function, "run_functions_eagerly", _REASON, sink.now_ns(), call_stack=stack)
        sink.emit(event)

    def _tell(self) -> None:
        for counted in tuple(self._all):
            compiled, eager, first = counted.compiled, counted.eager, counted.first_eager_call
            old_compiled, old_eager, old_first = counted.told
            if (compiled, eager) != (old_compiled, old_eager):
                counted.told = (compiled, eager, first)
                new_first = first if old_first is None else None
                event = Calls(counted.function, compiled - old_compiled, eager - old_eager, new_first)
                self._hooks.sink.emit(event)


class _Switch:
    """Has eager calls noted while functions run eagerly; at other times no call runs code of ours.

    Args:
        hooks: of the adapter.
        note: told of each function that is called eagerly.
    """

    def __init__(self, hooks: Hooks, note: Callable[[Any], None]) -> None:
        self._hooks = hooks
        self._note = note
        self._owner, self._attribute = _compat.RUNS_EAGERLY.owner()
        self._module, self._flag = _compat.EAGER_FLAG.owner()
        self._question: property | None = None
        """The one that was there before ours, while functions run eagerly."""
        if "bool" not in _compat.EAGER_SWITCH.get().co_names:
            raise AttributeError(f"{_compat.EAGER_SWITCH.path} calls no `bool`")

    def install(self) -> None:
        """Install the hook."""
        before = vars(self._module).get("bool")

        def overheard(value: Any) -> bool:
            self._turn_off()
            is_on: bool = (before or bool)(value)
            if is_on:
                self._turn_on()
            return is_on

        def undo() -> None:
            self._turn_off()
            if vars(self._module).get("bool") is overheard:
                del self._module.bool
                if before is not None:
                    self._module.bool = before

        overheard.__tracedbg__ = self._hooks.name  # type: ignore[attr-defined]
        self._module.bool = overheard
        self._hooks.on_remove(undo)
        if getattr(self._module, self._flag):
            self._turn_on()

    def _turn_on(self) -> None:
        self._question = question = vars(self._owner)[self._attribute]
        note, hooks = self._note, self._hooks

        def _run_functions_eagerly(function: Any) -> bool:
            is_eager: bool = question.fget(function)
            if is_eager:
                hooks.safely("calls", note, function)
            return is_eager

        setattr(self._owner, self._attribute, property(_run_functions_eagerly))

    def _turn_off(self) -> None:
        if self._question is not None:
            setattr(self._owner, self._attribute, self._question)
            self._question = None

"""Stands in the way of calls of TorchScript from Python, while something could stop in one.

A call is a walk where lines are asked about and the graph can be walked; else it is torch's own interpreter,
paused at each op; else it is left alone.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_script.walk import _compat
from tracedbg.adapters.torch_script.walk.interpreter import Interpreter
from tracedbg.adapters.torch_script.walk.paused import pausing
from tracedbg.adapters.torch_script.walk.plans import Plans
from tracedbg.debugging import Outline
from tracedbg.hooks import Hooks

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from tracedbg.adapters.torch_script.walk.plans import Plan
    from tracedbg.debugging import Debugger

_NOWHERE = Outline("", "", frozenset(), frozenset())
_PLAIN = (int, float, bool, complex, str, type(None))


class Calls:
    """The two ways in: a function, and a method."""

    def __init__(self, hooks: Hooks, debugger: Debugger) -> None:
        self._hooks = hooks
        self._debugger = debugger
        self.plans = Plans(hooks, debugger.add_outline)
        self._lock = threading.RLock()
        self._patches: Hooks | None = None
        self._is_over = False
        self._tracing = _compat.TRACING.get()
        self.is_at_work: Callable[[], bool] = lambda: False
        """Whether this thread is compiling: calls are then torch's own."""

    def arm(self) -> None:
        """Stand in the way, or not any more, as the debugger wants now."""
        debugger = self._debugger
        wanted = (
            bool(debugger.files()) or debugger.may_stop_at_ops() or debugger.may_walk(_NOWHERE)
        ) and not self._is_over
        with self._lock:
            if wanted and self._patches is None:
                self._patches = Hooks(self._hooks.sink, self._hooks.name)
                self._patches.patch(*_compat.CALL_FUNCTION.find(), self._function)
                self._patches.patch(*_compat.CALL_METHOD.find(), self._method)
            elif not wanted and self._patches is not None:
                self._patches.remove()
                self._patches = None

    def stop(self) -> None:
        """Get out of the way for good."""
        self._is_over = True
        self.arm()

    def _function(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def __call__(self_: Any, /, *args: Any, **kwargs: Any) -> Any:  # noqa: N807  it is one
            plan = self._plan(self.plans.of_function, self_)
            if plan is None:
                return original(self_, *args, **kwargs)
            return self._call(plan, original, self_, None, args, kwargs, sys._getframe(1))

        self._debugger.add_own_code(__call__.__code__)  # Dynamo looks at what a compiled function calls
        return __call__

    def _method(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def __call__(self_: Any, /, *args: Any, **kwargs: Any) -> Any:  # noqa: N807  it is one
            plan = self._plan(self.plans.of_method, self_)
            if plan is None:
                return original(self_, *args, **kwargs)
            return self._call(plan, original, self_, self_.owner, args, kwargs, sys._getframe(1))

        self._debugger.add_own_code(__call__.__code__)  # Dynamo looks at what a compiled function calls
        return __call__

    def _plan(self, make: Callable[[Any], Plan], compiled: Any) -> Plan | None:
        if self._tracing() is not None or self._is_over or self.is_at_work():
            return None
        plan: Plan | None = self._hooks.safely("calls", make, compiled)
        return plan

    def _call(  # noqa: PLR0913, PLR0917  all that makes a call
        self,
        plan: Plan,
        original: Callable[..., Any],
        compiled: Any,
        owner: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        python: FrameType,
    ) -> Any:
        debugger = self._debugger
        wants_walk = debugger.wants_walk(plan.outline)
        if wants_walk and self._wants_lines(plan) and plan.routine is not None:
            values = _values(plan, owner, args, kwargs)
            if values is not None:
                interpreter = Interpreter(plan.walk, debugger, python, self._shows)
                return plan.result(interpreter.run(plan.routine, values))
        if wants_walk or debugger.may_stop_at_ops():
            with pausing(plan.paused, debugger, python, self._hooks):
                return original(compiled, *args, **kwargs)
        return original(compiled, *args, **kwargs)

    def _wants_lines(self, plan: Plan) -> bool:
        """Whether it is for a line, a step or a numbered op, and not for ops by their names and values."""
        debugger = self._debugger
        if not debugger.may_stop_at_ops() or debugger.is_stepping():
            return True
        return any(line in debugger.lines_in(file) for file, line in plan.outline.lines)

    def _shows(self, file: str, line: int) -> bool:
        return line in self._debugger.lines_in(file)


def _values(plan: Plan, owner: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any] | None:
    """The inputs of the graph; None where torch has to see the arguments itself."""
    if not all(_is_plain(value) for value in (*args, *kwargs.values())):
        return None
    try:
        return plan.values(owner, args, kwargs)
    except Exception:
        return None  # torch's own call says what is wrong with them


def _is_plain(value: Any) -> bool:
    import torch

    if type(value) in {torch.Tensor, torch.nn.Parameter} or isinstance(value, _PLAIN):
        return True
    if isinstance(value, torch.Tensor):
        return False  # a class of its own may have a word in each op
    if isinstance(value, (list, tuple)):
        return all(_is_plain(item) for item in value)
    if isinstance(value, dict):
        return all(_is_plain(item) for pair in value.items() for item in pair)
    return isinstance(
        value, (torch.dtype, torch.device, torch.layout, torch.memory_format, torch.Generator)
    ) or type(value).__module__.partition(".")[0] not in {"torch", "builtins"}

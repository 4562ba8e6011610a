"""The window of single executions by steps: backward passes; without any, calls of compiled functions."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_ops import _compat
from tracedbg.boot.imports import PostImport

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from tracedbg.hooks import Hooks
    from tracedbg.op_window import OpWindow


class StepCount:
    """Opens and closes a window. A step begins with a backward pass, and the first one with the program."""

    def __init__(self, window: OpWindow, open_window: Callable[[bool], object]) -> None:
        self._window = window
        self._open_window = open_window
        self._backwards = 0
        self._calls = 0
        self._look(1)

    def backward(self) -> None:
        """A backward pass begins."""
        if not self._backwards and self._calls:
            self._calls = 0  # they were parts of steps
        self._backwards += 1
        self._look(self._backwards)

    def call(self) -> None:
        """A compiled function is called."""
        if not self._backwards:
            self._calls += 1
            self._look(self._calls)

    def _look(self, step: int) -> None:
        self._open_window(self._window.begin <= step < self._window.end)


def watch_steps(steps: StepCount, hooks: Hooks) -> None:
    """Have `steps` told of each one."""
    imports = PostImport()
    hooks.on_remove(imports.stop)
    hooks.safely("backwards", _watch_backwards, steps, hooks)
    imports.watch("torch._dynamo.eval_frame", partial(_watch_compiled, steps, hooks))


def _watch_backwards(steps: StepCount, hooks: Hooks) -> None:
    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def _tensor_or_tensors_to_tuple(*args: Any, **kwargs: Any) -> Any:
            hooks.safely("backward", steps.backward)
            return original(*args, **kwargs)

        return _tensor_or_tensors_to_tuple

    hooks.patch(*_compat.BACKWARD.find(), make)


def _watch_compiled(steps: StepCount, hooks: Hooks, _: ModuleType) -> None:
    """Each call of a function that is compiled from now on is a step."""
    known: list[Any] = []

    def enter() -> type[int]:
        hooks.safely("call", steps.call)
        return int  # what is called when the call ends

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def __call__(context: Any, fn: Any) -> Any:  # noqa: N807  torch's name
            wrapper = original(context, fn)
            hooks.safely("compiled", watch, context)
            return wrapper

        return __call__

    def watch(context: Any) -> None:
        if not any(context is one for one in known):
            known.append(context)
            context.enter_exit_hooks.append(enter)

    def remove() -> None:
        for context in known:
            if enter in context.enter_exit_hooks:
                context.enter_exit_hooks.remove(enter)
        known.clear()

    hooks.on_remove(remove)
    with hooks.guarded("compiled"):
        hooks.patch(*_compat.WRAP.find(), make)

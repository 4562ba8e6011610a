"""Installs what a window of TensorFlow's needs: signs of steps, and good manners."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, ClassVar

from tracedbg.adapters.tf_kernels import _compat
from tracedbg.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, ModuleType

    from tracedbg.hooks import Hooks
    from tracedbg.window import WindowSpec


class TfKernels:
    """See `tracedbg.window.Profiler`."""

    name: ClassVar[str] = "tf_kernels"
    modules: tuple[str, ...] = ("tensorflow",)

    def attach(self, module: ModuleType, hooks: Hooks, spec: WindowSpec, *, at_once: bool) -> Window:  # noqa: ARG002
        """See `Profiler`."""
        from tracedbg.adapters.tf_kernels.recording import TfRecording  # noqa: PLC0415  when TensorFlow is there

        window = Window(spec, TfRecording(hooks), hooks, at_once=at_once)
        hooks.safely("steps", _watch_calls, window, hooks)
        hooks.safely("backward_steps", _watch_tapes, window, hooks)
        hooks.safely("give_way", _give_way, window, hooks)
        return window


def _watch_calls(window: Window, hooks: Hooks) -> None:
    """Each run of a traced function is a step; no frame of ours is on the stack while it runs."""
    owner, attribute = _compat.CALL_OPTIONS.owner()
    question = vars(owner)[attribute]
    caller = _compat.CALL.path.rpartition(".")[2]

    def asked(context: Any) -> Any:
        if not window.is_done:
            hooks.safely("step", note, sys._getframe(1))
        return question.fget(context)

    def note(frame: FrameType) -> None:
        if frame.f_code.co_name == caller:
            window.step(frame.f_locals["name"])

    ours = property(asked, question.fset, question.fdel)
    setattr(owner, attribute, ours)

    def undo() -> None:
        if vars(owner)[attribute] is ours:
            setattr(owner, attribute, question)

    hooks.on_remove(undo)


def _watch_tapes(window: Window, hooks: Hooks) -> None:
    """Each backward pass of eager code is a step."""
    import tensorflow as tf

    def begins() -> None:
        if not window.is_done and tf.executing_eagerly():
            hooks.safely("step", window.step, "gradient")

    owner, attribute = _compat.BACKWARD.owner()
    _stand_in(hooks, owner, attribute, _Called(getattr(owner, attribute), begins))


def _give_way(window: Window, hooks: Hooks) -> None:
    """The program's own profiler comes first: there can be only one."""

    def begins() -> None:
        hooks.safely("give_way", window.give_way, "the program's own profiler")

    owner, attribute = _compat.START.owner()
    _stand_in(hooks, owner, attribute, _Asked(getattr(owner, attribute), _compat.SESSION.path, begins))


def _stand_in(hooks: Hooks, owner: Any, attribute: str, ours: Any) -> None:
    original = getattr(owner, attribute)
    setattr(owner, attribute, ours)

    def undo() -> None:
        if getattr(owner, attribute) is ours:
            setattr(owner, attribute, original)

    hooks.on_remove(undo)


class _Called:
    """Stands in for a class, and says so before it is called."""

    def __init__(self, original: Any, before: Callable[[], object]) -> None:
        self._original = original
        self._before = before
        self.__tracedbg__ = "tf_kernels"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._before()
        return self._original(*args, **kwargs)


class _Asked:
    """Stands in for a module, and says so before it gives one of its names."""

    def __init__(self, module: Any, wanted: str, before: Callable[[], object]) -> None:
        self._module = module
        self._wanted = wanted
        self._before = before
        self.__tracedbg__ = "tf_kernels"

    def __getattr__(self, name: str) -> Any:
        if name == self._wanted:
            self._before()
        return getattr(self._module, name)

"""Attaches what records torch's ops: the observer where it can be had, torch.profiler where not."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

from tracedbg.adapters.torch_ops import building
from tracedbg.adapters.torch_ops.observer import Observer, observer_of
from tracedbg.adapters.torch_ops.profiled import profile
from tracedbg.adapters.torch_ops.steps import StepCount, watch_steps
from tracedbg.adapters.torch_ops.syncs import watch_methods
from tracedbg.op_window import MAX_ROWS

if TYPE_CHECKING:
    from types import FrameType, ModuleType

    from tracedbg.hooks import Hooks
    from tracedbg.op_window import OpWindow

_NS_IN_S = 1_000_000_000


class TorchOpRecorder:
    """See `tracedbg.op_window.OpRecorder` and `Examined`."""

    name: ClassVar[str] = "torch_ops"
    modules: tuple[str, ...] = ("torch",)

    def attach(self, module: ModuleType, hooks: Hooks, window: OpWindow) -> None:
        """See `OpRecorder`."""
        try:
            native = building.load(building.Torch.of(module), _say)
        except building.UnbuildableError as error:
            profile(hooks, window, str(error))
            return
        _observe(observer_of(native), hooks, window)

    def examine(self) -> tuple[bool, str]:
        """See `Examined`."""
        return building.examine()


def _observe(observer: Observer, hooks: Hooks, window: OpWindow) -> None:
    native = observer.native
    zero_ns = time.monotonic_ns() - hooks.sink.now_ns()

    def tell() -> None:
        for seen in observer.take(zero_ns):
            hooks.sink.emit(seen)

    native.take()  # what others have left there
    native.keep_rows(0 if window.is_empty else MAX_ROWS)
    hooks.on_remove(native.stop)
    _open(native, hooks, window)
    native.start()
    hooks.safely("methods", watch_methods, native, hooks)
    hooks.on_tell(tell)


def _open(native: Any, hooks: Hooks, window: OpWindow) -> None:
    """Have the single executions of the window kept."""
    if window.is_empty:
        return
    if window.is_seconds:
        begin_ns = time.monotonic_ns()
        native.window_of_time(begin_ns + int(window.begin * _NS_IN_S), begin_ns + int(window.end * _NS_IN_S))
    elif window.function:
        native.window_of_calls(window.function, int(window.begin), int(window.end), _mark)
    else:
        watch_steps(StepCount(window, native.open_window), hooks)


def _mark(frame: FrameType, event: str, argument: Any) -> None:
    """Put on frames as their own trace function, to know them again; it traces nothing."""


def _say(line: str) -> None:
    """On stderr, past the program's own `sys.stderr`, which it may have replaced."""
    with suppress(OSError):  # nobody listens: there is nothing left to tell
        os.write(2, f"tracedbg: {line}\n".encode(errors="backslashreplace"))

"""Functions that Dynamo leaves alone before it begins to compile them, so that no compile tells of it.

Dynamo asks a question before it decides so; the answers are overheard, and no frame of ours is on the
stack while it goes on. Only functions that were given to `torch.compile` are told of: others that they
call are skipped all the time, and nobody expects them to be compiled.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_common.private import MovedError, find_first
from tracedbg.adapters.torch_compile import _compat
from tracedbg.adapters.torch_compile.functions import traceable, user_stack
from tracedbg.events import Fallback
from tracedbg.source import current_stack

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType

    from tracedbg.adapters.torch_compile.calls import CallCounts
    from tracedbg.hooks import Hooks

_MODE = "called under a TorchDispatchMode ({names}): Dynamo skips it, and never looks at it again"
_MODE_CALL = "called under a TorchDispatchMode ({names}): Dynamo skips such calls"
_GENERATOR = "it is a generator, which torch.compile cannot compile"


class Skips:
    """Overhears why Dynamo leaves a function alone."""

    def __init__(self, hooks: Hooks, counts: CallCounts) -> None:
        self._hooks = hooks
        self._counts = counts

    def install(self) -> None:
        """Install the hooks."""
        in_mode = find_first(_compat.IN_MODE, _compat.IN_MODE_BEFORE)
        self._hooks.patch(*in_mode, self._overhear(self._in_mode))
        with contextlib.suppress(MovedError):  # not there yet in older versions
            self._hooks.patch(*_compat.ANY_MODE.find(), self._overhear(self._in_mode))
        self._hooks.patch(*_compat.IS_GENERATOR.find(), self._overhear(self._is_generator))

    def _overhear(self, note: Callable[[FrameType], None]) -> Callable[..., Any]:
        def make(original: Callable[..., bool]) -> Callable[..., bool]:
            def answer(*args: Any, **kwargs: Any) -> bool:
                said = original(*args, **kwargs)
                if said:
                    self._hooks.safely("skips", note, sys._getframe(1))
                return said

            return answer

        return make

    def _in_mode(self, asker: FrameType) -> None:
        """`CatchErrorsWrapper.__call__` asks, which may have other reasons to skip the frame, too."""
        if asker.f_code.co_name == _compat.IN_MODE_ASKER and asker.f_back:
            asker = asker.f_back
        found = asker.f_locals
        if found["is_skipfile"] or found["has_started_execution"]:
            return
        code, names = found["frame"].f_code, _modes()
        if _compat.IN_MODE_CALL_ALONE not in asker.f_code.co_varnames:
            self._skipped(code, "dispatch_mode", _MODE.format(names=names))
        elif not self._has_told(code, reason := _MODE_CALL.format(names=names)):  # it is asked at each call
            self._skipped(code, "dispatch_mode", reason)

    def _has_told(self, code: CodeType, reason: str) -> bool:
        calls = self._counts.given(code)
        return calls is not None and calls.has_told(reason)

    def _is_generator(self, asker: FrameType) -> None:
        """`ConvertFrameAssert.__call__` asks; it raises into the program where the whole graph is wanted."""
        found = asker.f_locals
        if not found["self"]._one_graph:
            self._skipped(found["code"], "unsupported", _GENERATOR)

    def _skipped(self, code: CodeType, kind: str, reason: str) -> None:
        calls = self._counts.given(code)
        if calls is None:
            return
        calls.function = calls.function or traceable(code)
        stack = user_stack(current_stack())
        sink = self._hooks.sink
        fallback = Fallback(calls.function, kind, reason, sink.now_ns(), call_stack=stack)
        calls.fall_back(fallback, calls.current_call)
        sink.emit(fallback)
        self._hooks.tell()


def _modes() -> str:
    """The names of the modes that are on."""
    from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

    return ", ".join(type(mode).__name__ for mode in _get_current_dispatch_mode_stack())

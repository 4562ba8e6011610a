"""The dispatch mode that asks the debugger before and after each op of one thread."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_common import running
from tracedbg.adapters.torch_common.numbers import as_tensors
from tracedbg.adapters.torch_eager.op import EagerOp
from tracedbg.frames import PythonView

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracedbg.adapters.torch_eager.lines import ForwardLines
    from tracedbg.debugging import Debugger
    from tracedbg.hooks import Hooks


def make_mode(hooks: Hooks, debugger: Debugger, lines: ForwardLines, is_unneeded: Callable[[], None]) -> Any:
    """A mode for the current thread, that is not on yet.

    Args:
        hooks: contain faults.
        debugger: is asked.
        lines: of the forward.
        is_unneeded: called where an op is seen while the debugger cannot stop at any.
    """
    from torch.utils._python_dispatch import TorchDispatchMode

    class EagerOps(TorchDispatchMode):  # type: ignore[misc]
        """Changes nothing: each op is run as it would have been."""

        @classmethod
        def ignore_compile_internals(cls) -> bool:
            """Dynamo compiles under this mode as it does without one."""
            return True

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # noqa: ANN204
            kwargs, args = kwargs or {}, as_tensors(func, args)
            if debugger.is_walking() or is_idle(hooks, debugger, is_unneeded):
                if (line := running.line()) is not None:
                    hooks.safely("line", lines.note, line)
                return func(*args, **kwargs)
            view = hooks.safely("op", look, sys._getframe(1), func, args, kwargs)
            if view is None:
                return func(*args, **kwargs)
            hooks.safely("before", debugger.before_op, view)
            hooks.safely("sync", tell_sync, debugger, view, args)
            try:
                outputs = func(*args, **kwargs)
            except Exception as error:
                hooks.safely("failed", debugger.failed, view, error)
                raise
            view.op.ran(outputs)
            hooks.safely("after", debugger.after_op, view)
            return outputs

    from tracedbg.adapters.torch_eager.syncs import tell_sync  # noqa: PLC0415  with torch, as the rest

    count = 0
    last: tuple[str, int] | None = None

    def look(frame, func, args, kwargs) -> PythonView:
        nonlocal count, last
        node = lines.node()
        op = EagerOp(func, args, kwargs, count, "" if node is None else node.name())
        count += 1
        outer = None if node is None else lines.frame_of(node)
        view = PythonView(frame, op=op, outer=outer, is_backward=node is not None)
        op.file, op.line = view.file, view.line
        before, last = last, None if outer is None else (outer.file, outer.line)
        if last is not None and last != before and debugger.stops_in_backward(*last):
            at_line = PythonView(frame, outer=outer, is_backward=True)
            hooks.safely("line of backward", debugger.line, at_line)
        if node is None:
            lines.note(next(iter(view.frames()), None))
        return view

    return EagerOps()


def is_idle(hooks: Hooks, debugger: Debugger, is_unneeded: Callable[[], None]) -> bool:
    """Whether no op can stop; then it tells so."""
    if debugger.may_stop_at_ops():
        return False
    hooks.safely("unneeded", is_unneeded)
    return True

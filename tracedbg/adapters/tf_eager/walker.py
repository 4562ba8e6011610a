"""Asks the debugger before and after each eager op, while it may stop at one.

Ops are seen where TensorFlow's Python enters the runtime: `TFE_Py_FastPathExecute` and `execute.execute`.
That is every op of the generated modules and of loaded op libraries, in any thread, the ops that gradients
run, and a call of a traced function that is not walked, as one `PartitionedCall`. Not seen are
- constants and other values that become tensors without an op, and inputs that are refused before one;
- a function that is called while its call can be cancelled (`execute_with_cancellation`);
- what runs in the runtime itself: functions of `tf.data`, graphs, parts of an op.
Ops inside a function that is being traced are put into its graph, and run here only in `tf.init_scope`.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_common.tensors import TfTensors
from tracedbg.adapters.tf_eager._compat import (
    EXECUTE,
    FAST_PATH,
    NOT_OK,
    REFUSED,
    SYMBOLIC,
    TO_ERROR,
    TO_HOST,
)
from tracedbg.adapters.tf_eager.backward import ForwardLines
from tracedbg.adapters.tf_eager.callbacks import trace_callbacks
from tracedbg.adapters.tf_eager.ops import EagerOp
from tracedbg.adapters.tf_eager.syncs import watch_syncs
from tracedbg.frames import PythonView

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType, ModuleType

    from tracedbg.adapters.tf_common._compat import PrivateName
    from tracedbg.debugging import Debugger
    from tracedbg.hooks import Hooks

OWN_FUNCTIONS = "__tracedbg"
"""How functions begin that a walker of ours has put into the runtime."""


class TfEagerWalker:
    """See `tracedbg.debugging.Walker`."""

    name = "tf_eager"
    modules = ("tensorflow",)

    def attach(self, module: ModuleType, hooks: Hooks, debugger: Debugger) -> None:  # noqa: ARG002
        """See `Walker`."""
        debugger.add_tensors(TfTensors())
        with hooks.guarded("callbacks"):
            trace_callbacks(hooks, debugger)
        ops = _Ops(hooks, debugger)
        hooks.on_remove(ops.remove)
        debugger.on_change(ops.follow)
        ops.follow()


class _Thread(threading.local):
    """What a thread is doing."""

    is_ours = False
    """Whether the debugger looks at something: the ops that it runs for that are not the program's."""
    refused: tuple[str, int] | None = None
    """(op, number of the calling frame) that the fast path has just refused: it has been told of already."""
    armed = 0
    """For which `_Ops.armed` the ops below are counted."""
    ops = 0


class _Ops:
    """The two ways into the runtime, patched while the debugger may stop at an op."""

    def __init__(self, hooks: Hooks, debugger: Debugger) -> None:
        self._hooks = hooks
        self._debugger = debugger
        self._thread = _Thread()
        self._lock = threading.Lock()
        self._is_removed = False
        self._undo: list[Callable[[], None]] = []
        self.armed = 0
        """Raised each time that ops begin to be looked at."""
        self._lines = ForwardLines()
        self._refused, self._symbolic = REFUSED.get(), SYMBOLIC.get()
        self._not_ok, self._to_error = NOT_OK.get(), TO_ERROR.get()

    # --- arming ------------------------------------------------------------------------------

    def follow(self) -> None:
        """Patch or restore, as the debugger wants it now."""
        with self._lock:
            wanted = not self._is_removed and self._debugger.may_stop_at_ops()
            if wanted and not self._undo:
                self.armed += 1
                with self._hooks.guarded("arm"):
                    self._patch(FAST_PATH, self._fast_path)
                    self._patch(EXECUTE, self._execute)
                    self._patch(TO_HOST, lambda original: watch_syncs(original, self._debugger, self._hooks))
            elif not wanted and self._undo:
                self._restore()

    def remove(self) -> None:
        """Restore for good."""
        with self._lock:
            self._is_removed = True
            self._restore()

    def _restore(self) -> None:
        while self._undo:
            self._undo.pop()()
        self._lines.forget()

    def _patch(self, name: PrivateName, make: Callable[[Any], Any]) -> None:
        owner, attribute = name.owner()
        original = getattr(owner, attribute)
        ours = make(original)
        ours.__tracedbg__ = self._hooks.name
        setattr(owner, attribute, ours)

        def undo() -> None:
            if getattr(owner, attribute) is ours:
                setattr(owner, attribute, original)

        self._undo.append(undo)

    # --- the ways into the runtime -----------------------------------------------------------

    def _fast_path(self, original: Any) -> Any:
        thread = self._thread

        def TFE_Py_FastPathExecute(context, op, name, *arguments):  # noqa: N802  its name, in tracebacks too
            if thread.is_ours or not self._undo:
                return original(context, op, name, *arguments)
            view = self._before(sys._getframe(1), op, name, arguments)
            try:
                outputs = original(context, op, name, *arguments)
            except self._refused:
                thread.refused = (op, id(sys._getframe(1)))
                raise
            except self._not_ok as error:
                self._failed(view, self._to_error(error))
                raise
            self._after(view, outputs)
            return outputs

        return TFE_Py_FastPathExecute

    def _execute(self, original: Any) -> Any:
        thread = self._thread

        def execute(op_name, num_outputs, inputs, attrs, ctx, name=None):  # noqa: PLR0913, PLR0917  as it is there
            op = op_name.decode() if isinstance(op_name, bytes) else op_name
            if thread.is_ours or not self._undo or op.startswith(OWN_FUNCTIONS):
                return original(op_name, num_outputs, inputs, attrs, ctx, name)
            view = self._before(sys._getframe(1), op, name, inputs)
            try:
                outputs = original(op_name, num_outputs, inputs, attrs, ctx, name)
            except self._symbolic:
                raise
            except Exception as error:
                self._failed(view, error)
                raise
            self._after(view, outputs)
            return outputs

        return execute

    # --- telling the debugger ----------------------------------------------------------------

    def _before(
        self, frame: FrameType, op: str, name: str | None, arguments: Sequence[Any]
    ) -> PythonView | None:
        thread = self._thread
        was_told = thread.refused == (op, id(frame.f_back))
        thread.refused = None
        thread.is_ours = True
        try:
            eager = self._hooks.safely("op", EagerOp, op, name, arguments)
            view: PythonView | None = self._hooks.safely("view", self._view, frame, eager)
            if view is not None and not was_told:
                eager.index = self._count()
                self._hooks.safely("before", self._debugger.before_op, view)
        finally:
            thread.is_ours = False
        return view

    def _view(self, frame: FrameType, eager: EagerOp) -> PythonView:
        is_backward, outer = self._lines.of(frame)
        eager.view = view = PythonView(frame, op=eager, outer=outer, is_backward=is_backward)
        return view

    def _count(self) -> int:
        """How many ops this thread has begun since ops are looked at, without this one."""
        thread = self._thread
        if thread.armed != self.armed:
            thread.armed, thread.ops = self.armed, 0
        thread.ops += 1
        return thread.ops - 1

    def _after(self, view: PythonView | None, outputs: Any) -> None:
        if view is None:
            return
        thread = self._thread
        thread.is_ours = True
        try:
            self._hooks.safely("after", self._told_after, view, outputs)
        finally:
            thread.is_ours = False

    def _told_after(self, view: PythonView, outputs: Any) -> None:
        if isinstance(view.op, EagerOp):
            view.op.ran(outputs)
            self._lines.note(view.op, view)
        self._debugger.after_op(view)

    def _failed(self, view: PythonView | None, error: BaseException) -> None:
        if view is None:
            return
        thread = self._thread
        thread.is_ours = True
        try:
            self._hooks.safely("failed", self._debugger.failed, view, error)
        finally:
            thread.is_ours = False

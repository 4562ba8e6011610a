"""Which lines of Python have run eager ops, and called traced functions: a log of the ways into the runtime.

It must not hold a tensor: of what a tape records, it keeps numbers.
"""

from __future__ import annotations

import sys
import time
from bisect import bisect_right
from typing import TYPE_CHECKING, Any, NamedTuple

from tracedbg.adapters.tf_eager._compat import EXECUTE, FAST_PATH, NO_TAPE
from tracedbg.adapters.tf_eager.backward import ForwardLines
from tracedbg.adapters.tf_eager.ops import EagerOp
from tracedbg.adapters.tf_kernels import _compat
from tracedbg.frames import PythonView
from tracedbg.hooks import Hooks
from tracedbg.kernels import CallFrame
from tracedbg.source import is_ours

if TYPE_CHECKING:
    from types import CodeType, FrameType


MAX_CALLS = 300_000
_LOOK_BACK = 64
"""How many calls that began before a moment are asked whether they were still under way."""

Raw = tuple[tuple["CodeType", int], ...]


class Call(NamedTuple):
    """One way into the runtime, in epoch nanoseconds."""

    start_ns: int
    end_ns: int
    name: str
    stack: Raw
    is_backward: bool
    forward: CallFrame | None
    """Of a backward pass: the forward's line."""


class Calls:
    """The log, while it is installed."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._found: list[Call] = []
        self._starts: list[int] = []
        self._patches = Hooks(hooks.sink, hooks.name)
        """Taken out with the log, and not only when all hooks are."""
        self._lines = ForwardLines()
        self._no_tape = NO_TAPE.get()
        self._known: dict[Raw, tuple[CallFrame, ...]] = {}

    def install(self) -> None:
        """Begin."""
        self._patches.patch(*FAST_PATH.owner(), self._fast_path)
        self._patches.patch(*EXECUTE.owner(), self._execute)
        self._patches.patch(*_compat.CALL.owner(), self._call_function)
        self._patches.patch(*_compat.CONSTANT.owner(), self._constant)

    def remove(self) -> None:
        """End; what was found stays."""
        self._patches.remove()
        self._lines.forget()
        self._found.sort()
        self._starts = [call.start_ns for call in self._found]

    def _fast_path(self, original: Any) -> Any:
        def TFE_Py_FastPathExecute(context, op, name, *arguments):  # noqa: N802  its name, in tracebacks too
            before_ns = time.time_ns()
            outputs = original(context, op, name, *arguments)
            self._hooks.safely("calls", self._note, before_ns, sys._getframe(1), op, arguments, outputs)
            return outputs

        return TFE_Py_FastPathExecute

    def _execute(self, original: Any) -> Any:
        def execute(op_name, num_outputs, inputs, attrs, ctx, name=None):  # noqa: PLR0913, PLR0917  as it is there
            before_ns = time.time_ns()
            outputs = original(op_name, num_outputs, inputs, attrs, ctx, name)
            op = op_name.decode() if isinstance(op_name, bytes) else op_name
            self._hooks.safely("calls", self._note, before_ns, sys._getframe(1), op, tuple(inputs), outputs)
            return outputs

        return execute

    def _call_function(self, original: Any) -> Any:
        def call_function(context: Any, name: bytes, *args: Any, **kwargs: Any) -> Any:
            before_ns = time.time_ns()
            outputs = original(context, name, *args, **kwargs)
            self._hooks.safely("calls", self._note, before_ns, sys._getframe(1), name.decode(), None, None)
            return outputs

        return call_function

    def _constant(self, original: Any) -> Any:
        def convert_to_eager_tensor(*args: Any, **kwargs: Any) -> Any:
            before_ns = time.time_ns()
            outputs = original(*args, **kwargs)
            self._hooks.safely("calls", self._note, before_ns, sys._getframe(1), "", None, None)
            return outputs

        return convert_to_eager_tensor

    def _note(self, start_ns: int, frame: FrameType, name: str, inputs: Any, outputs: Any) -> None:
        end_ns = time.time_ns()
        if len(self._found) >= MAX_CALLS:
            return
        is_backward, outer = self._lines.of(frame)
        forward = None if outer is None else CallFrame(outer.file, outer.line, outer.function, is_exact=True)
        if inputs is not None and not is_backward and not self._no_tape():
            op = EagerOp(name, None, inputs)
            op.ran(outputs)
            self._lines.note(op, PythonView(frame, op=op))
        self._found.append(Call(start_ns, end_ns, name, raw_stack(frame), is_backward, forward))

    def at(self, time_ns: int, name: str = "") -> Call | None:
        """The innermost call that was under way at that moment; only one of that name, if there is a name."""
        last = bisect_right(self._starts, time_ns) - 1
        for number in range(last, max(last - _LOOK_BACK, -1), -1):
            call = self._found[number]
            if call.end_ns >= time_ns and (not name or call.name == name):
                return call
        return None

    def frames(self, call: Call) -> tuple[CallFrame, ...]:
        """The stack of a call, or that of the forward line that it belongs to; innermost first."""
        if call.forward is not None:
            return (call.forward,)
        found = self._known.get(call.stack)
        if found is None:
            found = self._known[call.stack] = tuple(
                CallFrame(code.co_filename, line, code.co_name, is_exact=True)
                for code, line in call.stack
                if not is_ours(code.co_filename)
            )
        return found


def raw_stack(frame: FrameType | None) -> Raw:
    """A stack, at the least cost."""
    found = []
    while frame is not None:
        found.append((frame.f_code, frame.f_lineno))
        frame = frame.f_back
    return tuple(found)

"""Runs the graph of a compiled backward op by op, in the thread that runs it, and asks the debugger.

The graph is the one that the backend was given. What the ops make is what `aot_eager` makes, bit for bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_compile.walk.interpreter import Level, given
from tracedbg.adapters.torch_compile.walk.stacks import python_frames
from tracedbg.adapters.torch_compile.walk.views import NodeView
from tracedbg.frames import Stack
from tracedbg.source import is_user_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from tracedbg.adapters.torch_compile.walk.backward_graph import BackwardRecord
    from tracedbg.debugging import Debugger, FrameView
    from tracedbg.hooks import Hooks


class BackwardCall:
    """One run of a backward."""

    def __init__(
        self, record: BackwardRecord, debugger: Debugger, hooks: Hooks, frame: FrameType, base: int
    ) -> None:
        """Prepare it.

        Args:
            record: the graph.
            debugger: whom to ask.
            hooks: contain the faults of whoever answers.
            frame: one of torch's, called by the user's code; by nobody's in a thread of autograd's own.
            base: how deep the user's code is.
        """
        self.record = record
        self._debugger = debugger
        self._ask = hooks.safely
        self._frame: FrameType | None = frame
        self.base = base

    def run(self, arguments: list[Any]) -> Any:
        """Walk the graph; empties `arguments`, as compiled code does, so that they are freed when used up."""
        body = self.record.body
        level = Level(body, None, None)
        level.values.update(zip(body.placeholders, arguments, strict=True))
        arguments.clear()
        for unused in body.placeholders:
            if not unused.users:
                level.values.pop(unused, None)
        last: tuple[str, int] | None = None
        try:
            with self._debugger.walking():
                for node in body.nodes[:-1]:
                    if node in self.record.numbers:
                        last = self._pass_line(node, level, last)
                    level.values[node] = self._value(node, level)
                    for unused in body.frees.get(node, ()):
                        level.values.pop(unused, None)
                return given(body.nodes[-1].args[0], level)
        finally:
            level.values.clear()  # whoever has kept a view must not keep the tensors
            self._frame = None

    def python_frames(self) -> list[FrameView]:
        """The frames that led to the backward, from the user's on."""
        frames = python_frames(self._frame)
        first = next((at for at, frame in enumerate(frames) if frame.is_user), len(frames))
        return frames[first:]

    def _pass_line(self, node: Any, level: Level, last: tuple[str, int] | None) -> tuple[str, int] | None:
        """A breakpoint on a line is one of the forward: told are steps, and who asks for the backward."""
        here = self.record.place_of(node)
        if self.record.numbers[node] == 0:
            view = BackwardView(self, level, node, at_op=False)
            self._ask("enter backward", self._debugger.enter, view)
        if here is None or here == last:
            return here
        if self._debugger.is_stepping() or self._debugger.stops_in_backward(*here):
            view = BackwardView(self, level, node, at_op=False)
            self._ask("line of backward", self._debugger.line, view)
        return here

    def _value(self, node: Any, level: Level) -> Any:
        if node.op == "get_attr":
            held = level.body.attributes[node.target]
            return getattr(held, "module", held) if type(held) is type(level.body) else held
        if not self._debugger.looks_at_ops():
            return _compute(node, level)
        view = BackwardView(self, level, node)
        self._ask("before op of backward", self._debugger.before_op, view)
        try:
            made = _compute(node, level)
        except Exception as error:
            self._ask("failed op of backward", self._debugger.failed, view, error)
            raise
        view.op.made = made
        self._ask("after op of backward", self._debugger.after_op, view)
        view.op.made = None
        return made


class BackwardView:
    """A `View` of the walk of a backward; its line is that of the forward, where torch tells it."""

    is_backward = True
    iteration = None

    def __init__(self, call: BackwardCall, level: Level, node: Any, *, at_op: bool = True) -> None:
        self._call = call
        self._level = level
        self._node = node
        self.walk = call.record
        self.op: Any = NodeView(call.record, level, node) if at_op else None
        self.depth = call.base + call.record.depth_of(node)
        place = call.record.place_of(node)
        if place is None:
            first = next(iter(call.python_frames()), None)
            place = ("", 0) if first is None else (first.file, first.line)
        self.file, self.line = place

    def frames(self) -> Sequence[FrameView]:
        """See `View`."""
        return Stack(self.walk.frames_of(self._node, self._level), self._call.python_frames)


def users_frame(frame: FrameType | None) -> FrameType | None:
    """The innermost frame of the user's."""
    while frame is not None and not is_user_file(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def _compute(node: Any, level: Level) -> Any:
    import torch

    args, kwargs = given(node.args, level), given(node.kwargs, level)
    if node.op == "call_function":
        target = node.target
        if target is torch.ops.aten.view.default:  # inductor may have saved it with other strides
            target = torch.ops.aten.reshape.default
        return target(*args, **kwargs)
    if node.op == "call_method":
        owner, *rest = args
        return getattr(owner, node.target)(*rest, **kwargs)
    held = level.body.attributes[node.target]
    return getattr(held, "module", held)(*args, **kwargs)

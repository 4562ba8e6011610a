"""What the debugger is shown at a stop inside a graph: ops, the lines around them, Python's own frames."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_compile.sources import UnreadableError, read
from tracedbg.adapters.torch_compile.walk.refs import (
    Constant,
    NodeValue,
    NoValueError,
    SourceValue,
    value_of,
)
from tracedbg.adapters.torch_compile.walk.stacks import python_frames
from tracedbg.debugging import CannotAssignError
from tracedbg.frames import LineFrame, PythonFrame, Stack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tracedbg.adapters.torch_compile.walk.backward_graph import BackwardRecord
    from tracedbg.adapters.torch_compile.walk.copies import Mark
    from tracedbg.adapters.torch_compile.walk.interpreter import Call, Level
    from tracedbg.adapters.torch_compile.walk.record import Record
    from tracedbg.adapters.torch_compile.walk.refs import Ref
    from tracedbg.debugging import FrameView
    from tracedbg.events import OpSite


class WalkView:
    """A `View` of a walk: at a line, or at an op."""

    is_backward = False

    def __init__(self, call: Call, level: Level, mark: Mark | None, node: Any = None) -> None:
        self._call = call
        self._level = level
        self._mark = mark
        self.walk: Record = call.record
        self.op = None if node is None else NodeView(call.record, level, node)
        site = None if self.op is None else self.op.site
        self.file = mark.file if mark is not None else site.file if site else ""
        self.line = mark.line if mark is not None else site.line if site else 0
        self.depth = call.base + (0 if mark is None else mark.depth)
        self.iteration = level.iteration

    def set_made(self, value: Any) -> None:
        """The op has run."""
        if self.op is not None:
            self.op.made = value

    def forget(self) -> None:
        """The op is done with: keep nothing of the program's."""
        if self.op is not None:
            self.op.made = None

    def frames(self) -> Sequence[FrameView]:
        """See `View`."""
        traced: list[FrameView] = []
        if self._mark is not None:
            traced = [TracedFrame(mark, self._call, self._level) for mark in self._mark.stack()]
        elif self.op is not None:  # a torch that does not tell of lines: what the op tells of its own
            traced = [LineFrame(self.file, self.line, self.walk.function)]
        return Stack(traced, lambda: python_frames(self._call.frame))


class NodeView:
    """An `OpView` of a node."""

    def __init__(self, record: Record | BackwardRecord, level: Level, node: Any) -> None:
        self._level = level
        self._node = node
        self.index = record.numbers.get(node, -1)
        self._sites = record.sites
        self.made: Any = None

    @property
    def site(self) -> OpSite:
        """See `OpView`; the same for the methods below."""
        return self._sites[self.index]

    def inputs(self) -> list[tuple[str, Any]]:  # noqa: D102
        values = self._level.values
        return [(node.name, values[node]) for node in self._node.all_input_nodes if node in values]

    def outputs(self) -> list[tuple[str, Any]]:  # noqa: D102
        if self.made is None:
            return []
        if isinstance(self.made, (tuple, list)):
            return [(f"{self._node.name}[{index}]", one) for index, one in enumerate(self.made)]
        return [(self._node.name, self.made)]


class TracedFrame:
    """A `FrameView` of a function that Dynamo has traced into the graph."""

    is_traced = True

    def __init__(self, mark: Mark, call: Call, level: Level) -> None:
        self._mark = mark
        self._call = call
        self._level = level
        self.function = mark.function
        self.file = mark.file
        self.line = mark.line
        self.is_user = mark.is_user

    def variables(self) -> Mapping[str, Any]:
        """See `FrameView`; the same for the methods below."""
        found = {}
        for name, ref in self._mark.variables.items():
            try:
                found[name] = value_of(ref, self._node_value, self._source_value)
            except NoValueError:
                continue
        return found

    def makers(self) -> Mapping[str, str]:
        """See `KnowsMakers`."""
        variables = self._mark.variables.items()
        return {name: ref.node.name for name, ref in variables if isinstance(ref, NodeValue)}

    def names(self) -> Mapping[str, Any]:  # noqa: D102
        frame = self._call.frame
        if frame is not None and frame.f_globals.get("__name__") == self._mark.module:
            return frame.f_globals
        return vars(sys.modules[self._mark.module]) if self._mark.module in sys.modules else {}

    def assign(self, name: str, value: object) -> None:  # noqa: D102
        ref = self._mark.variables.get(name)
        if ref is None:
            raise CannotAssignError(f"no variable named {name!r} in {self.function}")
        level = self._level.holding(ref.node) if isinstance(ref, NodeValue) else None
        if isinstance(ref, SourceValue) and self._assign_unused(name, ref, value):
            return
        if not isinstance(ref, NodeValue) or level is None:
            raise CannotAssignError(_why_not(name, ref))
        level.values[ref.node] = value
        self._assign_argument(name, ref.otherwise, value)

    def _assign_argument(self, name: str, source: Ref | None, value: object) -> bool:
        """What runs after the graph finds an argument in the frame, not among what the graph returns."""
        frame = self._call.frame
        is_argument = self._mark.caller is None and source == SourceValue(f"L['{name}']")
        if frame is None or not is_argument or name not in frame.f_locals:
            return False
        PythonFrame(frame).assign(name, value)
        return True

    def _assign_unused(self, name: str, ref: SourceValue, value: object) -> bool:
        """Set a tensor that the graph does not use, and what runs after it may: whether it is one."""
        import torch

        try:
            old = self._source_value(ref.expression)
        except NoValueError:
            return False
        if not isinstance(old, torch.Tensor):
            return False
        return self._assign_argument(name, ref, value)

    def _node_value(self, node: Any) -> Any:
        level = self._level.holding(node)
        if level is None:
            raise NoValueError(node.name)
        return level.values[node]

    def _source_value(self, expression: str) -> Any:
        frame = self._call.frame
        if frame is None:
            raise NoValueError(expression)
        scope = {"L": frame.f_locals, "G": frame.f_globals}
        try:
            return read(expression, scope)
        except UnreadableError:
            return _evaluated(expression, scope)


def _evaluated(expression: str, scope: dict[str, Any]) -> Any:
    import torch

    try:
        return eval(expression, {"torch": torch, "__builtins__": {}}, scope)  # noqa: S307  of torch's making
    except Exception as error:
        raise NoValueError(expression) from error


def _why_not(name: str, ref: Ref) -> str:
    match ref:
        case Constant(value):
            return f"{name!r} is {value!r} in the graph: it was a constant when it was traced"
        case NodeValue():
            return f"{name!r} is not computed by this graph, or not any more: nothing later would see it"
        case SourceValue():
            return f"{name!r} is no tensor of the graph: what it was is part of the graph since it was traced"
        case _:
            return (
                f"{name!r} is no tensor of the graph: set what is in it, where it is in a variable of its own"
            )

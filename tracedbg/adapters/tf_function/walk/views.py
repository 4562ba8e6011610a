"""What the debugger is shown of a walk: its frames, its ops and their values.

It must not know how nodes are run, nor what stops.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_function.walk.levels import Level
from tracedbg.adapters.tf_function.walk.plan import slot_of
from tracedbg.adapters.tf_function.walk.refs import AbsentError, Tensor, Weak
from tracedbg.debugging import CannotAssignError
from tracedbg.frames import Stack, depth_of, python_stack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import FrameType

    from tracedbg.adapters.tf_function.walk.functions import Function, Functions
    from tracedbg.adapters.tf_function.walk.levels import Chain
    from tracedbg.adapters.tf_function.walk.plan import Node, Plan
    from tracedbg.adapters.tf_function.walk.refs import Ref, Symbol
    from tracedbg.debugging import FrameView
    from tracedbg.events import OpSite

    Levels = Sequence[tuple[Level, "Call"]]


@dataclass(frozen=True, eq=False)
class Caller:
    """Where a run comes from."""

    call: Call
    node: Node
    base: int
    """Position of the first op of the run among the sites of the walk."""
    is_body: bool = False
    """Whether it is of a branch or loop body of `call`, and not of a function of its own."""
    is_condition: bool = False
    """Whether it is of the condition of a loop."""
    iteration: int | None = None


class Call:
    """One run of one function, or of a branch or loop body, in a walk."""

    def __init__(
        self, function: Function, values: list[Any], number: int, caller: Caller | None = None
    ) -> None:
        self.function = function
        self.plan: Plan = function.plan
        self.values = values + [None] * (function.plan.size - len(values))
        """By slot; None what is not computed yet, or is needed no more."""
        self.number = number
        """No other run in the walk has it; but the condition of a loop has that of its turn."""
        self.caller = caller
        self.iteration: int | None = None
        self.base = 0
        self.root: Call = self
        """The run of the function that it is a body of."""
        self.is_backward: bool = bool(function.plan.forward)
        self.is_compiled: bool = function.plan.is_compiled
        self.outer_levels: tuple[tuple[Level, Call], ...] = ()
        """The frames around the function, innermost first."""
        if caller is not None:
            parent = caller.call
            self.base = caller.base
            self.is_backward |= parent.is_backward
            self.is_compiled |= parent.is_compiled
            self.iteration = caller.iteration
            if caller.is_body:
                self.root = parent.root
                self.outer_levels = parent.outer_levels
                if self.iteration is None:
                    self.iteration = parent.iteration
            else:
                self.outer_levels = parent.levels(caller.node)

    @property
    def enclosing(self) -> Call | None:
        """The run that it is a branch or loop body of."""
        return self.caller.call if self.caller is not None and self.caller.is_body else None

    def levels(self, node: Node) -> tuple[tuple[Level, Call], ...]:
        """The frames of a node, innermost first."""
        chain = node.origin.chain
        caller = self.caller
        while chain is None and caller is not None and caller.is_body:
            chain, caller = caller.node.origin.chain, caller.call.caller
        return self.outer_levels if chain is None else self.levels_of(chain)

    def levels_of(self, chain: Chain) -> tuple[tuple[Level, Call], ...]:
        """The frames of a place in the function, innermost first."""
        return tuple((level, self) for level in chain.levels()) + self.outer_levels

    def owner(self, level: Level) -> Call:
        """The run whose graph a frame was adding to; the outermost one of the function where nobody knows."""
        at: Call | None = self
        while at is not None:
            if at.plan.graph == level.graph:
                return at
            at = at.enclosing
        return self.root

    def value(self, symbol: Symbol) -> Any:
        """The value that a tensor of a graph has in this call.

        Raises:
            AbsentError: it is not computed yet, or needed no more.
        """
        at: Call | None = self
        while at is not None:
            slot = slot_of(at.plan, symbol)
            if slot is not None and at.values[slot] is not None:
                return at.values[slot]
            at = at.caller.call if at.caller is not None else None
        raise AbsentError

    def set(self, symbol: Symbol, value: Any) -> None:
        """Have ops that run later see another value: here, and wherever it has been passed to."""
        at: Call | None = self
        while at is not None:
            slot = slot_of(at.plan, symbol)
            if slot is not None and at.values[slot] is not None:
                at.values[slot] = value
            at = at.caller.call if at.caller is not None else None


class Walked:
    """A `Walk`."""

    def __init__(
        self, function: Function, functions: Functions, notes: Sequence[str], frame: FrameType
    ) -> None:
        self._function = function
        self.functions = functions
        self.function = function.outline.function
        self.graph = function.outline.graph
        self.notes = notes
        self.frame = frame
        """The Python frame that made the call."""
        self.depth = depth_of(frame)
        self._sites: Sequence[OpSite] | None = None

    @property
    def sites(self) -> Sequence[OpSite]:
        """See `Walk`."""
        if self._sites is None:
            self._sites = self.functions.sites(self._function)
        return self._sites


class TracedFrame:
    """A `FrameView` of a frame that was there when the op was made."""

    is_traced = True

    def __init__(self, level: Level, call: Call) -> None:
        self._level = level
        self._call = call
        self.function = level.function
        self.file = level.file
        self.line = level.line
        self.is_user = level.is_user

    def variables(self) -> Mapping[str, Any]:
        """See `FrameView`; the same for the methods below."""
        found = {}
        for name, ref in self._level.variables.items():
            try:
                found[name] = ref.value(self._call.value)
            except AbsentError:
                continue
        return found

    def makers(self) -> Mapping[str, str]:
        """See `KnowsMakers`."""
        variables = self._level.variables.items()
        return {name: ref.symbol[1] for name, ref in variables if isinstance(ref, Tensor)}

    def names(self) -> Mapping[str, Any]:  # noqa: D102
        return self._level.names

    def assign(self, name: str, value: object) -> None:  # noqa: D102
        ref = self._level.variables.get(name)
        if ref is None:
            raise CannotAssignError(f"no variable named {name!r} in {self.function}")
        if isinstance(ref, Tensor):
            self._set(name, ref, value)
        elif next(ref.symbols(), None) is not None:
            raise CannotAssignError(f"{name} is made of several tensors, which cannot be set at once")
        elif not self._assign_variable(ref, value):
            raise CannotAssignError(
                f"{name} is a Python value here: the graph has been made with it, and keeps it"
            )

    def _set(self, name: str, ref: Tensor, value: object) -> None:
        import tensorflow as tf

        try:
            old = self._call.value(ref.symbol)
        except AbsentError:
            raise CannotAssignError(f"{name} has no value yet, or is needed no more") from None
        try:
            new = tf.convert_to_tensor(value, old.dtype)
        except (TypeError, ValueError) as error:
            raise CannotAssignError(f"{name} is {old.dtype.name}: {error}") from error
        if new.shape != old.shape and new.shape.rank == 0:
            new = tf.fill(tf.shape(old), new)
        if new.shape != old.shape:
            raise CannotAssignError(f"{name} has shape {tuple(old.shape)}, and not {tuple(new.shape)}")
        self._call.set(ref.symbol, new)

    def _assign_variable(self, ref: Ref, value: object) -> bool:
        import tensorflow as tf

        if not isinstance(ref, Weak):
            return False
        try:
            held = ref.value(self._call.value)
        except AbsentError:
            return False
        if not isinstance(held, tf.Variable):
            return False
        try:
            held.assign(value)
        except (TypeError, ValueError) as error:
            raise CannotAssignError(str(error)) from error
        return True


class ViewedOp:
    """An `OpView`."""

    def __init__(self, call: Call, node: Node, inputs: Sequence[Any], outputs: Sequence[Any] = ()) -> None:
        self._call = call
        self._node = node
        self._inputs = inputs
        self._outputs = outputs

    @property
    def site(self) -> OpSite:
        """See `OpView`; the same for the methods below."""
        return self._node.site()

    @property
    def index(self) -> int:  # noqa: D102
        return self._call.base + self._call.function.offsets[self._node.index]

    def inputs(self) -> Sequence[tuple[str, Any]]:  # noqa: D102
        return list(zip(self._node.input_names, self._inputs, strict=False))

    def outputs(self) -> Sequence[tuple[str, Any]]:  # noqa: D102
        name = self._node.name
        if len(self._outputs) == 1:
            return [(name, self._outputs[0])]
        return [(f"{name}:{index}", value) for index, value in enumerate(self._outputs)]


class Point:
    """A `View`: a line of a walk, or an op of it.

    Args:
        walk: the walk.
        call: the run of a function that the node is in.
        node: the node that is next, or has just run.
        levels: the frames; by default, those of the node.
        op: the node, where it is not only about its line.
    """

    def __init__(
        self, walk: Walked, call: Call, node: Node, levels: Levels | None = None, op: ViewedOp | None = None
    ) -> None:
        self.walk = walk
        self.op = op
        self._call = call
        self._node = node
        self._found = levels

    @property
    def _levels(self) -> Levels:
        if self._found is None:
            self._found = self._call.levels(self._node) or ((self._outside(), self._call),)
        return self._found

    def _outside(self) -> Level:
        """What stands for the line where no line of the user's is known."""
        found = self.walk.functions.library(self._call.plan, self._node.name)
        return found or Level("", 0, self.walk.function, is_user=False)

    @property
    def file(self) -> str:
        """See `View`; the same for the members below."""
        return self._levels[0][0].file

    @property
    def line(self) -> int:  # noqa: D102
        return self._levels[0][0].line

    @property
    def depth(self) -> int:  # noqa: D102
        return self.walk.depth + len(self._levels)

    @property
    def iteration(self) -> int | None:  # noqa: D102
        return self._call.iteration

    @property
    def is_backward(self) -> bool:  # noqa: D102
        return self._call.is_backward or self._node.origin.is_backward

    def frames(self) -> Sequence[FrameView]:  # noqa: D102
        traced: list[FrameView] = [TracedFrame(level, call) for level, call in self._levels]
        return Stack(traced, lambda: python_stack(self.walk.frame))

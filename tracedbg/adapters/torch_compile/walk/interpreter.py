"""Runs a graph op by op, in the thread that called what was compiled of it, and asks the debugger.

The ops are the ones that the user's code called, run eagerly: autograd records them, and a random op draws
from the stream that eager code would.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_common.running import at
from tracedbg.adapters.torch_compile.walk import hops
from tracedbg.adapters.torch_compile.walk.copies import Body
from tracedbg.adapters.torch_compile.walk.opened import Opened
from tracedbg.adapters.torch_compile.walk.views import WalkView

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from tracedbg.adapters.torch_compile.walk.copies import Mark
    from tracedbg.adapters.torch_compile.walk.record import Record
    from tracedbg.debugging import Debugger
    from tracedbg.hooks import Hooks


class Level:
    """One run of one body: what its nodes have made."""

    def __init__(self, body: Body, outer: Level | None, iteration: int | None) -> None:
        self.body = body
        self.outer = outer
        self.iteration = iteration
        self.values: dict[Any, Any] = {}

    def holding(self, node: Any) -> Level | None:
        """The level, this one or one around it, that has a value for `node`."""
        at: Level | None = self
        while at is not None and node not in at.values:
            at = at.outer
        return at


class Call:
    """One walk: one call of a graph."""

    def __init__(
        self, record: Record, debugger: Debugger, hooks: Hooks, frame: FrameType | None, base: int
    ) -> None:
        """Prepare it.

        Args:
            record: the graph.
            debugger: whom to ask.
            hooks: contain the faults of whoever answers.
            frame: the one that Dynamo has generated, and that calls the graph.
            base: how deep the user's function is.
        """
        self.record = record
        self.frame = frame
        self.base = base
        self._debugger = debugger
        self._ask = hooks.safely
        self._open = Opened()
        self._mark: Mark | None = None

    def run(self, arguments: Sequence[Any]) -> Any:
        """Walk the graph; returns what it returns."""
        try:
            with self._debugger.walking():
                return self._run(self.record.body, arguments, None, None)
        except BaseException:
            self._open.close()
            raise

    def _run(self, body: Body, arguments: Sequence[Any], outer: Level | None, iteration: int | None) -> Any:
        level = Level(body, outer, iteration)
        level.values.update(zip(body.placeholders, arguments, strict=True))
        before = self._mark
        try:
            for node in body.nodes[:-1]:
                self._pass_marks(node, level)
                level.values[node] = self._value(node, level)
                for unused in body.frees.get(node, ()):
                    level.values.pop(unused, None)
            self._pass_marks(body.nodes[-1], level)
            return given(body.nodes[-1].args[0], level)
        finally:
            self._mark = before
            level.values.clear()  # whoever has kept a view must not keep the tensors

    def _pass_marks(self, node: Any, level: Level) -> None:
        for mark in level.body.marks.get(node, ()):
            is_first, self._mark = self._mark is None, mark
            if mark.is_return:
                continue
            if is_first:
                self._ask("enter", self._debugger.enter, WalkView(self, level, mark))
            if self._debugger.looks_at_line(mark.file, mark.line):
                self._ask("line at", self._debugger.line, WalkView(self, level, mark))

    def _value(self, node: Any, level: Level) -> Any:
        if node.op == "get_attr":
            held = level.body.attributes[node.target]
            return held.module if isinstance(held, Body) else held
        if not self._debugger.looks_at_ops():
            return self._compute(node, level)
        view = WalkView(self, level, self._mark, node)
        self._ask("before op", self._debugger.before_op, view)
        try:
            # The gradients of the op are shown at this line.
            with at(None if self._mark is None else self._mark.user_line):
                made = self._compute(node, level)
        except Exception as error:
            self._ask("failed op", self._debugger.failed, view, error)
            raise
        view.set_made(made)
        self._ask("after op", self._debugger.after_op, view)
        view.forget()
        return made

    def _compute(self, node: Any, level: Level) -> Any:
        walk = self._ask("higher-order ops", hops.handler, node)
        if walk is not None:
            args, kwargs = (given(one, level, bodies=True) for one in (node.args, node.kwargs))
            return walk(self._runner(level), args, node.target, kwargs)
        args, kwargs = given(node.args, level), given(node.kwargs, level)
        if node.op == "call_function":
            made = node.target(*args, **kwargs)
            self._open.passed(node.target, made)
            return made
        if node.op == "call_method":
            owner, *rest = args
            return getattr(owner, node.target)(*rest, **kwargs)
        held = level.body.attributes[node.target]
        return (held.module if isinstance(held, Body) else held)(*args, **kwargs)

    def _runner(self, level: Level) -> hops.Run:
        def run(body: Body, arguments: Sequence[Any], turn: int | None = None) -> Any:
            return self._run(body, arguments, level, level.iteration if turn is None else turn)

        return run


def given(arguments: Any, level: Level, *, bodies: bool = False) -> Any:
    """What an op is given: `arguments` with the values of the nodes in it.

    Args:
        arguments: `args` or `kwargs` of a node.
        level: where the values are.
        bodies: whether a graph is given as its `Body`, or as a module.
    """
    from torch.fx.node import map_arg

    def value(node: Any) -> Any:
        if bodies and node.op == "get_attr" and isinstance(held := level.body.attributes[node.target], Body):
            return held
        return level.values[node]

    return map_arg(arguments, value)

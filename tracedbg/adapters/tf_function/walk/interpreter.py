"""Runs a function node by node, and asks the debugger at each line and op.

It must not know when a call is to be run so, nor how TensorFlow's calls are intercepted.
"""

from __future__ import annotations

import contextlib
import itertools
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_function.walk.errors import tell_as_graph
from tracedbg.adapters.tf_function.walk.plan import Role
from tracedbg.adapters.tf_function.walk.views import Call, Caller, Point, ViewedOp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tracedbg.adapters.tf_function.walk.execute import Executor
    from tracedbg.adapters.tf_function.walk.functions import Function, Functions
    from tracedbg.adapters.tf_function.walk.levels import Origin
    from tracedbg.adapters.tf_function.walk.plan import Node
    from tracedbg.adapters.tf_function.walk.views import Levels, Walked
    from tracedbg.debugging import Debugger, View
    from tracedbg.hooks import Hooks

_Key = tuple[object, ...]


class Interpreter:
    """One walk."""

    def __init__(
        self, walk: Walked, functions: Functions, executor: Executor, debugger: Debugger, hooks: Hooks
    ) -> None:
        import tensorflow as tf

        self._walk = walk
        self._functions = functions
        self._executor = executor
        self._debugger = debugger
        self._hooks = hooks
        self._op_error = tf.errors.OpError
        self._calls = 0
        self._trail: list[_Key] = []
        """The frames that the walk is in, outermost first: what has been asked about."""
        self._last: tuple[Any, Any] = (None, None)
        self._constants: set[int] = set()
        """Ids of values that are not made anew in each call."""

    def run(self, function: Function, inputs: list[Any]) -> list[Any]:
        """What the function returns; each in a tensor of its own.

        Raises:
            Exception: what an op raises, as the graph would have raised it.
            KeyboardInterrupt: a person has said at a stop to abort.
        """
        call = Call(function, inputs, self._number())
        if call.plan.nodes:
            self._ask(self._debugger.enter, self._first_point(call))
        results = self._run(call)
        given = {id(value) for value in inputs} | self._constants
        fresh = []
        for value in results:
            made = self._executor.fresh(value) if id(value) in given else value
            given.add(id(made))
            fresh.append(made)
        return fresh

    def _number(self) -> int:
        self._calls += 1
        return self._calls

    def _run(self, call: Call) -> list[Any]:
        values = call.values
        meeting: list[Node] = []
        for node in call.plan.nodes:
            if meeting and not node.is_meeting:
                self._meet(call, meeting)
                meeting = []
            self._hooks.safely("lines", self._arrive, call, node)
            if node.is_meeting:
                meeting.append(node)
            elif node.role is Role.CONST:
                values[node.slot] = made = self._executor.constant(node)
                self._constants.add(id(made))
                self._free(call, node)
            else:
                self._perform(call, node)
        if meeting:
            self._meet(call, meeting)
        return [values[slot] for slot in call.plan.results]

    def _perform(self, call: Call, node: Node) -> None:
        """Run a node; may stop before and after it."""
        values = call.values
        self._ask(self._debugger.before_op, self._point(call, node, [values[slot] for slot in node.inputs]))
        inputs = [values[slot] for slot in node.inputs]  # a stop may have set one
        trail = self._trail
        outputs = self._node(call, node, inputs) or ()
        self._trail = trail  # back from what it has called: that is no new line
        values[node.slot : node.slot + node.outputs] = outputs
        self._ask(self._debugger.after_op, self._point(call, node, inputs, outputs))
        self._free(call, node)

    def _free(self, call: Call, node: Node) -> None:
        for slot in node.free:
            call.values[slot] = None

    def _node(self, call: Call, node: Node, inputs: list[Any]) -> Sequence[Any]:
        role = node.role
        if role is Role.OP:
            return self._op(call, node, inputs)
        if role is Role.CALL:
            callee = self._functions.find(node.functions[0])
            if callee is None or not (call.is_compiled or self._debugger.wants_walk(callee.outline)):
                return self._op(call, node, inputs, run=self._executor.call)
            caller = Caller(call, node, self._base(call, node, 0))
            return self._run(Call(callee, inputs, self._number(), caller))
        callees = [self._functions.find(name) for name in node.functions]
        known = [callee for callee in callees if callee is not None]
        if len(known) < len(callees) or not (
            call.is_compiled or any(self._wants_body(callee) for callee in known)
        ):
            return self._op(call, node, inputs)
        if role is Role.WHILE:
            return self._while(call, node, known, inputs)
        which = _branch(role, inputs[0], len(known))
        caller = Caller(call, node, self._base(call, node, which), is_body=True)
        return self._run(Call(known[which], inputs[1:], self._number(), caller))

    def _while(self, call: Call, node: Node, callees: list[Function], state: list[Any]) -> list[Any]:
        condition, body = callees
        first, second = self._base(call, node, 0), self._base(call, node, 1)
        for iteration in itertools.count():
            number = self._number()
            caller = Caller(call, node, first, is_body=True, is_condition=True, iteration=iteration)
            if not _is_true(self._run(Call(condition, state, number, caller))[0]):
                break
            caller = Caller(call, node, second, is_body=True, iteration=iteration)
            state = self._run(Call(body, state, number, caller))
        return state

    def _base(self, call: Call, node: Node, which: int) -> int:
        """Position, among the sites of the walk, of the first op of a function that a node calls."""
        base = call.base + call.function.offsets[node.index] + 1
        for name in node.functions[:which]:
            callee = self._functions.find(name)
            base += callee.count if callee is not None else 0
        return base

    def _wants_body(self, callee: Function) -> bool:
        debugger = self._debugger
        return debugger.wants_walk(callee.outline) or debugger.is_stepping() or debugger.may_stop_at_ops()

    def _op(
        self,
        call: Call,
        node: Node,
        inputs: list[Any],
        run: Callable[[Node, list[Any]], Sequence[Any]] | None = None,
    ) -> Sequence[Any]:
        try:
            return (run or self._executor.run)(node, inputs)
        except self._op_error as error:
            if call.is_compiled and run is None:
                with contextlib.suppress(self._op_error):
                    return self._executor.compiled(node, inputs)
            tell_as_graph(error, self._walk.graph, call.plan.name, node.name)
            self._failed(call, node, inputs, error)
            raise
        except Exception as error:
            self._failed(call, node, inputs, error)
            raise

    def _failed(self, call: Call, node: Node, inputs: list[Any], error: Exception) -> None:
        point = self._point(call, node, inputs)
        try:
            self._debugger.failed(point, error)
        except Exception as fault:
            self._hooks.fault("stops", fault)

    def _meet(self, call: Call, nodes: list[Node]) -> None:
        """Run ops together that wait for each other.

        All are begun after the last stop before one of them: an abort leaves none waiting. What is alone
        waits for nothing that is here, but at most for something in itself.
        """
        if len(nodes) == 1 and nodes[0].role is not Role.OP:
            self._perform(call, nodes[0])
            return
        values = call.values
        for node in nodes:
            self._ask(
                self._debugger.before_op, self._point(call, node, [values[slot] for slot in node.inputs])
            )
        inputs = [[values[slot] for slot in node.inputs] for node in nodes]

        def run(_node: Node, _inputs: list[Any]) -> Any:
            return self._executor.together(nodes, inputs)

        made = self._op(call, nodes[0], inputs[0], run)
        for node, given, outputs in zip(nodes, inputs, made, strict=True):
            values[node.slot : node.slot + node.outputs] = outputs
            self._ask(self._debugger.after_op, self._point(call, node, given, outputs))
        for node in nodes:
            self._free(call, node)

    # --- what the debugger is asked ----------------------------------------------------------

    def _ask(self, question: Callable[[View], None], point: Point) -> None:
        try:
            question(point)
        except Exception as fault:  # an abort is none, and goes through
            self._hooks.fault("stops", fault)

    def _point(self, call: Call, node: Node, inputs: Sequence[Any], outputs: Sequence[Any] = ()) -> Point:
        op = ViewedOp(call, node, inputs, outputs)
        return Point(self._walk, call, node, op=op)

    def _first_point(self, call: Call) -> Point:
        nodes = call.plan.nodes
        return Point(self._walk, call, next((node for node in nodes if call.levels(node)), nodes[0]))

    def _arrive(self, call: Call, node: Node) -> None:
        """Ask about each line that the thread comes to with this node."""
        origin = node.origin
        for chain in origin.passed:
            self._come_to(call, node, call.levels_of(chain))
        if (origin.passed or (origin.chain, call) != self._last) and not _keeps_house(call, origin):
            self._last = origin.chain, call
            self._come_to(call, node, call.levels(node))

    def _come_to(self, call: Call, node: Node, levels: Levels) -> None:
        """Ask about the frames that are not the same as before, outer ones first."""
        if not levels:
            return
        keys = _keys(levels, is_backward=node.origin.is_backward)
        old = self._trail
        same = 0
        while same < len(keys) and same < len(old) and keys[same] == old[same]:
            same += 1
        self._trail = keys
        for inner in range(same, len(keys)):
            shown = levels[len(keys) - 1 - inner :]
            level = shown[0][0]
            if level.is_user or level.line in self._debugger.lines_in(level.file):
                self._ask(self._debugger.line, Point(self._walk, call, node, shown))


def _keeps_house(call: Call, origin: Origin) -> bool:
    """Whether an op only hands values in or out of a branch or body: that is no line.

    The condition of a loop does: it is what comes next after each turn.
    """
    caller = call.caller
    if caller is None or not caller.is_body or caller.is_condition:
        return False
    if origin.is_backward or origin.chain is None:
        return False
    graph = origin.chain.level.graph
    return graph not in {0, call.plan.graph}


def _keys(levels: Levels, *, is_backward: bool) -> list[_Key]:
    """What tells the frames from others, outermost first; in the next turn of a loop they are others."""
    keys: list[_Key] = []
    for position, (level, call) in enumerate(levels):
        if level.frame:
            keys.append((level.frame, level.line, level.visit, is_backward, call.owner(level).number))
        else:
            owner = call.root if position else call
            keys.append((level.file, level.function, level.line, is_backward, owner.number))
    keys.reverse()
    return keys


def _branch(role: Role, index: Any, count: int) -> int:
    """Which of its branches a node takes."""
    if role is Role.IF:
        return 0 if _is_true(index) else 1
    found = int(index.numpy())
    return found if 0 <= found < count else count - 1


def _is_true(tensor: Any) -> bool:
    """As TensorFlow's kernels have it: a scalar that is not zero or empty, or a tensor with elements."""
    value = tensor.numpy()
    if isinstance(value, bytes):
        return len(value) > 0
    return bool(value) if value.shape == () else value.size > 0

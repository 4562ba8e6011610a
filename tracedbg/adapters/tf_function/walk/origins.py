"""Where the ops of a function come from: as noted when it was traced, or else by what TensorFlow keeps.

TensorFlow keeps the stack of each op, without locals, for functions traced before the debugger came; for
those read from a file there is none. It must not know how functions are run.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_function.walk import _compat
from tracedbg.adapters.tf_function.walk.levels import NOWHERE, Chain, Level, Origin
from tracedbg.frames import real_path
from tracedbg.source import is_ours, is_user_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracedbg.adapters.tf_function.walk.plan import Plan
    from tracedbg.adapters.tf_function.walk.recording import FunctionRecord

_NAME = re.compile(r"(?P<kind>__inference_|__forward_|__backward_)?(?P<name>.+?)(?P<number>_\d+)?")
_GRADIENT_OF = re.compile(r".*\bgradients/(?P<op>.+?)_grad/")
_FRAMEWORK = re.compile(r"[/\\]site-packages[/\\]tensorflow[/\\]")
_TAPE = "gradient_tape/"
_BODIES = ("then_branch", "else_branch", "cond", "body")
_Place = tuple[str, int, str]


def user_name(function: str) -> str:
    """The name that a function has in the program, out of the one that TensorFlow has made of it."""
    found = _NAME.fullmatch(function)
    return found["name"].strip("<>") if found is not None else function


class Origins:
    """Reads where ops come from.

    Args:
        plan_of: the plan of a function.
    """

    def __init__(self, plan_of: Callable[[str], Plan]) -> None:
        self._plan_of = plan_of
        self._context = _compat.CONTEXT.get()
        self._load = _compat.DEBUG_INFO.get()
        self._cuts: dict[str, int] = {}
        """How many frames of the stacks of a function's ops belong to its callers."""
        self._forwards: dict[str, str] = {}
        """The function whose gradient another one is a part of."""

    def of(self, name: str, record: FunctionRecord | None, definition: Any) -> dict[str, Origin]:
        """By name of the op."""
        if record is not None:
            return record.graph.origins
        stacks = self._stacks(name)
        forward = self._forwards.get(name, "")
        if "forward_function_name" in definition.attr:
            forward = definition.attr["forward_function_name"].s.decode()
        if stacks and name not in self._cuts:
            self._cuts[name] = _cut(list(stacks.values()), user_name(name))
        for proto in definition.node_def:
            for body in _bodies(proto):
                self._forwards.setdefault(body, forward)
                if name in self._cuts:
                    self._cuts.setdefault(body, self._cuts[name])
        cut = self._cuts.get(name, 0)
        chains: dict[tuple[_Place, ...], Chain] = {}
        found = {op: Origin(_chain(stack[cut:], chains), _TAPE in op) for op, stack in stacks.items()}
        if forward:
            found.update(self._gradients(definition, forward))
        return {op: origin for op, origin in found.items() if origin.chain is not None or origin.is_backward}

    def libraries(self, plan: Plan) -> dict[str, Level]:
        """By name of a node that no line of the user's has made: the innermost line of a library that did."""
        traces = self._traces(plan.name)
        found = {}
        for node in plan.nodes:
            if node.origin.chain is None and node.name in traces:
                level = _library(traces[node.name])
                if level is not None:
                    found[node.name] = level
        return found

    def _gradients(self, definition: Any, forward: str) -> dict[str, Origin]:
        """The ops of a gradient, whose names say of which op of the forward they are the gradient."""
        ops = self._ops_of(forward)
        found = {}
        for proto in definition.node_def:
            named = _GRADIENT_OF.match(proto.name)
            origin = ops.get(named["op"], NOWHERE) if named is not None else NOWHERE
            found[proto.name] = Origin(origin.chain, is_backward=True)
        return found

    def _ops_of(self, function: str) -> dict[str, Origin]:
        """All ops of a function and of the bodies in it."""
        try:
            plan = self._plan_of(function)
        except Exception:  # it is gone; then there is nothing to tell
            return {}
        found: dict[str, Origin] = {}
        for node in plan.nodes:
            found[node.name] = node.origin
            for body in _bodies(node.proto):
                found.update(self._ops_of(body))
        return found

    def _stacks(self, name: str) -> dict[str, tuple[_Place, ...]]:
        return {
            op: tuple(
                (frame.filename, frame.lineno, frame.name)
                for frame in trace
                if is_user_file(frame.filename) and not is_ours(frame.filename)
            )
            for op, trace in self._traces(name).items()
        }

    def _traces(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self._load(self._context().get_graph_debug_info(name))
        return found


def _library(trace: Any) -> Level | None:
    for index in range(len(trace) - 1, -1, -1):
        frame = trace[index]
        if is_user_file(frame.filename):
            return None
        if not _FRAMEWORK.search(frame.filename):
            return Level(real_path(frame.filename), frame.lineno, frame.name, is_user=False)
    return None


def _bodies(proto: Any) -> list[str]:
    """The functions of branches and loops that a node has."""
    names = [proto.attr[attribute].func.name for attribute in _BODIES if attribute in proto.attr]
    if "branches" in proto.attr:
        names += [function.name for function in proto.attr["branches"].list.func]
    return names


def _cut(stacks: list[tuple[_Place, ...]], function: str) -> int:
    """How many of the outermost frames do not belong to the function that was traced."""
    first = stacks[0]
    common = min(len(stack) for stack in stacks)
    for index in range(common):
        if any(stack[index] != first[index] for stack in stacks):
            common = index
            break
    own = [index for index in range(min(common + 1, len(first))) if first[index][2].strip("<>") == function]
    return own[-1] if own else common


def _chain(stack: tuple[_Place, ...], known: dict[tuple[_Place, ...], Chain]) -> Chain | None:
    """A stack as levels; frames of one function that follow each other are one, and its bodies."""
    if not stack:
        return None
    if (found := known.get(stack)) is not None:
        return found
    file, line, function = stack[-1]
    outer = stack[:-1]
    while outer and (outer[-1][0], outer[-1][2]) == (file, function):
        outer = outer[:-1]
    made = known[stack] = Chain(Level(real_path(file), line, function), _chain(outer, known))
    return made

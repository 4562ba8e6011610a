"""From the name of a node in a running graph to the stack of Python that made it.

The runtime has rewritten the graphs: functions are put into each other, loops are lowered, nodes are fused.
What it runs is named after what it was made from.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from tracedbg.adapters.instances import instances_of
from tracedbg.adapters.tf_kernels import _compat
from tracedbg.kernels import CallFrame
from tracedbg.source import is_ours

if TYPE_CHECKING:
    from collections.abc import Iterator

_INNER_GRADIENT = re.compile(r"(?:^|/)gradients/(?P<forward>.+?)_grad/")
_OPTIMISER = re.compile(
    r"^(?:ConstantFolding|ArithmeticOptimizer|LayoutOptimizer|Remapper|DependencyOptimizer|LoopOptimizer|"
    r"AutoMixedPrecision|MemoryOptimizer|CommonSubgraphElimination|ConstantFoldingCtrl|_\w*?Opt\w*)/"
)
_MADE_BY_OPTIMISER = re.compile(
    r"(?:-(?:\d|[A-Z][a-z]+|folded|matmul|partial|reduce|bcast|materialized|enter|exit).*|_\d+/_\d+$)"
)


class Made(NamedTuple):
    """Where a node comes from."""

    frames: tuple[CallFrame, ...]
    """Innermost first: of the forward's node, for one of a backward pass."""
    is_backward: bool


class Nodes:
    """The nodes of all graphs that this process has at this moment."""

    def __init__(self) -> None:
        function, graph = _compat.FUNCTION.get(), _compat.GRAPH.get()
        self._all: list[Any] = instances_of(graph)
        self._graphs: dict[str, Any] = {
            _text(one.name): one._cached_graph
            for one in instances_of(function)
            if getattr(one, "_cached_graph", None) is not None
        }
        self._ops: dict[int, dict[str, Any]] = {}
        self._called: dict[int, list[Any]] = {}
        self._by_name: dict[str, Any] | None = None
        self._made: dict[tuple[str, str], Made | None] = {}
        self._types = _types_by_gradient()

    def of(self, node: str, function: str) -> Made | None:
        """Where `node` comes from.

        Args:
            node: as the runtime names it.
            function: the function that runs, as Python has called it; empty if it is not known.
        """
        key = (node, function)
        if key not in self._made:
            self._made[key] = self._find(node, function)
        return self._made[key]

    def _find(self, node: str, function: str) -> Made | None:
        graph = self._graphs.get(function)
        for name in _candidates(node):
            op = self._op(graph, name)
            if op is not None:
                return self._told(op, graph)
        return None

    def _told(self, op: Any, graph: Any) -> Made:
        name = op.name
        at = name.find(_compat.GRADIENT_SCOPE)
        is_backward = at >= 0 or _INNER_GRADIENT.search(name) is not None
        frames = _stack(op)
        if not is_backward:
            return Made(frames, is_backward=False)
        scope = name[at + len(_compat.GRADIENT_SCOPE) :] if at >= 0 else name
        forward = self._forward(scope, op, graph)
        return Made(_stack(forward) if forward is not None else frames, is_backward=True)

    def _forward(self, scope: str, gradient: Any, graph: Any) -> Any:
        """The node whose gradient it is: named in the scope, or the only one of the right type there."""
        inner = list(_INNER_GRADIENT.finditer(scope))
        if inner:
            return self._op(graph, inner[-1]["forward"])
        types = self._types.get(_gradient_function(gradient), frozenset())
        parts = scope.split("/")[:-1]
        while parts:
            there = "/".join(parts)
            op = self._op(graph, there)
            if op is not None and not there.startswith(_compat.GRADIENT_SCOPE):
                return op
            found = self._of_types(types, there, graph)
            if found is not None:
                return found
            parts.pop()
        return self._of_types(types, "", graph)

    def _of_types(self, types: frozenset[str], scope: str, graph: Any) -> Any:
        """The only forward node of those types in that scope; None if there are several."""
        if not types or graph is None:
            return None
        found = [
            op
            for name, op in self._names(graph).items()
            if op.type in types
            and _compat.GRADIENT_SCOPE not in name
            and (name.startswith(f"{scope}/") if scope else "/" not in name)
        ]
        return found[0] if len(found) == 1 else None

    def _op(self, graph: Any, name: str) -> Any:
        """The op of that name: of `graph` or a function that it calls; of any, if there is no graph."""
        if graph is None:
            return self._everywhere().get(name)
        return next(
            (op for one in self._reached(graph) if (op := self._names(one).get(name)) is not None), None
        )

    def _reached(self, graph: Any) -> list[Any]:
        """`graph`, and the graphs of all functions that it calls, directly or not."""
        found = self._called.get(id(graph))
        if found is None:
            found = self._called[id(graph)] = [graph]
            for one in found:  # it grows meanwhile
                for op in self._names(one).values():
                    called = (self._graphs.get(name) for name in _functions_of(op))
                    found += [other for other in called if other is not None and other not in found]
        return found

    def _everywhere(self) -> dict[str, Any]:
        """All ops by name; None for a name that several graphs have."""
        if self._by_name is None:
            self._by_name = {}
            for graph in {id(one): one for one in (*self._all, *self._graphs.values())}.values():
                for name, op in self._names(graph).items():
                    self._by_name[name] = None if name in self._by_name else op
        return self._by_name

    def _names(self, graph: Any) -> dict[str, Any]:
        found = self._ops.get(id(graph))
        if found is None:
            found = self._ops[id(graph)] = {op.name: op for op in graph.get_operations()}
        return found


def _candidates(node: str) -> Iterator[str]:
    """What `node` may be named in the graph that it was made from: the likeliest first."""
    yield node
    plain = _MADE_BY_OPTIMISER.sub("", _OPTIMISER.sub("", node))
    yield plain
    parts = plain.split("/")
    for first in range(1, len(parts)):  # a function that was put into another: `call/inner`
        yield "/".join(parts[first:])
    for last in range(len(parts) - 1, 0, -1):  # made in the place of a node: `node/part`
        yield "/".join(parts[:last])


def _functions_of(op: Any) -> list[str]:
    """The functions that a node calls, by name."""
    found = []
    for value in op.node_def.attr.values():
        kind = value.WhichOneof("value")
        if kind == "func":
            found.append(value.func.name)
        elif kind == "list":
            found += [one.name for one in value.list.func]
    return found


def _stack(op: Any) -> tuple[CallFrame, ...]:
    return tuple(
        CallFrame(frame.filename, frame.lineno, frame.name, is_exact=True)
        for frame in reversed(list(op.traceback))
        if not is_ours(frame.filename)
    )


def _gradient_function(op: Any) -> str:
    """The name of the gradient function in whose call a node was made."""
    names = [frame.name for frame in op.traceback]
    for number, name in enumerate(names[:-1]):
        if name == _compat.GRADIENT_CALLER:
            return str(names[number + 1])
    return ""


def _types_by_gradient() -> dict[str, frozenset[str]]:
    """Name of a gradient function -> the types of op that it is for."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for kind, entry in _compat.REGISTRY.get().items():
        name = getattr(entry.get("type"), "__name__", "")
        if name:
            found[name].add(kind)
    return {name: frozenset(kinds) for name, kinds in found.items()}


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name

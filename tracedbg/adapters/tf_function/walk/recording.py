"""Remembers, while functions are traced, where their ops come from; and that nothing stops meanwhile.

Python code that is traced runs with symbolic values: the debugger is suspended in it. What it computes is
seen when the graph runs.
"""

from __future__ import annotations

import itertools
import sys
import threading
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_common.weak import WeakTable
from tracedbg.adapters.tf_function.walk import _compat
from tracedbg.adapters.tf_function.walk.levels import NOWHERE, Origin
from tracedbg.adapters.tf_function.walk.refs import RefMaker
from tracedbg.adapters.tf_function.walk.shadow import Kinds, Shadow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from types import TracebackType

    from tracedbg.adapters.tf_function.walk.refs import Symbol
    from tracedbg.debugging import Debugger
    from tracedbg.hooks import Hooks


class GraphRecord:
    """What is known of one graph of TensorFlow's, by all functions that are made of it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.origins: dict[str, Origin] = {}
        """By name of the op."""
        self.by_kind: dict[tuple[str, str], list[str]] = {}
        """Names of ops by their type, and the scope that they are in."""

    def add(self, op: Any, origin: Origin) -> None:
        """An op was made."""
        name = op.name
        self.origins[name] = origin
        scope = name.rpartition("/")[0]
        for key in (op.type, scope), (op.type, name):
            self.by_kind.setdefault(key, []).append(name)

    def find(self, kind: str, scope: str) -> Origin:
        """Where the only op of a type comes from that is in a scope, or has its name."""
        found = self.by_kind.get((kind, scope), ())
        return self.origins[found[0]] if len(found) == 1 else NOWHERE


class FunctionRecord:
    """What is known of one function: a graph, with inputs and outputs."""

    def __init__(
        self, graph: GraphRecord, ops: list[str], inputs: dict[str, int], captures: dict[Symbol, int]
    ) -> None:
        self.graph = graph
        self.ops = ops
        """Names of its ops, in the order of its `FunctionDef`, where some have other names."""
        self.inputs = inputs
        """Position by name of the placeholder."""
        self.captures = captures
        """Position by the tensor of another graph that is passed there."""


class _Tracing(threading.local):
    def __init__(self) -> None:
        self.depth = 0
        self.shadow: Shadow | None = None


class Recording:
    """Sees each op that is made."""

    def __init__(self, hooks: Hooks, debugger: Debugger) -> None:
        import tensorflow as tf  # the program has imported it

        self._hooks = hooks
        self._debugger = debugger
        self._graphs: WeakTable[GraphRecord] = WeakTable()
        self._numbers = itertools.count(1)
        self._tracing = _Tracing()
        self._imported = _compat.GRAPH_IMPORTED.get()
        self._mappers = _compat.SOURCE_MAPS.get()
        self._files = debugger.files()
        self._kinds = Kinds(lambda file: file in self._files)
        debugger.on_change(self._follow)
        self._refs = RefMaker(self._number)
        self._default_graph = tf.compat.v1.get_default_graph
        self._is_lost = False
        """A fault of ours: no further op is looked at."""

    def install(self) -> None:
        """Install the hooks."""
        self._hooks.patch(*_compat.GRAPH_ENTERED.owner(), self._wrap_entered)
        self._hooks.patch(*_compat.OP_MADE.owner(), self._wrap_made)

    def _follow(self) -> None:
        files = self._debugger.files()
        if files != self._files:
            self._files = files
            self._kinds.forget()

    def function(self, graph: Any) -> FunctionRecord | None:
        """What is known of a function that is made of `graph` right now."""
        record = self._graphs.get(graph)
        if record is None:
            return None
        inputs = {tensor.op.name: position for position, tensor in enumerate(graph.inputs)}
        captures: dict[Symbol, int] = {}
        for outer, inner in graph.captures:
            other = getattr(outer, "graph", None) if not hasattr(outer, "numpy") else None
            known = None if other is None else self._graphs.get(other)
            position = inputs.get(inner.op.name)
            if known is not None and position is not None:
                captures[known.number, outer.op.name, outer.value_index] = position
        ops = [op.name for op in graph.get_operations() if op.name not in inputs]
        return FunctionRecord(record, ops, inputs, captures)

    def _wrap_entered(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def as_default(graph: Any, *args: Any, **kwargs: Any) -> Any:
            return _Scope(original(graph, *args, **kwargs), self, self._debugger)

        return as_default

    def _wrap_made(self, original: Callable[..., Any]) -> Callable[..., Any]:
        tracing = self._tracing
        getframe = sys._getframe

        def create_op_helper(graph: Any, op: Any, *args: Any, **kwargs: Any) -> Any:
            if tracing.depth and not self._is_lost:
                try:
                    self._note(graph, op, getframe(1))
                except Exception as error:
                    self._is_lost = True
                    self._hooks.fault("locals", error)
            return original(graph, op, *args, **kwargs)

        return create_op_helper

    def _note(self, graph: Any, op: Any, frame: Any) -> None:
        if frame.f_code is self._imported:
            return
        shadow = self._tracing.shadow
        if shadow is None:
            shadow = Shadow(self._kinds, self._refs, self._forward, self._number, self._mapped)
            self._tracing.shadow = shadow
        record = self._record(graph)
        origin = shadow.origin(frame, record.number)
        if origin is not NOWHERE:
            record.add(op, origin)

    def _forward(self, found: Mapping[str, Any]) -> Origin:
        """Where an op comes from whose gradient is being made, by the locals of the code that makes it.

        A tape knows the op by its inputs and outputs, and keeps of these only what the gradient needs.
        """
        op = found.get("op")
        if op is not None:
            return self._origin(op)
        outputs = [tensor for tensor in found.get("outputs") or () if hasattr(tensor, "graph")]
        if outputs:
            return self._origin(outputs[0].op)
        kind = found.get("op_name", "")
        inputs = [(at, one) for at, one in enumerate(found.get("inputs") or ()) if hasattr(one, "graph")]
        for _, tensor in inputs[:1]:
            for user in reversed(tensor.consumers()):
                if user.type == kind and all(user.inputs[at] is one for at, one in inputs):
                    return self._origin(user)
        record = self._graphs.get(self._default_graph())
        return NOWHERE if record is None else record.find(kind, found.get("forward_pass_name_scope") or "")

    def _origin(self, op: Any) -> Origin:
        record = self._graphs.get(op.graph)
        return NOWHERE if record is None else record.origins.get(op.name, NOWHERE)

    def _record(self, graph: Any) -> GraphRecord:
        return self._graphs.setdefault(graph, lambda: GraphRecord(next(self._numbers)))

    def _number(self, graph: Any) -> int | None:
        return self._record(graph).number

    def _mapped(self) -> dict[tuple[str, int], tuple[str, int, str]]:
        mappers = self._mappers.get(threading.get_ident())
        found: dict[tuple[str, int], tuple[str, int, str]] = (
            mappers[-1].get_effective_source_map() if mappers else {}
        )
        return found

    def entered(self) -> None:
        """This thread begins to trace a graph."""
        self._tracing.depth += 1

    def left(self) -> None:
        """It is done with it."""
        tracing = self._tracing
        tracing.depth -= 1
        if not tracing.depth and tracing.shadow is not None:
            tracing.shadow.clear()


class _Scope:
    """TensorFlow's context around the tracing of a graph, and ours around that."""

    def __init__(self, scope: Any, recording: Recording, debugger: Debugger) -> None:
        self._scope = scope
        self._recording = recording
        self._debugger = debugger
        self._suspended: AbstractContextManager[None] | None = None

    def __enter__(self) -> Any:
        entered = self._scope.__enter__()
        self._suspended = self._debugger.suspended()
        self._suspended.__enter__()
        self._recording.entered()
        return entered

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> Any:
        self._recording.left()
        if self._suspended is not None:
            self._suspended.__exit__(None, None, None)
        return self._scope.__exit__(kind, error, traceback)

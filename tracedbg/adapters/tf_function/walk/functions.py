"""The functions that can be walked, by the name that TensorFlow's runtime knows them by."""

from __future__ import annotations

import threading
import weakref
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_function.walk import _compat
from tracedbg.adapters.tf_function.walk.notes import notes_of_plan
from tracedbg.adapters.tf_function.walk.origins import Origins, user_name
from tracedbg.adapters.tf_function.walk.plan import Planner
from tracedbg.adapters.tf_function.walk.spans import span_of
from tracedbg.debugging import Outline

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracedbg.adapters.tf_function.walk.levels import Level
    from tracedbg.adapters.tf_function.walk.plan import Plan
    from tracedbg.adapters.tf_function.walk.recording import FunctionRecord, Recording
    from tracedbg.debugging import Debugger
    from tracedbg.events import OpSite
    from tracedbg.hooks import Hooks

_OF_EAGER = "__wrapped__"
"""What the functions are called that TensorFlow makes for single eager ops."""
OURS = "__tracedbg_"
_PARTS = "create_new_tf_function"
"""Who makes functions of branches and loop bodies: nobody calls them but the function around them."""


_Span = tuple[str, int, int]


@dataclass(eq=False)
class Function:
    """A function with all that it calls."""

    plan: Plan
    outline: Outline
    count: int
    """How many nodes it has, callees included."""
    offsets: tuple[int, ...]
    """By index of a node: its position among all."""
    notes: tuple[str, ...]


class Functions:
    """All functions that have been seen."""

    def __init__(self, hooks: Hooks, debugger: Debugger, recording: Recording | None) -> None:
        import tensorflow as tf  # the program has imported it

        self._hooks = hooks
        self._debugger = debugger
        self._not_found = tf.errors.NotFoundError
        self._recording = recording
        self._records: dict[str, FunctionRecord] = {}
        self._alive: dict[str, weakref.ref[Any]] = {}
        self._functions: dict[str, Function | None] = {}
        self._roots: dict[str, Outline] = {}
        self._plans: dict[str, Plan] = {}
        self._lines: dict[_Span, set[tuple[str, int]]] = {}
        """Where any trace has had ops, by function of the user's."""
        self._lock = threading.RLock()
        self._changed: Callable[[], None] = lambda: None
        self._libraries: dict[str, dict[str, Level]] = {}
        self._origins = Origins(self.plan)
        self._planner = Planner(self._records.get, self._origins.of, self.plan)

    def install(self, changed: Callable[[], None]) -> None:
        """Add functions as they are made; `changed` is called after each."""
        self._changed = changed
        self._hooks.patch(*_compat.FUNCTION_MADE.owner(), self._wrap)

    def add_known(self) -> None:
        """Add the functions that TensorFlow has already."""
        names = sorted(_compat.CONTEXT.get()().list_function_names())
        for name in names:
            if name.startswith(("__inference_", "__forward_")) and name not in self._roots:
                self._hooks.safely("outline", self._add, name)
        self._changed()

    def outlines(self) -> list[Outline]:
        """Of all functions that a program may call."""
        with self._lock:
            return list(self._roots.values())

    def find(self, name: str) -> Function | None:
        """A function; None if it cannot be walked."""
        with self._lock:
            if name not in self._functions:
                if name.startswith((_OF_EAGER, OURS)):
                    return None
                self._functions[name] = None  # for the case that it fails
                self._functions[name] = self._hooks.safely(f"plan of {name}", self._function_if_there, name)
            return self._functions[name]

    def plan(self, name: str) -> Plan:
        """The plan of a function.

        Raises:
            Exception: there is no such function, or it has something unknown in it.
        """
        with self._lock:
            found = self._plans.get(name)
            if found is None:
                found = self._plans[name] = self._planner.plan(name)
            return found

    def _wrap(self, original: Callable[..., Any]) -> Callable[..., Any]:
        import sys  # noqa: PLC0415

        getframe = sys._getframe

        def from_func_graph(name: Any, graph: Any, *args: Any, **kwargs: Any) -> Any:
            made = original(name, graph, *args, **kwargs)
            is_part = getframe(1).f_code.co_name == _PARTS
            self._hooks.safely("functions", self._made, made, graph, is_part)
            return made

        return from_func_graph

    def _made(self, atomic: Any, graph: Any, is_part: bool) -> None:
        name = atomic.name.decode()
        with self._lock:
            self._forget(name)
            record = None if self._recording is None else self._recording.function(graph)
            if record is not None:
                self._records[name] = record
            self._alive[name] = weakref.ref(atomic, lambda dead: self._gone(name, dead))
            if is_part:
                return
            self._add(name)
        self._changed()

    def _add(self, name: str) -> None:
        found = self.find(name)
        if found is not None:
            self._roots[name] = found.outline
            self._debugger.add_outline(self._with_earlier_lines(found.outline))

    def _with_earlier_lines(self, outline: Outline) -> Outline:
        """An outline with the lines that other traces of its functions have: breakpoints stay there."""
        lines = set(outline.lines)
        for span in outline.spans:
            earlier = self._lines.setdefault(span, set())
            earlier.update(place for place in outline.lines if _is_in(place, span))
            lines |= earlier
        return replace(outline, lines=frozenset(lines))

    def _gone(self, name: str, dead: weakref.ref[Any]) -> None:
        with self._lock:
            if self._alive.get(name) is dead:
                self._forget(name)

    def _forget(self, name: str) -> None:
        for table in (self._records, self._alive, self._functions, self._roots, self._plans, self._libraries):
            table.pop(name, None)

    def _function_if_there(self, name: str) -> Function | None:
        try:
            return self._function(name)
        except self._not_found:  # TensorFlow lists functions that it has forgotten
            return None

    def _function(self, name: str) -> Function:
        plan = self.plan(name)
        lines: set[tuple[str, int]] = set()
        ops: set[str] = set()
        notes = notes_of_plan(plan)
        offsets = []
        count = 0
        for node in plan.nodes:
            offsets.append(count)
            count += 1
            ops.add(node.op)
            for chain in node.origin.chains():
                lines.update(level.place for level in chain.levels())
            for callee in node.functions:
                inner = self.find(callee)
                if inner is not None:
                    count += inner.count
                    lines |= inner.outline.lines
                    ops |= inner.outline.ops
                    notes += inner.notes
        spans = (
            set()
            if plan.forward
            else {(file, *span) for file, line in lines if (span := span_of(file, line))}
        )
        outline = Outline(user_name(name), name, frozenset(lines), frozenset(ops), tuple(sorted(spans)))
        return Function(plan, outline, count, tuple(offsets), tuple(notes))

    def library(self, plan: Plan, op: str) -> Level | None:
        """The innermost line of a library that made an op, where no line of the user's did."""
        found = self._libraries.get(plan.name)
        if found is None:
            found = self._hooks.safely("library lines", self._origins.libraries, plan, default={})
            self._libraries[plan.name] = found
        return found.get(op)

    def sites(self, function: Function) -> list[OpSite]:
        """Its ops, those of its callees after the one that calls them."""
        made: list[OpSite] = []
        for node in function.plan.nodes:
            site = node.site()
            if not site.file and (level := self.library(function.plan, node.name)) is not None:
                site = site._replace(file=level.file, line=level.line)
            made.append(site)
            for callee in node.functions:
                inner = self.find(callee)
                if inner is not None:
                    made += self.sites(inner)
        return made


def _is_in(place: tuple[str, int], span: _Span) -> bool:
    file, first, last = span
    return place[0] == file and first <= place[1] <= last

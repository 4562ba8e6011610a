"""What is known of each compiled function and method: how it is walked, or why it cannot be.

It must not know when a call is to be a walk.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_script.walk.operations import CannotRunError, convert_all, converter
from tracedbg.adapters.torch_script.walk.places import function_at, places
from tracedbg.adapters.torch_script.walk.routine import Reader, Routine, looks
from tracedbg.adapters.torch_script.walk.views import ScriptWalk
from tracedbg.debugging import Outline
from tracedbg.events import OpSite

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tracedbg.hooks import Hooks

_WALKED = (
    "the graph is run op by op, before torch has optimised it: fused and rewritten ops are shown as written,"
    " and gradients are those of eager ops"
)
_DROPOUT = (
    "in training, torch's optimised graph scales dropout another way: the last bit may differ, and with p=0"
    " it draws random numbers that the walk does not"
)
_PAUSED = "torch's own interpreter runs, and keeps the variables to itself"


@dataclass(eq=False)
class Plan:
    """One function or method."""

    outline: Outline
    routine: Routine | None
    """None where only torch's own interpreter can run it."""
    walk: ScriptWalk
    paused: ScriptWalk
    """The same for torch's interpreter, paused."""
    schema: Any
    convert: Callable[[Sequence[Any]], list[Any]]
    result: Callable[[Any], Any]

    def values(self, owner: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """The inputs of the graph for a call.

        Raises:
            Exception: the arguments do not fit.
        """
        arguments = list(self.schema.arguments)
        if owner is not None:
            arguments = arguments[1:]
        if len(args) > len(arguments):
            raise TypeError("too many arguments")
        rest = dict(kwargs)
        found = list(args)
        for argument in arguments[len(args) :]:
            if argument.name in rest:
                found.append(rest.pop(argument.name))
            elif argument.has_default_value():
                found.append(argument.default_value)
            else:
                raise TypeError(f"no argument {argument.name}")
        if rest:
            raise TypeError("unknown arguments")
        values = self.convert(found)
        return values if owner is None else [owner, *values]


class Plans:
    """Makes plans, one for each function and for each method of a type."""

    def __init__(self, hooks: Hooks, found: Callable[[Outline], None]) -> None:
        self._hooks = hooks
        self._found = found
        self._functions: dict[int, tuple[weakref.ref[Any], Plan]] = {}
        """By handle: there may be several of one function."""
        self._by_name: dict[str, list[tuple[Any, Plan]]] = {}
        self._methods: dict[tuple[str, str], list[tuple[Any, Plan]]] = {}

    def of_function(self, function: Any) -> Plan:
        """The plan of a `torch.jit.ScriptFunction`."""
        known = self._functions.get(id(function))
        if known is not None and known[0]() is function:
            return known[1]
        name, graph = function.qualified_name, function.graph
        plan = next(
            (plan for other, plan in self._by_name.get(name, ()) if looks(other) == looks(graph)), None
        )
        if plan is None:
            plan = self._make(function, function.name, name, None)
            self._by_name.setdefault(name, []).append((graph, plan))
            self._found(plan.outline)
        self._functions[id(function)] = weakref.ref(function), plan
        return plan

    def of_method(self, method: Any) -> Plan:
        """The plan of a `torch.ScriptMethod`."""
        owner = method.owner
        kind = owner._type()
        known = self._methods.setdefault((kind.qualified_name(), method.name), [])
        for other, plan in known:
            if other == kind:
                return plan
        plan = self._make(method, method.name, f"{kind.qualified_name()}.{method.name}", owner)
        known.append((kind, plan))
        self._found(plan.outline)
        return plan

    def _make(self, compiled: Any, name: str, qualified: str, owner: Any) -> Plan:
        routine, why = None, ""
        try:
            routine = Reader(owner).read(compiled.graph, name)
        except CannotRunError as error:
            why = str(error)
        except Exception as error:
            why = "a fault of tracedbg: it cannot read the graph"
            self._hooks.fault("plan", error)
        graph = qualified.removeprefix("__torch__.")
        if routine is not None:
            outline, sites = _outline(routine, graph)
        else:
            outline, sites = _outline_of(compiled.inlined_graph, name, graph)
        notes = (_PAUSED, why) if why else (_PAUSED,)
        walked = (_WALKED, _DROPOUT) if "aten::dropout" in outline.ops else (_WALKED,)
        inputs = list(compiled.graph.inputs())[0 if owner is None else 1 :]
        schema = compiled.schema
        return Plan(
            outline,
            routine,
            ScriptWalk(outline.function, graph, sites, walked),
            ScriptWalk(outline.function, graph, sites, notes),
            schema,
            convert_all([value.type() for value in inputs]),
            converter(next(iter(compiled.graph.outputs())).type()),
        )


def _outline(routine: Routine, graph: str) -> tuple[Outline, tuple[OpSite, ...]]:
    lines: set[tuple[str, int]] = set()
    ops: set[str] = set()
    spans: set[tuple[str, int, int]] = set()
    sites: list[OpSite] = []
    for one in _routines(routine):
        if one.span is not None:
            spans.add(one.span)
    for step in routine.all_steps():
        sites.append(step.site)
        if step.kind != "prim::Constant":
            lines.update((place.file, place.line) for place in step.chain[:1])
        if step.is_op:
            ops.add(step.kind)
    outline = Outline(routine.function, graph, frozenset(lines), frozenset(ops), tuple(sorted(spans)))
    return outline, tuple(sites)


def _routines(routine: Routine) -> list[Routine]:
    found = [routine]
    for step in routine.steps():
        if step.callee is not None:
            found += _routines(step.callee)
    return found


def _outline_of(graph: Any, name: str, title: str) -> tuple[Outline, tuple[OpSite, ...]]:
    """The same of a graph that is not read any further."""
    lines: set[tuple[str, int]] = set()
    ops: set[str] = set()
    spans: set[tuple[str, int, int]] = set()
    sites: list[OpSite] = []

    def look(block: Any) -> None:
        for node in block.nodes():
            chain, kind = places(node.sourceRange()), node.kind()
            file, line = (chain[0].file, chain[0].line) if chain else ("", 0)
            sites.append(OpSite(kind, kind, file=file, line=line))
            if not kind.startswith("prim::"):
                ops.add(kind)
                if chain:
                    lines.add((file, line))
                    around = function_at(file, line)
                    if around is not None:
                        spans.add((file, around[0], around[1]))
            for inner in node.blocks():
                look(inner)

    look(graph)
    outline = Outline(name, title, frozenset(lines), frozenset(ops), tuple(sorted(spans)))
    return outline, tuple(sites)

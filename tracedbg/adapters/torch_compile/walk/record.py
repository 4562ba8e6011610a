"""A graph that Dynamo has traced, kept for walking: its ops, and where its lines are between them.

It holds no tensors but those that the graph itself holds (parameters that are no inputs), and lives no longer
than what was compiled of it: see `switches.py`.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_compile._compat import is_wrapper
from tracedbg.adapters.torch_compile.graphs import op_sites
from tracedbg.adapters.torch_compile.walk import hops
from tracedbg.adapters.torch_compile.walk._compat import users_name
from tracedbg.adapters.torch_compile.walk.copies import Body, Copies
from tracedbg.adapters.torch_compile.walk.placing import place, plan_frees
from tracedbg.adapters.torch_compile.walk.saved import call_names
from tracedbg.adapters.torch_compile.walk.spans import spans
from tracedbg.debugging import Outline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracedbg.adapters.torch_compile.walk.timeline import Timeline
    from tracedbg.events import OpSite


def _name(timeline: Timeline) -> str:
    """The function's; where Dynamo has put one around a module's, that of what is inside."""
    codes = [moment.code for moment in timeline.moments]
    return users_name(next((code for code in codes if not is_wrapper(code)), codes[0])) if codes else ""


OPS = frozenset({"call_function", "call_method", "call_module"})


class Record:
    """One graph and all that is known of it: the `Walk` that views tell of."""

    def __init__(
        self, graph_module: Any, timeline: Timeline, *, compile_id: str, notes: tuple[str, ...]
    ) -> None:
        """Copy a graph.

        Args:
            graph_module: as Dynamo gives it to a backend; nothing of it is kept.
            timeline: of the trace that made it.
            compile_id: such as `0/1`.
            notes: see `Walk`.
        """
        self.graph = f"{compile_id} forward"
        self.notes = notes
        copies = Copies()
        self.body = copies.body(graph_module)
        self.numbers: dict[Any, int] = {}
        """The position of each op in `sites`."""
        bodies: list[Body] = []
        self.sites: tuple[OpSite, ...] = tuple(self._number(graph_module, copies, bodies))
        self.calls = call_names(copies)
        """Its ops by the names that AOTAutograd has for them."""
        placed = place(timeline, copies)
        for body in bodies:
            plan_frees(body)
        self.function = _name(timeline)
        lines = frozenset((mark.file, mark.line) for body in bodies for mark in body.lines())
        self.outline = Outline(
            self.function,
            self.graph,
            lines,
            frozenset(site.op for site in self.sites),
            spans([moment for moment, mark in placed if not mark.is_return], lines),
        )

    def _number(self, module: Any, copies: Copies, bodies: list[Body]) -> Iterator[OpSite]:
        """The sites of a graph's ops in order, each followed by those of the graphs that it runs."""
        body = copies.body(module)
        bodies.append(body)
        for site, original in zip(op_sites(module.graph), module.graph.nodes, strict=True):
            if original.op not in OPS:
                continue
            node = copies.nodes[original]
            self.numbers[node] = len(self.numbers)
            yield site
            for target in hops.walked(node):
                inner = body.attributes.get(target)
                if isinstance(inner, Body) and inner not in bodies:
                    yield from self._number(operator.attrgetter(target)(module), copies, bodies)

"""Copies of the graphs that Dynamo has traced, as they were before a backend has worked on them."""

from __future__ import annotations

import copy
import operator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_compile.walk import _compat
from tracedbg.events import Frame

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tracedbg.adapters.torch_compile.walk.refs import Ref


@dataclass(eq=False)
class Mark:
    """A line of the user's, at its place between the ops."""

    file: str
    """As a real path."""
    line: int
    function: str
    module: str
    """The module of the function, for its globals."""
    is_user: bool
    variables: Mapping[str, Ref]
    caller: Mark | None
    is_return: bool
    """Whether it is the rest of a line, after a call: there is no stop at it."""
    depth: int
    """How many callers there are."""

    @cached_property
    def user_line(self) -> Frame:
        """The innermost line of the user's; its own where there is none."""
        mark = next((one for one in self.stack() if one.is_user), self)
        return Frame(mark.file, mark.line, mark.function)

    def stack(self) -> Iterator[Mark]:
        """It and its callers, innermost first."""
        at: Mark | None = self
        while at is not None:
            yield at
            at = at.caller


@dataclass(eq=False)
class Body:
    """One `fx.Graph`: that of a function, or of a branch or loop body in it."""

    placeholders: list[Any] = field(default_factory=list)
    nodes: list[Any] = field(default_factory=list)
    """All others, in order; the output is the last one."""
    attributes: dict[str, Any] = field(default_factory=dict)
    """What `get_attr` and `call_module` nodes name; a `Body` where that is a graph."""
    module: Any = None
    """It as an `fx.GraphModule`, for an op that is to call it itself; None for the outermost."""
    marks: dict[Any, list[Mark]] = field(default_factory=dict)
    """What comes before a node."""
    frees: dict[Any, list[Any]] = field(default_factory=dict)
    """Whose values are not needed any more after a node."""

    def lines(self) -> Iterator[Mark]:
        """The marks at which a walk may stop."""
        for marks in self.marks.values():
            yield from (mark for mark in marks if not mark.is_return)


class Copies:
    """Copies graphs: what they hold (parameters, constants) is shared, what they call is copied too."""

    def __init__(self) -> None:
        self.inputs: dict[str, Any] = {}
        """The inputs of the copy of the outermost graph, by the expressions for where they come from."""
        self.nodes: dict[Any, Any] = {}
        """The node of a copy, by that of Dynamo's graph."""
        self.bodies: dict[Any, Body] = {}
        """By Dynamo's graph."""

    def body(self, module: Any) -> Body:
        """The copy of the graph of an `fx.GraphModule`."""
        from torch import fx

        if module.graph in self.bodies:
            return self.bodies[module.graph]
        body = self.bodies[module.graph] = Body()
        graph = fx.Graph()
        for node in module.graph.nodes:
            made = graph.node_copy(node, self.nodes.__getitem__)
            made.meta = {}
            self.nodes[node] = made
            if (source := _compat.input_source(node)) is not None:
                self.inputs[source] = made
            (body.placeholders if made.op == "placeholder" else body.nodes).append(made)
            if made.op in ("get_attr", "call_module"):
                self._hold(body, module, str(made.target))
        return body

    def _hold(self, body: Body, module: Any, target: str) -> None:
        from torch import fx

        held = operator.attrgetter(target)(module)
        if not isinstance(held, fx.GraphModule):
            body.attributes[target] = held
        elif target not in body.attributes:
            inner = body.attributes[target] = self.body(held)
            if inner.module is None:
                inner.module = fx.GraphModule(_nested(inner), inner.nodes[-1].graph)
                inner.module.meta = copy.copy(held.meta)


def _nested(body: Body) -> Any:
    """What a `GraphModule` takes its attributes from."""
    import torch

    root = torch.nn.Module()
    for name, held in body.attributes.items():
        *parents, attribute = name.split(".")
        at = root
        for parent in parents:
            if not hasattr(at, parent):
                setattr(at, parent, torch.nn.Module())
            at = getattr(at, parent)
        setattr(at, attribute, held.module if isinstance(held, Body) else held)
    return root

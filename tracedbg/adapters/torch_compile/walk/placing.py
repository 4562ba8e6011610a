"""Where the lines of a timeline are between the ops of copied graphs; how long a walk needs each value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_compile.walk._compat import users_name
from tracedbg.adapters.torch_compile.walk.copies import Body, Copies, Mark
from tracedbg.adapters.torch_compile.walk.refs import nodes_of, with_nodes
from tracedbg.frames import real_path
from tracedbg.source import is_user_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tracedbg.adapters.torch_compile.walk.timeline import Moment, Timeline


def place(timeline: Timeline, copies: Copies) -> list[tuple[Moment, Mark]]:
    """Put the moments of a timeline between the nodes of the copies, but for those of dropped graphs."""
    marks: dict[Moment, Mark] = {}
    placed = []
    indices = {body: {node: at for at, node in enumerate(body.nodes)} for body in copies.bodies.values()}
    for moment in timeline.moments:
        visible = _visible(moment)
        if visible is None:
            continue
        mark = _mark(visible, marks, copies, is_return=visible is not moment or moment.is_return)
        marks[moment] = mark
        body = copies.bodies.get(moment.graph)
        if body is not None:
            node = _kept(moment.last, copies.nodes)
            before = body.nodes[indices[body].get(node, -1) + 1]
            body.marks.setdefault(before, []).append(mark)
            placed.append((moment, mark))
    return placed


def _visible(moment: Moment) -> Moment | None:
    """`moment`, or that of the first caller which is no function of Dynamo's."""
    at: Moment | None = moment
    while at is not None and at.is_hidden:
        at = at.caller
    return at


def _mark(moment: Moment, marks: dict[Moment, Mark], copies: Copies, *, is_return: bool) -> Mark:
    caller = None if moment.caller is None else _visible(moment.caller)
    outer = None if caller is None else marks.get(caller)
    kept = ((name, with_nodes(ref, copies.nodes, copies.inputs)) for name, ref in moment.variables.items())
    file = moment.code.co_filename
    return Mark(
        real_path(file),
        moment.line,
        users_name(moment.code),
        moment.module,
        is_user_file(file),
        {name: ref for name, ref in kept if ref is not None},
        outer,
        is_return,
        0 if outer is None else outer.depth + 1,
    )


def _kept(node: Any, nodes: Mapping[Any, Any]) -> Any:
    """The copy of `node`, or of the last one before it that Dynamo has kept."""
    while node is not None and node.op != "root":
        if node in nodes:
            return nodes[node]
        node = node._prev
    return None


def plan_frees(body: Body) -> None:
    """Find after which node of a body each value has been used for the last time, by an op or to be shown."""
    last: dict[Any, Any] = {}
    shown: set[Any] = set()
    for node in body.nodes:
        if node in body.marks:
            for used in shown:
                last[used] = node
            shown = set()
            for mark in body.marks[node]:
                shown = shown_at([mark])
        for used in node.all_input_nodes:
            last[used] = node
        inner = [
            body.attributes.get(str(used.target)) for used in node.all_input_nodes if used.op == "get_attr"
        ]
        for used in shown_at(mark for one in inner if isinstance(one, Body) for mark in all_marks(one)):
            last[used] = node
    output = body.nodes[-1]
    for node in (*body.placeholders, *body.nodes):
        if node is not output and node not in shown:
            body.frees.setdefault(last.get(node, node), []).append(node)


def all_marks(body: Body) -> Iterable[Mark]:
    """Those of a body, and of the bodies in it."""
    for marks in body.marks.values():
        yield from marks
    for inner in body.attributes.values():
        if isinstance(inner, Body):
            yield from all_marks(inner)


def shown_at(marks: Iterable[Mark]) -> set[Any]:
    """The nodes of which variables are made, at lines and in their callers."""
    return {
        node
        for mark in marks
        for frame in mark.stack()
        for ref in frame.variables.values()
        for node in nodes_of(ref)
    }

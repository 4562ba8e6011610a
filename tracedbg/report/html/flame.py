"""The flame graph as a table of calls, from which the page's script draws it; it says all without the script.

It must not know how time was measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.report.html.markup import Element, element
from tracedbg.report.html.parts import shortened
from tracedbg.report.ledger import name_of
from tracedbg.report.style import count, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tracedbg.explain.flame import Flame, FlameNode
    from tracedbg.report.html.markup import Node
    from tracedbg.report.html.parts import Look

MAX_NODES = 600
"""Of one graph; those that took least are left out, with all below them."""
_FILLS = {
    "python": "code",
    "eager_ops": "run",
    "backward": "run",
    "compiled": "run-deep",
    "tracing": "build",
    "compiling": "build-deep",
    "data_loading": "wait",
    "waiting": "wait",
}
_NAME = 80


def fill_of(activity: str) -> str:
    """The name of its colour: warm is what makes graphs, blue is what runs, the rest is grey."""
    return _FILLS.get(activity, "idle")


def flames(found: Sequence[Flame], look: Look) -> Node:
    """A graph for each process."""
    return [_flame(one, look) for one in found if one.nodes]


def _flame(flame: Flame, look: Look) -> Element:
    whose = "" if flame.rank is None else f" of rank {flame.rank}"
    total = _count(flame.nodes)
    rows = [_row(node, depth, flame, look) for node, depth in _kept(flame)]
    head = element(
        "tr",
        element("th", "Call", scope="col"),
        element("th", "Seconds", scope="col", class_="num"),
        element("th", "Share", scope="col", class_="num"),
    )
    whole = element(
        "table",
        element("caption", f"Calls{whose} by stack, callers before what they called"),
        element("thead", head),
        element("tbody", rows),
        class_="data calls",
    )
    label = f"Calls{whose}"
    rest = total - len(rows)
    words = f"{count(rest, 'shorter call')} left out." if rest > 0 else ""
    title = element("summary", f"The same as a table: {count(len(rows), 'call')}")
    scroll = element("div", whole, class_="scroll tall", role="region", aria_label=label, tabindex="0")
    return element(
        "figure",
        element("h3", f"Flame graph{whose}"),
        element(
            "figcaption",
            "A call is as wide as the time that it took; what it called stands below it, and at the end what"
            " was done, in the colour of its activity.",
            class_="muted small",
        ),
        element(
            "details", title, scroll, element("p", words, class_="muted small") if words else None, open=True
        ),
        class_="flame",
        data_seconds=flame.seconds,
    )


def _count(nodes: Sequence[FlameNode]) -> int:
    return sum(1 + _count(node.inner) for node in nodes)


def _kept(flame: Flame) -> Iterator[tuple[FlameNode, int]]:
    """The costliest nodes in the order of a table: each after its caller."""
    every = sorted((node.seconds for node, _ in _all(flame.nodes, 0)), reverse=True)
    least = every[MAX_NODES - 1] if len(every) > MAX_NODES else 0.0
    left = MAX_NODES
    for node, depth in _all(flame.nodes, 0, least):
        if not left:
            return
        left -= 1
        yield node, depth


def _all(nodes: Sequence[FlameNode], depth: int, least: float = 0.0) -> Iterator[tuple[FlameNode, int]]:
    for node in nodes:
        if node.seconds >= least:
            yield node, depth
            yield from _all(node.inner, depth + 1, least)


def _row(node: FlameNode, depth: int, flame: Flame, look: Look) -> Element:
    share = node.seconds / flame.seconds if flame.seconds else 0.0
    name, where = _name(node, look)
    return element(
        "tr",
        element(
            "th",
            element("span", "· " * min(depth, 40), class_="indent", aria_hidden="true"),
            element("code", name) if node.frame else element("b", name),
            element("span", f" {where}", class_="muted") if where else None,
            scope="row",
        ),
        element("td", seconds(node.seconds), class_="num"),
        element("td", f"{share:.1%}", class_="num"),
        data_depth=depth,
        data_seconds=node.seconds,
        data_name=name,
        data_where=where,
        data_fill=None if node.frame else fill_of(node.activity),
    )


def _name(node: FlameNode, look: Look) -> tuple[str, str]:
    """What it is called, and where it is."""
    if node.frame is None:
        return name_of(node.activity), shortened(node.phase, _NAME)
    where = look.style.place(node.frame.file, node.frame.line, _NAME)
    return shortened(node.frame.function, _NAME) or where, where

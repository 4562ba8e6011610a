"""The ops of a graph as a tree: by line of the user's source, the inside of a loop or branch below its op.

Data only; it must not know how it is shown.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tracedbg.events import OpSite

_GRADIENT = re.compile(r"(?:^|/)gradients/(?:.*/)?(?P<of>[^/]+)_grad(?:/|$)")
_HOLDS_BODY = re.compile(
    r"while|(?:^|\.)cond|(?:^|[a-z])If|map|scan|Case|Partitioned|loop|higher_order|wrap|checkpoint",
    re.IGNORECASE,
)


@dataclass
class Node:
    """A line of source with its ops, or an op with what is inside it."""

    op: OpSite | None = None
    number: int = 0
    """Of the op in its graph."""
    file: str = ""
    line: int = 0
    children: list[Node] = field(default_factory=list)
    is_open: bool = True

    @property
    def size(self) -> int:
        """How many ops there are in it."""
        return (self.op is not None) + sum(child.size for child in self.children)


def tree_of(ops: Sequence[OpSite]) -> list[Node]:
    """The lines in the order in which they first made an op; an op with a body has it below, folded."""
    lines: dict[tuple[str, int], Node] = {}
    owners: dict[str, Node] = {}
    roots: list[Node] = []
    for number, op in enumerate(ops):
        node = Node(op, number, op.file, op.line)
        owner = _owner(op.name, owners)
        if owner is not None:
            owner.children.append(node)
            owner.is_open = False
        else:
            key = op.file, op.line
            if key not in lines:
                lines[key] = Node(file=op.file, line=op.line)
                roots.append(lines[key])
            lines[key].children.append(node)
        if _HOLDS_BODY.search(op.op):
            owners[op.name] = node
    return roots


def _owner(name: str, owners: dict[str, Node]) -> Node | None:
    """The op inside of whose scope a name is: the innermost."""
    end = len(name)
    while (end := name.rfind("/", 0, end)) > 0:
        if (found := owners.get(name[:end])) is not None:
            return found
    return None


def shown(nodes: Sequence[Node], depth: int = 0) -> Iterator[tuple[int, Node]]:
    """(depth, node) of all that is not inside of a folded one."""
    for node in nodes:
        yield depth, node
        if node.is_open:
            yield from shown(node.children, depth + 1)


def inside(nodes: Sequence[Node]) -> Iterator[Node]:
    """All nodes, each followed by what is in it."""
    for node in nodes:
        yield node
        yield from inside(node.children)


def path_to(nodes: Sequence[Node], number: int) -> list[Node]:
    """The nodes from the root down to an op; empty if it is not there."""
    for node in nodes:
        if node.op is not None and node.number == number:
            return [node]
        if below := path_to(node.children, number):
            return [node, *below]
    return []


def made_from(op: OpSite) -> str:
    """Name of the op that an op of a gradient is the gradient of; empty if the name does not say."""
    match = _GRADIENT.search(op.name)
    return match["of"] if match else ""


def linked(op: OpSite, others: Sequence[OpSite], *, is_backward: bool) -> list[int]:
    """The ops of the other graph that belong to one: by name where it says so, else by their line.

    Args:
        op: of this graph.
        others: all ops of the other one.
        is_backward: whether this graph is the backward one.
    """
    backward = (op,) if is_backward else others
    if any(map(made_from, backward)):
        if is_backward:
            return [number for number, other in enumerate(others) if _leaf(other.name) == made_from(op)]
        return [number for number, other in enumerate(others) if made_from(other) == _leaf(op.name)]
    if not op.line:
        return []
    by_line: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    for number, other in enumerate(others):
        by_line[other.file, other.line].append(number)
    return by_line[op.file, op.line]


def placed(ops: Sequence[OpSite], forward: Sequence[OpSite]) -> list[OpSite]:
    """The ops of a gradient, each with the line of the forward op that it is the gradient of.

    Frameworks give all of them the line that asked for the gradient, or none.
    """
    lines = {_leaf(op.name): (op.file, op.line) for op in forward}
    made = []
    for op in ops:
        file, line = lines.get(made_from(op), (op.file, op.line))
        made.append(op._replace(file=file, line=line))
    return made


def _leaf(name: str) -> str:
    return name.rpartition("/")[2]

"""The nodes of a graph, in the order of the forward: read by Python, from what is public of a node.

A walk takes some 10 us for each node. It keeps nothing: what it gives is to be let go within the call.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_steps import _compat
from tracedbg.events import Frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NOWHERE = Frame("", 0)
"""Stands for lines that are not known."""


@dataclass(frozen=True)
class Node:
    """One node. It holds the program's own, and must not outlive the callback."""

    node: Any
    """torch's."""
    name: str
    inputs: tuple[tuple[int | str, int], ...]
    """What it comes from: the number of another node and of its output, or a leaf in words; empty where
    that needs no gradient."""
    stack: tuple[Frame, ...] = ()
    """Where the forward made it, innermost first; empty where nobody knows."""

    @property
    def line(self) -> Frame:
        """Where the forward made it; `NOWHERE` where nobody knows."""
        return self.stack[0] if self.stack else NOWHERE


@dataclass(frozen=True)
class Walked:
    """A graph. It holds the program's own, and must not outlive the callback."""

    nodes: list[Node]
    leaves: list[Any]
    """Tensors."""


def walk(outputs: Iterable[Any]) -> Walked:
    """The graph of those tensors, or of those `GradientEdge`s."""
    found = _reach(outputs)
    leaves: dict[Any, str] = {}
    inner = [node for node in found if node.name() != _compat.LEAF]
    inner.sort(key=lambda node: getattr(node, _compat.SEQUENCE)())
    numbers = {node: number for number, node in enumerate(inner)}
    nodes = []
    for node in inner:
        inputs: list[tuple[int | str, int]] = []
        for edge, output in found[node]:
            if edge is None:
                inputs.append(("", 0))
            elif edge in numbers:
                inputs.append((numbers[edge], output))
            else:
                inputs.append((leaves.setdefault(edge, _words(len(leaves), edge.variable)), 0))
        nodes.append(Node(node, node.name(), tuple(inputs)))
    return Walked(nodes, [leaf.variable for leaf in leaves])


def _reach(outputs: Iterable[Any]) -> dict[Any, Sequence[tuple[Any, int]]]:
    """All nodes, with what each of them comes from."""
    found: dict[Any, Sequence[tuple[Any, int]]] = {}
    open_ends = [node for one in outputs if (node := root_of(one)) is not None]
    while open_ends:
        node = open_ends.pop()
        if node not in found:
            found[node] = edges = node.next_functions
            open_ends += [edge for edge, _ in edges if edge is not None and edge not in found]
    return found


def root_of(output: Any) -> Any:
    """The node that made a tensor, or of a `GradientEdge`; None where there is none."""
    made_by = getattr(output, "grad_fn", None)
    return getattr(output, "node", None) if made_by is None else made_by


def _words(number: int, leaf: Any) -> str:
    """`leaf0[64, 32]`."""
    try:
        shape = ", ".join(str(size) for size in leaf.shape)
    except (RuntimeError, TypeError):  # nested
        shape = "?"
    return f"leaf{number}[{shape}]"


def fingerprint_of(walked: Walked) -> str:
    """Equal for two graphs if their names, edges and shapes of leaves are, and their stacks where known."""
    rows = [(one.name, one.inputs, one.stack) for one in walked.nodes]
    return blake2b(repr(rows).encode(), digest_size=8).hexdigest()


class SlowLooker:
    """Reads graphs in Python; it knows no lines."""

    is_fast = False

    def fingerprint(self, outputs: Sequence[Any]) -> str | None:
        """See `recorder.Looker`."""
        walked = walk(outputs)
        return fingerprint_of(walked) if walked.nodes else None

    def walk(self, outputs: Sequence[Any]) -> Walked:
        """See `recorder.Looker`."""
        return walk(outputs)

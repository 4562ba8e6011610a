"""TorchScript IR as op sites, each with the user's line that made it.

It must not keep the graph, nor have torch print it: that would read the tensors in it.
"""

from __future__ import annotations

import functools
import itertools
import re
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_compile.values import shorten, spec_text
from tracedbg.events import OpSite
from tracedbg.source import is_user_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PLACE = re.compile(
    r'^(?:  File "(?P<script>.+)", line (?P<at>\d+)|(?P<traced>.+)\((?P<line>\d+)\): .*)$', re.MULTILINE
)
_WITH_BLOCKS = frozenset(("prim::If", "prim::Loop", "prim::With", "prim::Closure"))
_PARTS = {"prim::If": ("then", "else"), "prim::Loop": ("body",), "prim::With": ("body",)}
"""What the blocks of a node are to it."""
_NO_WORK = frozenset(("prim::Constant", "prim::GetAttr"))


def op_sites(graph: Any) -> tuple[OpSite, ...]:
    """One `OpSite` for each node of a `torch.Graph`, in the order in which torch prints them."""
    return tuple(_sites(graph, itertools.count(), ""))


def count_ops(kinds: Iterable[str]) -> int:
    """How many of the nodes, given their kinds, do more than to give a constant or an attribute."""
    return sum(kind not in _NO_WORK for kind in kinds)


def node_kinds(graph: Any) -> Iterator[str]:
    """The kind of each node: a fifth of the cost of `op_sites`."""
    return (node.kind() for node in _nodes(graph))


def _nodes(block: Any) -> Iterator[Any]:
    for node in block.nodes():
        yield node
        if node.kind() in _WITH_BLOCKS:
            for inner in node.blocks():
                yield from _nodes(inner)


def _sites(block: Any, numbers: Iterator[int], inside: str) -> Iterator[OpSite]:
    """Those of a block, each followed by those of its own blocks."""
    for node in block.nodes():
        site = _site(node, next(numbers), inside)
        yield site
        if node.kind() in _WITH_BLOCKS:
            parts = _PARTS.get(node.kind(), ())
            for at, inner in enumerate(node.blocks()):
                part = parts[at] if at < len(parts) else f"block {at}"
                yield from _sites(inner, numbers, f"{site.name}/{part}")


def _site(node: Any, number: int, inside: str) -> OpSite:
    outputs = [node.outputsAt(at) for at in range(node.outputsSize())]
    inputs = tuple(node.inputsAt(at).debugName() for at in range(node.inputsSize()))
    name = outputs[0].debugName() if outputs else f"node{number}"
    output = ", ".join(_type(value.type()) for value in outputs)
    file, line = _line(node.sourceRange())
    return OpSite(name, node.kind(), inputs, shorten(output), file, line, inside)


def _type(kind: Any) -> str:
    """`float32[2, 3]` where tracing has seen it, else torch's own name of the type."""
    if kind.kind() != "TensorType":
        return str(kind)
    dtype, sizes = kind.dtype(), kind.sizes()
    return "Tensor" if dtype is None or sizes is None else spec_text(str(dtype), sizes)


@functools.lru_cache(maxsize=256)  # neighbours share their place
def _line(place: str) -> tuple[str, int]:
    """The innermost line of the user's in what torch says of a node, or of anybody's."""
    first: tuple[str, int] = ("", 0)
    for found in _PLACE.finditer(place):
        file, line = found["script"] or found["traced"], int(found["at"] or found["line"])
        if is_user_file(file):
            return file, line
        first = first if first[0] else (file, line)
    return first

"""The graph of a compiled backward, kept for walking: its ops, each with the line of the forward it is for.

It lives no longer than what was compiled of it: see `backward.py`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_compile.graphs import op_sites
from tracedbg.adapters.torch_compile.walk.copies import Copies
from tracedbg.adapters.torch_compile.walk.placing import plan_frees
from tracedbg.debugging import Outline
from tracedbg.events import OpSite
from tracedbg.frames import LineFrame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.debugging import FrameView

_OPS = frozenset({"call_function", "call_method", "call_module"})
_FRAME = re.compile(r'File "(?P<file>.+?)", line (?P<line>\d+), in (?P<function>.+)')
_SEEDED = frozenset({"inductor_random", "inductor_randint", "inductor_seed", "inductor_seeds"})
"""What inductor makes of random ops: run by torch itself, they would draw from another stream."""
NO_GRAPH = "its backward came from a cache of compiled code, without its graph: it does not stop there"
DRAWS_AGAIN = (
    "its backward draws random numbers in inductor's own way: it does not stop there; "
    "set torch._inductor.config.fallback_random = True before compiling to stop in it"
)


class BackwardRecord:
    """One graph and all that is known of it: the `Walk` that views tell of."""

    def __init__(self, module: Any, *, graph: str, notes: tuple[str, ...]) -> None:
        """Copy a graph.

        Args:
            module: as AOTAutograd has it for the backend; nothing of it is kept but its constants.
            graph: see `Walk`; so is `notes`.
            notes: where the compiled code could differ.
        """
        self.graph = graph
        self.notes = notes
        copies = Copies()
        self.body = copies.body(module)
        plan_frees(self.body)
        self.numbers: dict[Any, int] = {}
        """The position of each op in `sites`."""
        self.stacks: dict[Any, tuple[LineFrame, ...]] = {}
        """The lines of the forward for which an op is, innermost first; empty where torch tells none."""
        sites: list[OpSite] = []
        functions: list[str] = []
        for site, original in zip(op_sites(module.graph), module.graph.nodes, strict=True):
            if original.op not in _OPS:
                continue
            node = copies.nodes[original]
            self.numbers[node] = len(sites)
            stack = self.stacks[node] = _stack(original.stack_trace or "")
            functions += [stack[-1].function] if stack else []
            file, line = (stack[0].file, stack[0].line) if stack else ("", 0)
            sites.append(OpSite(site.name, _name(original, site.op), site.inputs, site.output, file, line))
        self.sites: tuple[OpSite, ...] = tuple(sites)
        self.function = max(functions, key=functions.count, default="")
        # Its lines are those of the forward, where a breakpoint on a line stops: see `backward.py`.
        self.outline = Outline(self.function, graph, frozenset(), frozenset(site.op for site in sites))

    def frames_of(self, node: Any) -> Sequence[FrameView]:
        """The stack of the forward for an op."""
        return self.stacks.get(node, ())


def draws_again(module: Any) -> bool:
    """Whether a walk would move the random stream."""
    return any(
        node.op == "call_function" and _packet(node).rpartition(".")[2] in _SEEDED
        for node in module.graph.nodes
    )


def _name(node: Any, otherwise: str) -> str:
    """`aten.mul`, as the op is called where it runs eagerly."""
    return (_packet(node) if node.op == "call_function" else "") or otherwise


def _packet(node: Any) -> str:
    packet = getattr(node.target, "overloadpacket", None)
    return "" if packet is None else str(packet)


def _stack(text: str) -> tuple[LineFrame, ...]:
    """The frames of a node's stack, from the innermost one of the user's."""
    frames = [
        LineFrame(found["file"], int(found["line"]), found["function"].strip())
        for found in _FRAME.finditer(text)
    ][::-1]
    first = next((at for at, frame in enumerate(frames) if frame.is_user), 0)
    return tuple(frames[first:])

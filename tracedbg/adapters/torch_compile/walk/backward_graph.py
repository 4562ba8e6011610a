"""The graph of a compiled backward, kept for walking: its ops, each with the line of the forward it is for.

It lives no longer than what was compiled of it: see `backward.py`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_compile.graphs import op_sites, output_text
from tracedbg.adapters.torch_compile.walk.copies import Copies
from tracedbg.adapters.torch_compile.walk.notes import RANDOM
from tracedbg.adapters.torch_compile.walk.placing import plan_frees, shown_at
from tracedbg.adapters.torch_compile.walk.record import OPS
from tracedbg.adapters.torch_compile.walk.saved import (
    FORWARD_IS_OVER,
    SavedLevel,
    call_name,
    marks_of,
    saved_values,
)
from tracedbg.adapters.torch_compile.walk.views import TracedFrame
from tracedbg.debugging import Outline
from tracedbg.events import OpSite
from tracedbg.frames import LineFrame

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracedbg.adapters.torch_compile.walk.copies import Mark
    from tracedbg.adapters.torch_compile.walk.interpreter import Level
    from tracedbg.adapters.torch_compile.walk.record import Record
    from tracedbg.debugging import FrameView

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

    def __init__(self, module: Any, *, graph: str) -> None:
        """Copy a graph.

        Args:
            module: as AOTAutograd has it for the backend; nothing of it is kept but its constants.
            graph: see `Walk`.
        """
        self.graph = graph
        self.notes: tuple[str, ...] = ()
        copies = Copies()
        self.body = copies.body(module)
        plan_frees(self.body)
        self.numbers: dict[Any, int] = {}
        """The position of each op in `sites`."""
        self._stacks: dict[Any, tuple[LineFrame, ...]] = {}
        self._marks: dict[Any, Mark] = {}
        self._saved: dict[Any, Any] = {}
        sites: list[OpSite] = []
        for site, original in zip(op_sites(module.graph), module.graph.nodes, strict=True):
            if original.op not in OPS:
                continue
            node = copies.nodes[original]
            self.numbers[node] = len(sites)
            stack = self._stacks[node] = _stack(original.stack_trace or "")
            file, line = (stack[0].file, stack[0].line) if stack else ("", 0)
            output = output_text(original.meta.get("val"))
            sites.append(OpSite(site.name, _name(original, site.op), site.inputs, output, file, line))
        self.sites: tuple[OpSite, ...] = tuple(sites)
        self.places = frozenset((site.file, site.line) for site in sites if site.file)
        """The lines of the forward."""
        functions = [stack[-1].function for stack in self._stacks.values() if stack]
        self.function = max(functions, key=functions.count, default="")
        # Its lines are those of the forward, where a breakpoint on a line stops: see `backward.py`.
        self.outline = Outline(self.function, graph, frozenset(), frozenset(site.op for site in sites))
        self._originals = copies.nodes

    def join(self, forward: Record) -> None:
        """Its forward has been compiled: of each op the line is known with the variables there."""
        marks = marks_of(forward.body)
        only = _only(marks.values())
        originals, self._originals = self._originals, {}
        for node, original in (
            (node, original) for original, node in originals.items() if node in self.numbers
        ):
            place = self.place_of(node)
            mark = _users(marks.get(forward.calls.get(call_name(original.meta)))) or only.get(place)
            if mark is not None and (mark.file, mark.line) == place:
                self._marks[node] = mark
        self._saved = saved_values(originals, forward)
        self.function = forward.function or self.function
        self.notes = tuple(note for note in forward.notes if note != RANDOM)
        self._keep_what_is_shown()

    def place_of(self, node: Any) -> tuple[str, int] | None:
        """The line of the forward for which an op is; None if torch does not tell."""
        stack = self._stacks[node]
        return (stack[0].file, stack[0].line) if stack else None

    def depth_of(self, node: Any) -> int:
        """How many frames `frames_of` has."""
        return self._marks[node].depth + 1 if node in self._marks else len(self._stacks[node])

    def frames_of(self, node: Any, level: Level) -> list[FrameView]:
        """The stack of the forward for an op, innermost first; with the variables that the backward knows."""
        if node not in self._marks:
            return list(self._stacks[node])
        saved: Any = SavedLevel(level.values, self._saved)
        return [TracedFrame(mark, FORWARD_IS_OVER, saved) for mark in self._marks[node].stack()]

    def _keep_what_is_shown(self) -> None:
        """Values are kept until after the last op at whose line they are a variable."""
        last = {value: node for node, values in self.body.frees.items() for value in values}
        order = {node: at for at, node in enumerate(self.body.nodes)}
        shown: dict[Mark, set[Any]] = {}
        for node, mark in self._marks.items():
            if mark not in shown:
                shown[mark] = {self._saved[one] for one in shown_at([mark]) if one in self._saved}
            for value in shown[mark]:
                if value in last and order.get(last[value], -1) < order[node]:
                    last[value] = node
        self.body.frees.clear()
        for value, node in last.items():
            self.body.frees.setdefault(node, []).append(value)


def _users(mark: Mark | None) -> Mark | None:
    """The innermost line of the user's."""
    return None if mark is None else next((one for one in mark.stack() if one.is_user), None)


def _only(marks: Iterable[Mark]) -> dict[tuple[str, int] | None, Mark]:
    """The lines that are run once, by their places."""
    found: dict[tuple[str, int] | None, set[Mark]] = {}
    for mark in marks:
        if (users := _users(mark)) is not None:
            found.setdefault((users.file, users.line), set()).add(users)
    return {place: one for place, (one, *others) in found.items() if not others}


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

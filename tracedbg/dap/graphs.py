"""The graphs that threads have stopped in, and an address for each of their ops.

Addresses are numbers that rise with the op's position, as editors compare them and count with them.
It must not know any request.
"""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracedbg.dap.arguments import RequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.debugging import View
    from tracedbg.events import OpSite

OP_BYTES = 16
_GRAPH_BYTES = 1 << 36
_MIDDLE = 1 << 35
"""Where the first op of a graph is: an editor asks for what is before it, too."""


def op_text(site: OpSite) -> str:
    """`add_1: float32[2] = aten.add.Tensor(x, mul)`."""
    output = f": {site.output}" if site.output else ""
    return f"{site.name}{output} = {site.op}({', '.join(site.inputs)})"


@dataclass(frozen=True)
class Graph:
    """A graph, with the text of its ops and none of its values."""

    number: int
    function: str
    name: str
    """As `Walk.graph`; empty for the eager ops of a thread."""
    sites: Sequence[OpSite]
    notes: tuple[str, ...] = ()

    def address(self, index: int) -> int:
        """Where op `index` is."""
        return self.number * _GRAPH_BYTES + _MIDDLE + index * OP_BYTES


class Graphs:
    """All graphs by address. Safe in any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._known: dict[tuple[str, str], Graph] = {}

    def see(self, view: View) -> Graph | None:
        """The graph that a view is in; None in eager code."""
        walk = view.walk
        if walk is None:
            return None
        key = walk.function, walk.graph
        with self._lock:
            known = self._known.get(key)
            if known is None or known.sites is not walk.sites:
                number = known.number if known else next(self._numbers)
                known = Graph(number, walk.function, walk.graph, walk.sites, tuple(walk.notes))
                self._known[key] = known
            return known

    def all(self) -> list[Graph]:
        """All that are known."""
        with self._lock:
            return list(self._known.values())

    def pointer(self, view: View) -> str | None:
        """The address of the op that a view is at, or of the first one of its line; None if there is none."""
        graph = self.see(view)
        if graph is None:
            return None
        if view.op is not None:
            return hex(graph.address(view.op.index))
        at = view.file, view.line
        first = next((index for index, site in enumerate(graph.sites) if (site.file, site.line) == at), None)
        return None if first is None else hex(graph.address(first))

    def address(self, name: str, index: int) -> str:
        """The address of an op in the graph of that name; empty if there is none."""
        graph = next((one for one in self.all() if one.name == name), None)
        return hex(graph.address(index)) if graph else ""

    def place(self, reference: str, offset: int = 0) -> tuple[Graph, int]:
        """The graph and the op, which may be beyond its ends, at an address.

        Raises:
            RequestError: no graph is there.
        """
        try:
            address = int(reference, 0) + offset
        except ValueError:
            raise RequestError(f"{reference!r} is no address of an op") from None
        number, rest = divmod(address, _GRAPH_BYTES)
        graph = next((one for one in self.all() if one.number == number), None)
        if graph is None:
            raise RequestError(f"no graph that was stopped in is at {reference!r}")
        return graph, (rest - _MIDDLE) // OP_BYTES

    def find(self, name: str) -> Graph:
        """A graph by its name.

        Raises:
            RequestError: nothing has stopped in it.
        """
        for one in self.all():
            if one.name == name:
                return one
        known = ", ".join(repr(one.name) for one in self.all()) or "none"
        raise RequestError(f"no graph {name!r} was stopped in; there are {known}")

    def reset_after_fork(self) -> None:
        """In a forked child: another thread may have held the lock, and does not exist here."""
        self._lock = threading.Lock()

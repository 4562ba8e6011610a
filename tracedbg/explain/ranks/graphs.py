"""Where the graphs of one trace part between ranks."""

from __future__ import annotations

import os
from collections import defaultdict
from typing import TYPE_CHECKING

from tracedbg.events import Frame
from tracedbg.explain.deciding import what_decides
from tracedbg.explain.graph_advice import say
from tracedbg.explain.graph_difference import Difference, Graph, difference
from tracedbg.explain.ranks.model import RankGraph
from tracedbg.store.codec import unpack_sites

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tracedbg.events import OpSite
    from tracedbg.explain.deciding import Decision
    from tracedbg.explain.ranks.columns import Column
    from tracedbg.explain.ranks.model import RankFunctionKey


def graph_differences(column: Column, graphs: Mapping[str, tuple[bytes, ...]]) -> Iterator[RankGraph]:
    """How the graphs of one trace differ: each other one from that of the most ranks. Sizes do not count.

    Args:
        column: the trace, of all ranks that made it.
        graphs: all graphs by their digests, packed.
    """
    by_digest: defaultdict[str, list[int]] = defaultdict(list)
    for trace in column.traces:
        if trace.graph:
            by_digest[trace.graph].append(trace.rank)
    if len(by_digest) <= 1:
        return
    usual = max(by_digest, key=lambda digest: (len(by_digest[digest]), -by_digest[digest][0]))
    function = column.traces[0].function
    for digest, ranks in sorted(by_digest.items(), key=lambda item: item[1]):
        found = None if digest == usual else _difference(graphs[usual], graphs[digest])
        if found is not None:
            number = column.by_rank[ranks[0]].number
            yield _told(found, function, number, tuple(ranks), tuple(by_digest[usual]))


def _difference(usual: tuple[bytes, ...], other: tuple[bytes, ...]) -> Difference | None:
    """The first, of the parts of a graph one after the other."""
    keys: dict[tuple[str, str, int, tuple[Frame, ...]], int] = {}
    for before, after in zip(usual, other, strict=False):
        found = difference(Graph(_ops(before), keys), Graph(_ops(after), keys))
        if found is not None:
            return found
    if len(usual) != len(other):
        return Difference("unknown", 0, None, None)
    return None


def _ops(packed: bytes) -> list[OpSite]:
    """A graph without its inputs: one has the line that uses it first, where something else is done."""
    return [site for site in unpack_sites(packed) if site.op.lower() != "placeholder"]


def _told(
    found: Difference, function: RankFunctionKey, number: int, ranks: tuple[int, ...], others: tuple[int, ...]
) -> RankGraph:
    decides = what_decides(found, Frame(function.file, function.line, function.name.rpartition(".")[2]))
    return RankGraph(
        function=function,
        number=number,
        ranks=ranks,
        others=others,
        kind=found.kind,
        node=found.node,
        file=decides.file or function.file,
        line=decides.line or function.line,
        message=_message(found, decides),
    )


def _message(found: Difference, decides: Decision) -> str:
    if found.kind == "turns":
        loop = f"the loop at {os.path.basename(decides.file)}:{decides.line}" if decides.line else "a loop"
        return f"{loop} ran {found.turns[0]} times on the others, and {found.turns[1]} times here"
    if found.kind == "unknown":
        return "it was cut into another number of graphs"
    return say(found, (), decides)

"""Where two graphs of one function part: the first node, in the order of the forward, that differs.

It must not know what made the graphs, nor how often.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.events import Frame, OpSite

_MOST_TURNS_TRIED = 256
"""Lengths of a loop's body that are tried."""
_RESUMES = 3
"""Nodes that have to agree again after those which only one graph has."""

Key: TypeAlias = "tuple[str, str, int, tuple[Frame, ...]]"
"""Op, file, line and callers of a node: two nodes of different graphs are the same one if these are."""


@dataclass(frozen=True)
class Difference:
    """Where two graphs part."""

    kind: str
    """One of `KINDS`."""
    node: int
    """Its number in the order of the forward, from 0."""
    before: OpSite | None
    """That node of the first graph; None where the graph has ended."""
    after: OpSite | None
    turns: tuple[int, int] = (0, 0)
    """For a loop: how often it ran in the one, and in the other."""
    body: tuple[OpSite, ...] = ()
    """For a loop: the nodes of one turn; for further nodes: all of them."""


KINDS = {
    "other": "another op, or the op of another line",
    "extra": "nodes that only one of the two graphs has",
    "turns": "a loop ran another number of times",
    "inputs": "the same ops, of other inputs",
    "unknown": "one of the two graphs was not kept",
}
"""The values of `Difference.kind`, and what each says."""


class Graph:
    """One graph, ready to be compared with others."""

    def __init__(self, sites: Sequence[OpSite], keys: dict[Key, int]) -> None:
        """Prepare.

        Args:
            sites: in the order of the forward.
            keys: numbers of keys; shared by all graphs that are compared with each other.
        """
        self.sites = sites
        self.keys = [keys.setdefault((one.op, one.file, one.line, one.callers), len(keys)) for one in sites]

    def inputs(self) -> list[tuple[object, ...]]:
        """What each node takes: nodes by their number, other things by their name."""
        at = {site.name: number for number, site in enumerate(self.sites)}
        return [tuple(at.get(name, name) for name in site.inputs) for site in self.sites]


def difference(before: Graph, after: Graph) -> Difference | None:
    """Where `after` parts from `before`; None if they are the same."""
    at = _common(before.keys, after.keys)
    if at == len(before.keys) == len(after.keys):
        return _other_inputs(before, after)
    first = before.sites[at] if at < len(before.sites) else None
    then = after.sites[at] if at < len(after.sites) else None
    for longer, shorter in ((after, before), (before, after)):
        found = _loop(longer.keys, shorter.keys, at)
        if found is not None:
            start, length, turns, more = found
            numbers = (turns - more, turns) if longer is after else (turns, turns - more)
            return Difference("turns", at, first, then, numbers, tuple(longer.sites[start : start + length]))
    extra = [
        (number, longer)
        for longer, shorter in ((after, before), (before, after))
        if (number := _extra(longer.keys, shorter.keys, at)) is not None
    ]
    if extra:
        length, longer = min(extra, key=lambda item: item[0])
        turn = _turn(longer.keys[at : at + length])
        if turn < length:
            numbers = (0, length // turn) if longer is after else (length // turn, 0)
            return Difference("turns", at, first, then, numbers, tuple(longer.sites[at : at + turn]))
        return Difference("extra", at, first, then, body=tuple(longer.sites[at : at + length]))
    return Difference("other", at, first, then)


def _other_inputs(before: Graph, after: Graph) -> Difference | None:
    pairs = enumerate(zip(before.inputs(), after.inputs(), strict=True))
    for at, (was, now) in pairs:
        if was != now:
            return Difference("inputs", at, before.sites[at], after.sites[at])
    return None


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many items they begin with alike; slices are compared, as that is done in C."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _resumes(longer: Sequence[int], shorter: Sequence[int], at: int, later: int) -> bool:
    """Whether `shorter` goes on at `at` as `longer` does at `later`."""
    if at == len(shorter) or later == len(longer):
        return at == len(shorter) and later == len(longer)
    count = min(_RESUMES, len(shorter) - at, len(longer) - later)
    return shorter[at : at + count] == longer[later : later + count]


def _extra(longer: Sequence[int], shorter: Sequence[int], at: int) -> int | None:
    """How many nodes `longer` has at `at` before it goes on as `shorter` does; None if it never does."""
    return next(
        (
            later - at
            for later in range(at + 1, len(longer) + 1)
            if (later == len(longer) or at == len(shorter) or longer[later] == shorter[at])
            and _resumes(longer, shorter, at, later)
        ),
        None,
    )


def _turn(keys: Sequence[int]) -> int:
    """The nodes of one turn of a loop that `keys` are all turns of; all of them if they are none."""
    for length in range(1, len(keys) // 2 + 1):
        if len(keys) % length == 0 and keys[length:] == keys[:-length]:
            return length
    return len(keys)


def _loop(longer: Sequence[int], shorter: Sequence[int], at: int) -> tuple[int, int, int, int] | None:
    """Whether `longer` repeats at `at` what it did just before, until it goes on as `shorter` does.

    Returns:
        Where a turn begins, its nodes, the turns of `longer`, and how many of them `shorter` has not.
    """
    if at >= len(longer):
        return None
    tried = 0
    unsure = None
    for back in range(at - 1, -1, -1):
        if longer[back] != longer[at]:
            continue
        tried += 1
        length = at - back
        if tried > _MOST_TURNS_TRIED or at + length > len(longer):
            break
        if longer[at : at + length] != longer[back:at]:
            continue
        end = at + length
        while True:
            if _resumes(longer, shorter, at, end):
                return _counted(longer, at, end, length)
            if longer[end : end + length] != longer[back:at]:
                break
            end += length
        unsure = unsure or _counted(longer, at, end, length)  # something after the loop differs as well
    return unsure


def _counted(keys: Sequence[int], at: int, end: int, length: int) -> tuple[int, int, int, int]:
    """The turns around a stretch of repetitions: the first and the last may have fewer nodes than others."""
    start, stop = at - length, end
    while start >= length and keys[start - length : start] == keys[start : start + length]:
        start -= length
    while keys[stop : stop + length] == keys[stop - length : stop]:
        stop += length
    turn = keys[start : start + length]
    first = start
    while start - first < length - 1 and first > 0 and keys[first - 1] in turn:
        first -= 1
    last = stop
    while last < len(keys) and last - stop < length - 1 and keys[last] == turn[last - stop]:
        last += 1
    around = keys[first:last]
    turns = max(around.count(key) // turn.count(key) for key in set(turn))
    return start, length, turns, (end - at) // length

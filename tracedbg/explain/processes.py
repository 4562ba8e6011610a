"""Which process has started which: the tree of a run. It must not know how it is shown."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tracedbg.store.records import ProcessInfo

_MAX_DEPTH = 20
"""What is deeper stands at this depth: there is a program that forks itself again and again."""
_WAYS = (
    ("multiprocessing.forkserver", "forkserver"),
    (".popen_loky", "loky"),
    ("--multiprocessing-fork", "spawn"),
    ("multiprocessing.spawn", "spawn"),
)
"""What stands in the command line of a process that Python has started, and what that is called."""


@dataclass(frozen=True)
class ProcessNode:
    """A process with those that it has started."""

    info: ProcessInfo
    traces: int = 0
    way: str = ""
    """How it was started: fork, spawn, forkserver, loky, subprocess; empty for one that begins a tree."""
    children: tuple[ProcessNode, ...] = ()


def process_tree(processes: Sequence[ProcessInfo], traces: Sequence[int] = ()) -> tuple[ProcessNode, ...]:
    """The processes that nobody recorded has started, each with those below it; ranks in their order.

    A process between two recorded ones that has imported no framework (a fork server) is left out: what it
    has started stands below the rank, or below the process that the program began with.

    Args:
        processes: all of a run.
        traces: how many traces each of them has made.
    """
    at: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    for number, info in enumerate(processes):
        at[info.host, info.pid].append(number)
    below: defaultdict[int | None, list[int]] = defaultdict(list)
    for number, info in enumerate(processes):
        below[_parent(info, processes, at)].append(number)
    seen: set[int] = set()

    def node(number: int, parent: ProcessInfo | None, depth: int) -> ProcessNode:
        seen.add(number)
        info = processes[number]
        found = [child for child in below[number] if child not in seen]
        if depth >= _MAX_DEPTH:
            found = _all_below(found, below, seen) if depth == _MAX_DEPTH else []
        children = tuple(node(child, info, depth + 1) for child in found if child not in seen)
        way = _way(info, parent) if parent is not None else ""
        return ProcessNode(info, traces[number] if traces else 0, way, children)

    nodes = [node(number, None, 0) for number in below[None]]
    # Numbers of processes come again: of what seems to descend from itself, one begins the tree.
    nodes += [node(number, None, 0) for number in range(len(processes)) if number not in seen]
    return tuple(sorted(nodes, key=_order))


def _all_below(found: list[int], below: Mapping[int | None, list[int]], seen: set[int]) -> list[int]:
    """`found` and what descends from them, without what has been `seen`."""
    every = dict.fromkeys(found)
    while found:
        found = [
            child for one in found for child in below.get(one, ()) if child not in every and child not in seen
        ]
        every |= dict.fromkeys(found)
    return list(every)


def _parent(
    info: ProcessInfo,
    processes: Sequence[ProcessInfo],
    at: Mapping[tuple[str, int], list[int]],
) -> int | None:
    for pid in (info.ppid, info.rank_pid):
        found = [one for one in at.get((info.host, pid or 0), ()) if processes[one].pid != info.pid]
        before = [one for one in found if processes[one].started_wall_ns <= info.started_wall_ns]
        if found:
            return max(before or found, key=lambda one: processes[one].started_wall_ns)
    return None


def _way(info: ProcessInfo, parent: ProcessInfo) -> str:
    if info.argv == parent.argv:
        return "fork"
    line = " ".join(info.argv)
    return next((name for mark, name in _WAYS if mark in line), "subprocess")


def _order(node: ProcessNode) -> tuple[object, ...]:
    info = node.info
    return (not info.is_rank, info.generation or 0, info.rank or 0, info.started_wall_ns)

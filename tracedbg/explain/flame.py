"""Where the wall time of a process went, by stack: what its ledger adds up, as a tree of calls.

Data only, ready to be drawn. It must not know how that is done.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracedbg.explain.wall_time import NS, Entry, entries_of, main_of, phase_name, root_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracedbg.events import Frame
    from tracedbg.explain.summarise import RecordedRun

MAX_PROCESSES = 8
"""Of a run of many ranks, so many have a tree."""
MAX_DEPTH = 100
"""Calls below each other; those further in are a part of the last one."""


@dataclass(frozen=True)
class FlameNode:
    """A call of the user's, or what was done in it."""

    frame: Frame | None
    """None for what was done."""
    activity: str
    """A value of `activities.Activity`; empty for a call."""
    phase: str
    seconds: float
    """With all that stands below it."""
    inner: tuple[FlameNode, ...] = ()
    """They add up to `seconds`, unless there are none; the costliest first."""


@dataclass(frozen=True)
class Flame:
    """The tree of one process' main thread."""

    pid: int
    rank: int | None
    seconds: float
    """As its ledger's."""
    nodes: tuple[FlameNode, ...]
    """Its outermost calls, and what was done in none; the costliest first."""


_Key = tuple["Frame | None", str, str]


@dataclass
class _Node:
    wall_ns: int = 0
    inner: dict[_Key, _Node] = field(default_factory=dict)

    def done(self) -> tuple[FlameNode, ...]:
        order = sorted(self.inner.items(), key=lambda item: -item[1].wall_ns)
        return tuple(
            FlameNode(frame, activity, phase, node.wall_ns / NS, node.done())
            for (frame, activity, phase), node in order
        )


def flames_of(run: RecordedRun) -> tuple[Flame, ...]:
    """The trees of the first processes that were sampled, in the order of their ledgers."""
    infos = [process.info for process in run.processes]
    root, main = root_of(infos), main_of(infos)
    order = sorted(
        zip(infos, run.processes, strict=True),
        key=lambda one: (one[0] is not main, one[0].rank or 0, one[0].pid),
    )
    found: list[Flame] = []
    for info, process in order:
        seen = process.ran.samples()
        if seen:
            entries = entries_of(
                run.info, info, seen, process.traces(), process.ran.ops(), is_root=info is root
            )
            whole_ns = sum(entry.wall_ns for entry in entries)
            found.append(Flame(info.pid, info.rank, whole_ns / NS, _tree(entries).done()))
        if len(found) == MAX_PROCESSES:
            break
    return tuple(found)


def _tree(entries: Iterable[Entry]) -> _Node:
    root = _Node()
    for entry in entries:
        if not entry.wall_ns:
            continue
        path: list[_Key] = [(frame, "", "") for frame in entry.stack[: -MAX_DEPTH - 1 : -1]]
        path.append((None, entry.activity.value, phase_name(entry)))
        node = root
        for key in path:
            node = node.inner.setdefault(key, _Node())
            node.wall_ns += entry.wall_ns
    return root

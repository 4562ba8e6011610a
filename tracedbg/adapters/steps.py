"""Counts steps of eager code and the graphs that they build, in bounded memory.

It must not know any framework, nor what a graph is made of: two are the same if their fingerprints are.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from tracedbg import source
from tracedbg.events import Framework, Traceable
from tracedbg.ran import StepChange, StepGraph, StepLine, StepsSeen

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable
    from types import CodeType, FrameType

    from tracedbg.events import Frame, OpSite
    from tracedbg.hooks import Sink

MAX_PLACES = 500
"""Places that do steps, and are told apart: all further ones count as one."""
MAX_GRAPHS = 256
"""Different graphs of one place that are kept."""
MAX_SITES = 200_000
"""Nodes of all graphs together that are kept."""
MAX_CHANGES = 512
"""Pairs of graphs of one place that are told apart."""
_FRAMES = 4
"""User's frames that tell two places apart: two calls of one helper are two places."""

_NOBODY = Traceable(Framework.AUTOGRAD, "(no Python)", "", 0, is_user=False)
PlaceKey: TypeAlias = "tuple[int, ...]"


def place_of(frame: FrameType | None) -> PlaceKey:
    """The user's innermost frames from `frame` on; empty where there are none.

    By the identity of their codes: to hash a code takes longer than all the rest.
    """
    found: list[int] = []
    while frame is not None and len(found) < 2 * _FRAMES:
        code = frame.f_code
        if source.is_user_file(code.co_filename):
            found += (id(code), frame.f_lineno)
        frame = frame.f_back
    return tuple(found)


@dataclass(eq=False)
class Kept:
    """A graph of a place."""

    nodes: Counter[Frame]
    """By line of the forward."""
    count: int = 0
    told: int = 0


@dataclass(eq=False)
class Place:
    """The steps that one thread has done in one place.

    Only that thread changes it. Its numbers only grow: whoever tells them remembers what has been told.
    """

    function: Traceable
    kind: str
    codes: tuple[CodeType, ...] = ()
    """Those of its key are among them."""
    steps: int = 0
    looked_at: int = 0
    previous: str | None = None
    """The graph of the last step; None where that was not looked at."""
    kept: dict[str, Kept] = field(default_factory=dict)
    saved: dict[Frame, int] = field(default_factory=dict)
    spent: Counter[Frame] = field(default_factory=Counter)
    """Nanoseconds of the backward, where they are measured."""
    changes: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    """Count and first step."""
    thread: object = None
    """Tells threads apart, as their numbers are used again."""
    is_first: bool = True
    """Whether the next step is the first one of the thread."""
    told: tuple[int, int] = (0, 0)
    told_changes: dict[tuple[str, str], int] = field(default_factory=dict)
    told_saved: dict[Frame, int] = field(default_factory=dict)
    told_spent: dict[Frame, int] = field(default_factory=dict)

    def step(self, fingerprint: str | None) -> None:
        """One more step; None: nobody has looked at its graph."""
        self.steps += 1
        previous, self.previous = self.previous, fingerprint
        is_first, self.is_first = self.is_first, False
        if fingerprint is None:
            return
        kept = self.kept.get(fingerprint)
        if kept is not None:
            kept.count += 1
        if previous is None and not is_first:
            return
        self.looked_at += 1
        if previous is None or previous == fingerprint:
            return
        pair = (previous, fingerprint)
        if pair not in self.changes and len(self.changes) >= MAX_CHANGES:
            pair = ("", "")
        known = self.changes.setdefault(pair, [0, self.steps])
        known[0] += 1

    def begin(self, thread: object) -> None:
        """Another thread goes on here: its first step is compared with none."""
        self.thread, self.previous, self.is_first = thread, None, True

    def save(self, bytes_by_line: dict[Frame, int]) -> None:
        """What a step has kept for its backward."""
        for line, number in bytes_by_line.items():
            self.saved[line] = max(self.saved.get(line, 0), number)

    def spend(self, ns_by_line: dict[Frame, int]) -> None:
        """What the backward of a step has taken."""
        self.spent.update(ns_by_line)

    def news(self) -> StepsSeen | None:
        """What came to be since it was last asked; None where nothing did."""
        now = (self.steps, self.looked_at)
        if now == self.told and len(self.spent) == len(self.told_spent):
            return None
        steps, looked_at = now[0] - self.told[0], now[1] - self.told[1]
        self.told = now
        return StepsSeen(
            self.function,
            self.kind,
            steps,
            looked_at,
            tuple(self._new_changes()),
            tuple(self._new_lines()),
        )

    def _new_changes(self) -> Iterable[StepChange]:
        for pair, (count, first) in tuple(self.changes.items()):
            told = self.told_changes.get(pair, 0)
            if count > told:
                self.told_changes[pair] = count
                yield StepChange(*pair, count - told, first)

    def _new_lines(self) -> Iterable[StepLine]:
        nodes: Counter[Frame] = Counter()
        for kept in tuple(self.kept.values()):
            count, kept.told = kept.count - kept.told, kept.count
            for line, number in kept.nodes.items() if count else ():
                nodes[line] += number * count
        saved, spent = dict(self.saved), dict(self.spent)
        changed = nodes.keys() | {line for line in saved if saved[line] != self.told_saved.get(line)}
        for line in changed | {line for line in spent if spent[line] != self.told_spent.get(line)}:
            new_ns = spent.get(line, 0) - self.told_spent.get(line, 0)
            yield StepLine(line, nodes[line], new_ns, saved.get(line, 0))
        self.told_saved, self.told_spent = saved, spent


class _Thread(threading.local):
    def __init__(self) -> None:
        self.token = object()


class Places:
    """All places of one kind of steps in this process."""

    def __init__(self, sink: Sink, kind: str) -> None:
        self._sink = sink
        self._kind = kind
        self._places: dict[Hashable, Place] = {}
        self._threads = _Thread()
        self._sites = 0
        self._pid = os.getpid()

    def at(self, key: PlaceKey, frame: FrameType | None) -> Place:
        """The place of this thread's steps with that key.

        Args:
            key: `place_of(frame)`.
            frame: whoever takes the step.
        """
        self._look_for_fork()
        thread = threading.get_ident()
        found = self._places.get((thread, key))
        if found is None:
            if len(self._places) >= MAX_PLACES:
                key = key[:0]
                found = self._places.get((thread, key))
            if found is None:
                found = self._places[thread, key] = Place(_function(key, frame), self._kind, _codes(frame))
        if found.thread is not self._threads.token:
            found.begin(self._threads.token)
        return found

    def at_stack(self, thread: int, frames: tuple[Frame, ...]) -> Place:
        """The place of steps that were not seen as they ran: of that thread, called from there."""
        self._look_for_fork()
        key: Hashable = (thread, frames)
        if key not in self._places and len(self._places) >= MAX_PLACES:
            key, frames = (thread, ()), ()
        found = self._places.get(key)
        if found is None:
            if frames:
                inner = frames[0]
                function = Traceable(Framework.AUTOGRAD, inner.function, inner.file, inner.line)
            else:
                function = _NOBODY
            found = self._places[key] = Place(function, self._kind)
        return found

    def _look_for_fork(self) -> None:
        """What was told is in the recording of the parent alone."""
        if os.getpid() != self._pid:
            self._pid = os.getpid()
            self._places.clear()
            self._sites = 0

    def has_room(self, place: Place) -> bool:
        """Whether one more graph of it can be kept."""
        return len(place.kept) < MAX_GRAPHS and self._sites < MAX_SITES

    def keep(self, place: Place, fingerprint: str, sites: tuple[OpSite, ...], nodes: Counter[Frame]) -> None:
        """Tell a graph that was not known in that place; to be called before the `step` that has built it.

        Args:
            place: where.
            fingerprint: of the graph.
            sites: its nodes in the order of the forward.
            nodes: how many of them each line of the forward has made.
        """
        place.kept[fingerprint] = Kept(nodes)
        room = max(MAX_SITES - self._sites, 0)
        kept = sites[:room]
        self._sites += len(kept)
        self._sink.emit(
            StepGraph(
                place.function,
                self._kind,
                fingerprint,
                kept,
                place.steps + 1,
                self._sink.now_ns(),
                len(sites) - len(kept),
            )
        )

    def tell(self) -> None:
        """Emit what is new."""
        for place in tuple(self._places.values()):
            news = place.news()
            if news is not None:
                self._sink.emit(news)


def _function(key: PlaceKey, frame: FrameType | None) -> Traceable:
    """Who does the steps: the line tells two calls in one function apart."""
    users = frame
    while users is not None and not source.is_user_file(users.f_code.co_filename):
        users = users.f_back
    found = users or frame
    if found is None:
        return _NOBODY
    code = found.f_code
    name = source.code_name(code)
    line = key[1] if key else found.f_lineno
    return Traceable(Framework.AUTOGRAD, name, code.co_filename, line, is_user=users is not None)


def _codes(frame: FrameType | None) -> tuple[CodeType, ...]:
    """What the numbers of a key stand for, to be kept: so they stay its own."""
    found = []
    while frame is not None:
        found.append(frame.f_code)
        frame = frame.f_back
    return tuple(found)

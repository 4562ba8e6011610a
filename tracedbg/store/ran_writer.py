"""Writes what ran: ops, graphs of steps, samples. It has INSERTs, as `trace_writer`, `totals` and `writer`.

Totals are told to be added up, so that a recording does not grow with the number of executions.
Stacks are kept once, as a tree of frames.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

from tracedbg import ran
from tracedbg.events import Frame
from tracedbg.store import codec, op_codec, totals

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from tracedbg.events import Traceable
    from tracedbg.store.totals import Table, Told

MAX_KINDS = 20_000
"""Kinds of op, each with its line and shapes, that are kept apart; further ones have their name alone."""
MAX_STACKS = 50_000
"""Frames of stacks that are kept; of further ones only what is known already."""
MAX_CHANGES = 20_000
"""Pairs of graphs of steps that are kept apart; further changes are counted as of unknown graphs."""


class RanWriter:
    """Part of the writer of one database."""

    def __init__(
        self,
        db: Callable[[], sqlite3.Connection],
        number_of: Callable[[Traceable], int],
        told: Told,
        rows: Callable[[Table], list[tuple[Any, ...]]],
    ) -> None:
        """Prepare.

        Args:
            db: the database, in a transaction.
            number_of: the number of a function there.
            told: takes rows of totals, and of what they refer to.
            rows: all rows of such a table that are written.
        """
        self._db = db
        self._number_of = number_of
        self._told = told
        self._rows = rows
        self._stacks: dict[tuple[int | None, Frame], int] = {}
        self._tops: dict[tuple[Frame, ...], int | None] = {}
        self._kinds: dict[ran.OpKind, int] = {}
        self._last_kind = 0
        self._same: dict[tuple[object, ...], int] = {}
        """By all that is stored of a kind: adapters may tell one kind as several objects."""
        self._observers: dict[str, str] = {}
        """Names and notes that are written."""
        self._others: dict[tuple[str, str, bool, bool, bool, str], int] = {}
        self.has_room = True
        """Whether the recording is far from its bound: single executions are kept only then."""
        self.is_full = False
        """Whether it has reached its bound: nothing new is kept apart from then on."""
        self._changes: set[tuple[int, str, str, str]] = set()
        self.is_in_doubt = False
        """Whether a transaction was rolled back: what was numbered in it is not in the database."""

    def handlers(self) -> dict[type, Callable[[Any], None]]:
        """What takes each kind of event."""
        return {
            ran.OpsSeen: self._ops,
            ran.StepGraph: self._step_graph,
            ran.StepsSeen: self._steps,
            ran.SamplesSeen: self._samples,
            ran.Stayed: self._stay,
        }

    def _recall(self) -> None:
        """Forget what may not be in the database; the stacks that are there keep their numbers."""
        for known in (self._stacks, self._tops, self._kinds, self._same, self._others, self._observers):
            known.clear()
        for number, outer, file, line, function in self._rows(totals.STACK):
            self._stacks[outer, Frame(file, line, function)] = number
        for number, *kind in self._rows(totals.OP_KIND):
            self._same[tuple(kind)] = number
        self._last_kind = max(self._same.values(), default=0)
        self.is_in_doubt = False

    def _stack(self, frames: tuple[Frame, ...]) -> int | None:
        """The number of a stack; None for an empty one."""
        if frames in self._tops:
            return self._tops[frames]
        number: int | None = None
        for frame in reversed(frames):
            known = self._stacks.get((number, frame))
            if known is None:
                if self.is_full or len(self._stacks) >= MAX_STACKS:
                    break
                known = len(self._stacks) + 1
                row = (known, number, codec.storable(frame.file), frame.line, codec.storable(frame.function))
                self._told.add(totals.STACK, [row])
                self._stacks[number, frame] = known
            number = known
        if len(self._tops) < MAX_STACKS:
            self._tops[frames] = number
        return number

    # --- ops ---------------------------------------------------------------------------------

    def _ops(self, event: ran.OpsSeen) -> None:
        if self.is_in_doubt:
            self._recall()
        if isinstance(event.totals, ran.OpColumns):
            self._told.add_ops(self._columns(event.totals))
        else:
            self._told.add(totals.OP_TOTAL, map(self._total, event.totals))
        rows = len(event.rows) if event.rows is not None else 0
        left_out = event.left_out + (0 if self.has_room else rows)
        if left_out or self._observers.get(event.observer) != event.note:
            self._told.add(totals.OP_OBSERVER, [(event.observer, left_out, event.note)])
            self._observers[event.observer] = event.note
        if event.rows is not None and rows and self.has_room:
            kinds = [self._kind(kind) for kind in event.rows.kinds]
            self._db().execute(
                "insert into op_rows values (?,?,?,?)",
                (
                    min(event.rows.start_ns),
                    max(map(sum, zip(event.rows.start_ns, event.rows.duration_ns, strict=True))),
                    len(event.rows),
                    op_codec.pack_rows(event.rows, kinds),
                ),
            )

    def _columns(self, told: ran.OpColumns) -> tuple[array[int], ...]:
        kinds, known, number_of = told.kinds, self._kinds, self._kind
        numbers = array("q", [known.get(kinds[one]) or number_of(kinds[one]) for one in told.kind])
        threads = array("q", bytes(8 * len(told))) if self.is_full else told.thread_id
        return numbers, threads, told.counts, told.duration_ns, told.self_ns, told.longest_ns

    def _total(self, one: ran.OpTotal) -> tuple[int, ...]:
        thread = 0 if self.is_full else one.thread_id
        return self._kind(one.kind), thread, one.count, one.duration_ns, one.self_ns, one.longest_ns

    def _kind(self, kind: ran.OpKind) -> int:
        number = self._kinds.get(kind)
        if number is None:
            stored = _stored(kind, codec.storable(kind.inputs), self._stack(kind.stack))
            number = self._same.get(stored)
            if number is None:
                if self.is_full or len(self._same) >= MAX_KINDS:
                    return self._other(kind)
                number = self._same[stored] = self._insert_kind(stored)
            if len(self._kinds) < MAX_KINDS:
                self._kinds[kind] = number
        return number

    def _other(self, kind: ran.OpKind) -> int:
        """One for all kinds of that name which there is no room for."""
        key = (kind.framework, kind.name, kind.is_backward, kind.is_traced, kind.is_outer, kind.sync)
        number = self._others.get(key)
        if number is None:
            number = self._others[key] = self._insert_kind(_stored(kind, "", None))
        return number

    def _insert_kind(self, stored: tuple[object, ...]) -> int:
        self._last_kind += 1
        self._told.add(totals.OP_KIND, [(self._last_kind, *stored)])
        return self._last_kind

    # --- the graphs of steps -----------------------------------------------------------------

    def _step_graph(self, event: ran.StepGraph) -> None:
        self._db().execute(
            "insert or ignore into step_graph values (?,?,?,?,?,?,?,?)",
            (
                self._number_of(event.function),
                event.kind,
                event.fingerprint,
                event.step,
                event.time_ns,
                len(event.sites) + event.left_out,
                event.left_out,
                codec.pack_sites(event.sites),
            ),
        )

    def _steps(self, event: ran.StepsSeen) -> None:
        function = self._number_of(event.function)
        self._told.add(totals.STEP_COUNT, [(function, event.kind, event.steps, event.looked_at)])
        self._told.add(
            totals.STEP_CHANGE,
            [
                (*self._change(function, event.kind, one.before, one.after), one.count, one.step)
                for one in event.changes
            ],
        )
        self._told.add(
            totals.STEP_LINE,
            [
                (
                    function,
                    event.kind,
                    codec.storable(one.frame.file),
                    one.frame.line,
                    codec.storable(one.frame.function),
                    one.nodes,
                    one.backward_ns,
                    one.saved_bytes,
                )
                for one in event.lines
            ],
        )

    def _change(self, function: int, kind: str, before: str, after: str) -> tuple[int, str, str, str]:
        """The key of a change: without the graphs, where there is no room to keep them apart."""
        key = (function, kind, before, after)
        if key not in self._changes:
            if self.is_full or len(self._changes) >= MAX_CHANGES:
                return (function, kind, "", "")
            self._changes.add(key)
        return key

    # --- samples -----------------------------------------------------------------------------

    def _samples(self, event: ran.SamplesSeen) -> None:
        if self.is_in_doubt:
            self._recall()
        self._told.add(totals.SAMPLING, [(event.rate_hz, event.start_ns, event.end_ns, event.own_ns)])
        self._told.add(
            totals.SAMPLE,
            [
                (
                    self._stack(one.stack) or 0,
                    one.activity,
                    one.phase,
                    0 if self.is_full and not one.is_main else one.thread_id,
                    int(one.is_main),
                    one.count,
                    one.wall_ns,
                    one.cpu_ns,
                )
                for one in event.totals
            ],
        )

    def _stay(self, event: ran.Stayed) -> None:
        if self.is_in_doubt:
            self._recall()
        stack = self._stack(event.stack) or 0
        row = (event.start_ns, event.end_ns, stack, event.activity, event.phase, event.cpu_ns)
        self._told.add(totals.STAY, [row])


def _stored(kind: ran.OpKind, inputs: str, stack: int | None) -> tuple[object, ...]:
    """A kind as a row of its table, without its number."""
    flags = (int(kind.is_backward), int(kind.is_traced), int(kind.is_outer))
    return (kind.framework, codec.storable(kind.name), inputs, stack, *flags, kind.sync)

"""The *Traces* screen: which functions were traced, how often, why, and what to change."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

from tracedbg.report.style import count
from tracedbg_tui import keys
from tracedbg_tui.debug.deck import Deck
from tracedbg_tui.debug.glyphs import glyphs_of
from tracedbg_tui.recorded.beside import GeneratedPane, Pair, SidesPane, pairs_of
from tracedbg_tui.recorded.causes import what_is_known
from tracedbg_tui.recorded.functions import FunctionsPane, TracesPane, function_rows
from tracedbg_tui.recorded.sides import sides
from tracedbg_tui.recorded.telling import Telling, Told
from tracedbg_tui.recorded.view import RecordedView, trouble
from tracedbg_tui.recorded.words import look
from tracedbg_tui.snapshot import key_of

if TYPE_CHECKING:
    from collections.abc import Hashable

    from textual.binding import BindingType

    from tracedbg.explain import FunctionSummary
    from tracedbg_tui.debug.lines import Lines
    from tracedbg_tui.recorded.functions import FunctionRow
    from tracedbg_tui.recorded.listing import Searchable
    from tracedbg_tui.recording import Recording
    from tracedbg_tui.snapshot import Explained, Snapshot


class TracesView(RecordedView):
    """Functions by cost; of one of them the causes, the traces side by side, and what AutoGraph made."""

    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.TRACES)
    DEFAULT_CSS = """
    TracesView > .-column:first-child { width: 9fr; }
    TracesView > .-column:last-child { width: 11fr; }
    TracesView.-narrow > .-column:first-child, TracesView.-narrow > .-column:last-child { width: 100%; }
    """

    def __init__(self, recording: Recording | None, **options: Any) -> None:
        """Make it.

        Args:
            recording: what is shown.
            options: of the widget.
        """
        self.functions = FunctionsPane()
        self.traces = TracesPane()
        self.causes = Telling("reading the recording")
        self.sides = SidesPane()
        self.generated = GeneratedPane()
        self._listing = Deck({"Functions": self.functions}, id="functions")
        self._traces_deck = Deck({"Traces": self.traces}, id="traces")
        self._detail = Deck(
            {"Cause": self.causes, "Compare": self.sides, "AutoGraph": self.generated}, id="detail"
        )
        super().__init__(recording, [[self._listing, self._traces_deck], [self._detail]], **options)
        self._key = ""
        """Of the function that is looked at."""
        self._marked: Hashable | None = None
        """The trace that others are compared with; else the one before."""
        self._by_retraces = False
        self._has_chosen = False

    # --- what is shown ---------------------------------------------------------------------------

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """See `RecordedView`."""
        rows = function_rows(snapshot)
        if self._by_retraces:
            rows.sort(key=lambda row: -row.function.retraces)
        self.functions.NOTHING = trouble(snapshot)
        summary = snapshot.summary
        self.functions.told = ""
        if summary is not None and rows:
            order = "most retraced" if self._by_retraces else "costliest"
            traces, retraces = count(summary.traces, "trace"), count(summary.retraces, "retrace")
            self.functions.told = f"{traces}, {retraces}; {order} first"
        self.functions.show_rows(rows)
        if rows and not self._has_chosen:
            self._has_chosen = not snapshot.is_live
            self.functions.cursor = _worst(self.functions.rows)
        self._show_function(is_new=False)

    def show_function(self, key: str) -> bool:
        """Look at a function, by its key; whether there is one."""
        found = self.functions.go_to_key(key)
        self._has_chosen |= found
        return found

    def on_lines_moved(self, event: Lines.Moved) -> None:
        """Another function or trace is at the cursor."""
        event.stop()
        if event.lines is self.functions:
            row = self.functions.row
            if row is not None and row.key != self._key:
                self._show_function(is_new=True)
        elif event.lines is self.traces:
            self._show_trace()

    def _show_function(self, *, is_new: bool) -> None:
        snapshot, row = self.snapshot, self.functions.row
        if snapshot is None or row is None:
            self._key = ""
            self.causes.tell([Told(trouble(snapshot), "dim", 2)])
            self.traces.show_rows([])
            self.sides.show_sides([])
            return
        self._key = row.key
        if is_new:
            self._marked = None
            self._has_chosen |= self._listing.has_focus_within
        self.causes.tell(
            what_is_known(snapshot, _whole(snapshot, row), look(self), glyphs_of(self)), from_start=is_new
        )
        self.run_worker(self._explain(snapshot, row.key, is_new=is_new), group="explain", exclusive=True)

    async def _explain(self, snapshot: Snapshot, key: str, *, is_new: bool) -> None:
        """What takes a while where a function has thousands of traces."""
        known, pairs = await asyncio.to_thread(_explained, snapshot, key)
        if key != self._key:
            return
        self.generated.show_pairs(pairs)
        self.traces.has_processes = len(snapshot.processes) > 1
        if is_new:
            self.traces.filter = ""
        self.traces.show_rows(known)
        if is_new:
            self.traces.cursor = _first_retrace(known)
        self.traces.told = f"{len(known):,}"
        self._show_trace()

    def _show_trace(self) -> None:
        row = self.traces.row
        if row is None:
            self.sides.show_sides([])
            return
        before = self._before(row)
        self.sides.told = "with the one before" if self._marked is None else "with the marked one"
        self.sides.show_sides(sides(before, row))

    def _before(self, row: Explained) -> Explained | None:
        """What a trace is compared with: the marked one, or the last one of its process and function."""
        rows = self.traces.all_rows
        if self._marked is not None:
            return next((one for one in rows if self.traces.key_of(one) == self._marked), None)
        found = None
        for one in rows:
            if one is row:
                return found
            if one.process == row.process and one.record.started.role is row.record.started.role:
                found = one
        return found

    # --- keys ------------------------------------------------------------------------------------

    def action_trouble(self, step: int) -> None:
        """To the next function that was traced again, cut in two, or has other troubles."""
        rows = self.functions.rows
        for distance in range(1, len(rows) + 1):
            index = (self.functions.cursor + step * distance) % len(rows)
            if _is_troubled(rows[index]):
                self.functions.go_to(index)
                return
        self.app.notify("no function was traced again, or has a graph break")

    def action_mark(self) -> None:
        """Compare the other traces with this one; again: with the one before each."""
        row = self.traces.row
        if row is not None:
            key = self.traces.key_of(row)
            self._marked = None if self._marked == key else key
            self._show_trace()
            words = (
                "compared with the one before" if self._marked is None else "the others are compared with it"
            )
            self.app.notify(words)

    def action_order(self) -> None:
        """The most retraced functions first, or the costliest."""
        self._by_retraces = not self._by_retraces
        if self.snapshot is not None:
            self.show_snapshot(self.snapshot)

    def chosen(self, pane: Searchable, index: int) -> None:
        """Enter on a function shows its causes, on a trace its comparison; elsewhere the line of source."""
        if pane is self.functions:
            self.reveal(self._detail, "Cause")
        elif pane is self.traces:
            self.reveal(self._detail, "Compare")
        else:
            super().chosen(pane, index)


def _worst(rows: list[FunctionRow]) -> int:
    """The first function that was traced again for a cause that can come again; else the costliest."""
    for index, row in enumerate(rows):
        if any(not cause.settled for cause in row.function.causes):
            return index
    return next((index for index, row in enumerate(rows) if row.function.retraces), 0)


def _is_troubled(row: FunctionRow) -> bool:
    function = row.function
    return bool(function.retraces or function.graph_breaks or row.troubles)


def _first_retrace(rows: list[Explained]) -> int:
    for index, row in enumerate(rows):
        if row.causes[0].kind.value != "first_call":
            return index
    return 0


def _whole(snapshot: Snapshot, row: FunctionRow) -> FunctionSummary:
    """The function of a row, as it is in the snapshot."""
    return snapshot.function(key_of(row.function)) or row.function


def _explained(snapshot: Snapshot, key: str) -> tuple[list[Explained], list[Pair]]:
    known = snapshot.explained(key)
    pairs: list[Pair] = []
    for conversion in snapshot.conversions_of(key):
        pairs += pairs_of(conversion, snapshot.constructs_at(conversion.file))
    return known, pairs

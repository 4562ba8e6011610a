"""The *Time* screen: where the time of tracing and compiling went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracedbg_tui.debug.deck import Deck
from tracedbg_tui.recorded.pictures import FlamePane, LedgerPane, TimelinePane
from tracedbg_tui.recorded.spans import bars, flame, ledger
from tracedbg_tui.recorded.view import RecordedView, trouble

if TYPE_CHECKING:
    from tracedbg_tui.recording import Recording
    from tracedbg_tui.snapshot import Snapshot


class TimeView(RecordedView):
    """A ledger by phase and function; a flame graph, and a timeline."""

    DEFAULT_CSS = """
    TimeView, TimeView.-narrow { layout: vertical; }
    TimeView > .-column, TimeView > .-column:last-child, TimeView.-narrow > .-column {
        width: 100%; height: 1fr; border: none;
    }
    """

    def __init__(self, recording: Recording | None, **options: Any) -> None:
        """Make it.

        Args:
            recording: what is shown.
            options: of the widget.
        """
        self.ledger = LedgerPane()
        self.flame = FlamePane()
        self.timeline = TimelinePane()
        self._listing = Deck({"Ledger": self.ledger}, id="ledger")
        self._pictures = Deck({"Flame": self.flame, "Timeline": self.timeline}, id="pictures")
        super().__init__(recording, [[self._listing], [self._pictures]], **options)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """See `RecordedView`."""
        self.ledger.NOTHING = self.flame.NOTHING = self.timeline.NOTHING = trouble(snapshot)
        self.ledger.show_rows(ledger(snapshot))
        self.flame.show_flame(flame(snapshot))
        self.timeline.show_bars(bars(snapshot))

"""What the screens of a recording have in common: decks beside one another, and keys to search and go on.

It must not know what is recorded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.containers import Container, Vertical

from tracedbg_tui import keys
from tracedbg_tui.contract import Goto
from tracedbg_tui.debug.prompts import Prompt
from tracedbg_tui.recorded.listing import Listing, Searchable
from tracedbg_tui.recording import Changed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.events import DescendantFocus, Resize
    from textual.message import Message

    from tracedbg_tui.debug.deck import Deck
    from tracedbg_tui.debug.lines import Lines
    from tracedbg_tui.recording import Recording
    from tracedbg_tui.snapshot import Snapshot

NARROW_CELLS = 100
_LOW_ROWS = 14


class RecordedView(Container):
    """Decks in columns where there is room; else the first one above the one that was looked at last."""

    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.RECORDED)
    DEFAULT_CSS = """
    RecordedView { layout: horizontal; }
    RecordedView > .-column { width: 1fr; }
    RecordedView > .-column:last-child { border-left: vkey $foreground 20%; }
    RecordedView > .-column:first-child { border-left: none; }
    RecordedView Deck { height: 1fr; }
    RecordedView.-narrow { layout: vertical; }
    RecordedView.-narrow > .-column { width: 1fr; height: auto; border: none; }
    RecordedView.-narrow > .-column.-inside { height: 1fr; }
    RecordedView.-narrow Deck { display: none; }
    RecordedView.-narrow Deck.-shown { display: block; }
    RecordedView.-narrow > .-column.-outside { display: none; }
    RecordedView.-zoomed Deck, RecordedView.-zoomed Deck.-shown { display: none; }
    RecordedView.-zoomed > .-outside { display: none; }
    RecordedView.-zoomed Deck.-focused { display: block; }
    """

    def __init__(
        self,
        recording: Recording | None,
        columns: Sequence[Sequence[Deck]],
        **options: Any,
    ) -> None:
        """Make it.

        Args:
            recording: what is shown; None if there is none.
            columns: the decks; the first one is the one that the others depend on.
            options: of the widget.
        """
        super().__init__(**options)
        self.recording = recording
        self.columns = columns
        self.decks = [deck for column in columns for deck in column]
        self._focused = self.decks[0]
        self._second = self.decks[-1]
        self._searched = ""
        self._is_behind = False

    def compose(self) -> ComposeResult:
        """See `Widget`."""
        for column in self.columns:
            with Vertical(classes="-column"):
                yield from column

    # --- for subclasses --------------------------------------------------------------------------

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show what is recorded by now."""
        raise NotImplementedError

    # --- the recording ---------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Listen, and show what there is."""
        self._arrange()
        if self.recording is not None:
            self.recording.listen(self._heard)
            if self.recording.is_read:
                self.show_snapshot(self.recording.snapshot)

    def on_unmount(self) -> None:
        """Listen no more."""
        if self.recording is not None:
            self.recording.unlisten(self._heard)

    def _heard(self, message: Message) -> None:
        if not isinstance(message, Changed) or self.recording is None or not self.is_mounted:
            return
        if self.display:
            self.show_snapshot(self.recording.snapshot)
        else:
            self._is_behind = True  # nobody looks: it would cost for nothing

    def on_show(self) -> None:
        """Somebody looks again: show what has come meanwhile."""
        if self._is_behind and self.recording is not None:
            self._is_behind = False
            self.show_snapshot(self.recording.snapshot)

    @property
    def snapshot(self) -> Snapshot | None:
        """What is recorded by now; None if nothing has been read."""
        return self.recording.snapshot if self.recording is not None and self.recording.is_read else None

    # --- where the keys go -----------------------------------------------------------------------

    @property
    def deck(self) -> Deck:
        """The one that the keys go to, or went to last."""
        return self._focused

    @property
    def is_narrow(self) -> bool:
        """Whether columns cannot stand side by side."""
        return self.size.width < NARROW_CELLS

    def focus_first(self) -> None:
        """Have the keys go to the deck that they went to last; for who switches screens."""
        self._focused.focus_pane()

    def reveal(self, deck: Deck, pane: str = "", *, takes_focus: bool = True) -> None:
        """Show a deck, and a pane of it."""
        if pane:
            deck.see(pane)
        if deck is not self.decks[0]:
            self._second = deck
        if takes_focus:
            self._focused = deck
        self._arrange()
        if takes_focus:
            deck.focus_pane()

    def on_resize(self, _: Resize) -> None:
        """There may be room for more, or not for as much."""
        self._arrange()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """The keys go elsewhere: remember where."""
        for deck in self.decks:
            if deck in event.widget.ancestors_with_self and deck is not self._focused:
                self._focused = deck
                if deck is not self.decks[0]:
                    self._second = deck
                self._arrange()

    def _arrange(self) -> None:
        self.set_class(self.is_narrow, "-narrow")
        is_alone = self.has_class("-zoomed")
        is_low = self.is_narrow and self.size.height < _LOW_ROWS
        shown = {self._focused} if is_alone or is_low else {self.decks[0], self._second}
        for deck in self.decks:
            deck.set_class(deck in shown, "-shown")
            deck.set_class(deck is self._focused, "-focused")
        for column, decks in zip(self.query(".-column"), self.columns, strict=True):
            is_inside = not (self.is_narrow or is_alone) or any(deck in shown for deck in decks)
            column.set_class(is_inside, "-inside")
            column.set_class(not is_inside, "-outside")

    def action_pane(self, step: int) -> None:
        """To the next pane, or the one before."""
        self.reveal(self.decks[(self.decks.index(self._focused) + step) % len(self.decks)])

    def action_tab(self, step: int) -> None:
        """To the next tab of the pane, or the one before."""
        self._focused.see_next(step)

    def action_zoom(self) -> None:
        """Show the pane alone, or all again."""
        self.toggle_class("-zoomed")
        self._arrange()

    # --- searching, copying, going there -----------------------------------------------------------

    @property
    def pane(self) -> Searchable | None:
        """The one that the keys go to."""
        pane = self._focused.pane
        return pane if isinstance(pane, Searchable) else None

    def action_search(self) -> None:
        """Search in the pane: ask for what."""

        def done(typed: str | None) -> None:
            if typed:
                self._searched = typed
                self.run_worker(self._search(1, is_new=True), group="search", exclusive=True)

        self.app.push_screen(Prompt("/", hint="search"), done)

    def action_search_again(self, step: int) -> None:
        """To the next match, or the one before."""
        if self._searched:
            self.run_worker(self._search(step, is_new=False), group="search", exclusive=True)

    async def _search(self, step: int, *, is_new: bool) -> None:
        pane = self.pane
        if pane is None:
            return
        found = await pane.find(self._searched, pane.cursor + (0 if is_new else step), step)
        if found is None:
            self.app.notify(f"no {self._searched!r} here", severity="warning")
        else:
            pane.go_to(found)

    def action_filter(self) -> None:
        """Show only rows that have a text: ask for which."""
        pane = self.pane if isinstance(self.pane, Listing) else self.decks[0].pane
        if not isinstance(pane, Listing):
            return

        def done(typed: str | None) -> None:
            if typed is not None:
                pane.filter_by(typed)

        self.app.push_screen(Prompt("&", pane.filter, "show only rows that have this"), done)

    def action_copy(self) -> None:
        """Copy the row at the cursor."""
        pane = self.pane
        text = pane.copied() if pane is not None else ""
        if text:
            self.app.copy_to_clipboard(text)
            self.app.notify(f"copied: {text.splitlines()[0][:60]}")

    def action_goto(self) -> None:
        """Show the line of source that the row at the cursor is about."""
        pane = self.pane
        self.goto(pane.place_at(pane.cursor) if pane is not None else None)

    def goto(self, place: tuple[str, int] | None) -> None:
        """Ask for a line of source to be shown."""
        if place is not None and place[0]:
            self.post_message(Goto(*place))

    def on_lines_chosen(self, event: Lines.Chosen) -> None:
        """Enter on a row."""
        event.stop()
        if isinstance(event.lines, Searchable):
            self.chosen(event.lines, event.index)

    def chosen(self, pane: Searchable, index: int) -> None:
        """A row was chosen: show its line of source, if it has one."""
        self.goto(pane.place_at(index))


def trouble(snapshot: Snapshot | None) -> str:
    """What to say where there is nothing to show."""
    if snapshot is None:
        return "reading the recording"
    if snapshot.errors:
        return "; ".join(snapshot.errors)
    if snapshot.is_live:
        return "nothing has been traced yet"
    return "nothing was traced in this run"

"""Several panes in one place, of which one is seen; a line above names them.

It must not know what they show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from tracedbg_tui.debug.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult
    from textual.events import Click


class TabLine(Widget):
    """The names of a deck's panes, and what the one that is seen says of itself."""

    DEFAULT_CSS = """
    TabLine { height: 1; background: $panel; color: $text-muted; }
    """

    class Clicked(Message):
        """A name was clicked on."""

        def __init__(self, name: str) -> None:
            self.name = name
            super().__init__()

    def __init__(self, deck: Deck) -> None:
        super().__init__()
        self._deck = deck

    def render(self) -> Text:
        """See `Widget`."""
        deck, text = self._deck, Text(no_wrap=True, overflow="ellipsis")
        for name in deck.panes:
            is_seen = name == deck.seen
            text.append(
                f" {name} ",
                "bold reverse" if is_seen and deck.has_focus_within else "bold" if is_seen else "dim",
            )
        pane = deck.panes[deck.seen]
        if isinstance(pane, Lines):
            text.append(f"  {pane.told}")
            text.append(f"  {pane.note}", "italic")
        return text

    def on_click(self, event: Click) -> None:
        """Show the pane whose name is there."""
        at = 0
        for name in self._deck.panes:
            at += len(name) + 2
            if event.x < at:
                self.post_message(self.Clicked(name))
                return


class Deck(Vertical):
    """Shows one of several panes."""

    DEFAULT_CSS = """
    Deck > Widget { height: 1fr; }
    Deck > TabLine { height: 1; }
    Deck.-focused > TabLine { background: $primary 40%; color: $text; }
    """

    def __init__(self, panes: Mapping[str, Widget], *, id: str) -> None:  # noqa: A002  Textual's name
        """Make it.

        Args:
            panes: by the name that stands above; the first one is seen at first.
            id: of the widget.
        """
        super().__init__(id=id)
        self.panes = dict(panes)
        self.seen = next(iter(self.panes))
        self._line = TabLine(self)

    @property
    def pane(self) -> Widget:
        """The one that is seen."""
        return self.panes[self.seen]

    @property
    def has_focus_within(self) -> bool:
        """Whether the keys go here."""
        focused = self.app.focused
        return focused is not None and self in focused.ancestors_with_self

    def compose(self) -> ComposeResult:
        """See `Widget`."""
        yield self._line
        yield from self.panes.values()

    def on_mount(self) -> None:
        """Show the first one; tell the line above when something is new there."""
        for name, pane in self.panes.items():
            pane.display = name == self.seen
            if isinstance(pane, Lines):
                self.watch(pane, "told", self._renew, init=False)
                self.watch(pane, "note", self._renew, init=False)

    def see(self, name: str) -> None:
        """Show another."""
        self.seen = name
        for one, pane in self.panes.items():
            pane.display = one == name
        self._renew()

    def see_next(self, step: int) -> None:
        """Show the next one, or the one before."""
        names = list(self.panes)
        self.see(names[(names.index(self.seen) + step) % len(names)])
        self.focus_pane()

    def focus_pane(self) -> None:
        """Have the keys go to the one that is seen."""
        pane = self.pane
        target = pane if pane.can_focus else next(iter(pane.query(Input)), None)
        if target is None:
            target = next((one for one in pane.query("*") if one.focusable), pane)
        target.focus(scroll_visible=False)

    def on_tab_line_clicked(self, event: TabLine.Clicked) -> None:
        """Show what was clicked on."""
        event.stop()
        self.see(event.name)
        self.focus_pane()

    def on_descendant_focus(self) -> None:
        """The keys go here now; the same for the method below: no more."""
        self._renew()

    def on_descendant_blur(self) -> None:  # noqa: D102
        self._renew()

    def _renew(self) -> None:
        self._line.refresh()

"""The panes of the *Debug* screen and how they stand together. It must not know what a stop is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.containers import Container, Vertical
from textual.widgets import Static

from tracedbg.dap.client import ClosedError
from tracedbg_tui.breakpoints import Book
from tracedbg_tui.debug.breakpoints import BreakpointsPane
from tracedbg_tui.debug.deck import Deck
from tracedbg_tui.debug.inspector import InspectorPane
from tracedbg_tui.debug.ops import OpsPane
from tracedbg_tui.debug.repl import Repl
from tracedbg_tui.debug.source import SourcePane
from tracedbg_tui.debug.stack import StackPane
from tracedbg_tui.debug.variables import VariablesPane
from tracedbg_tui.debug.watches import WatchesPane

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.events import DescendantFocus, Resize
    from textual.widget import Widget

    from tracedbg_tui.answers import OpsPage, Scope, Source, Tensor, Variable
    from tracedbg_tui.live import Live

NARROW_CELLS = 100
_LOW_ROWS = 15
_UPPER = ("code", "ops")
_DECKS = ("code", "ops", "data", "where", "talk")


class Panes(Container):
    """Five decks: side by side where there is room; else one above another, or one alone."""

    DEFAULT_CSS = """
    Panes { layout: horizontal; }
    Panes #left { width: 3fr; }
    Panes #right { width: 2fr; border-left: vkey $foreground 20%; }
    Panes #code { height: 2fr; }
    Panes #talk { height: 1fr; }
    Panes #ops { height: 4fr; }
    Panes #data { height: 4fr; }
    Panes #where { height: 2fr; }
    Panes.-narrow { layout: vertical; }
    Panes.-narrow #left, Panes.-narrow #right { width: 1fr; height: auto; border: none; }
    Panes.-narrow Deck { display: none; }
    Panes.-narrow Deck.-shown { display: block; height: 1fr; }
    Panes.-narrow .-empty { display: none; }
    Panes.-narrow #left, Panes.-narrow #right { height: 1fr; }
    Panes.-zoomed Deck, Panes.-zoomed Deck.-shown, Panes.-zoomed .-empty { display: none; }
    Panes.-zoomed Deck.-focused { display: block; height: 1fr; }
    Panes.-zoomed #left, Panes.-zoomed #right { width: 1fr; border: none; }
    """

    def __init__(self, live: Live | None, console: Widget | None = None, **options: Any) -> None:
        """Make them.

        Args:
            live: the debugger; None if there is none.
            console: the program's terminal; None if it is elsewhere.
            options: of the widget.
        """
        super().__init__(**options)
        self.live = live
        self.frame_id: int | None = None
        """The frame that is looked at, as the debugger calls it; None while nothing stands still."""
        self.book = live.book if live else Book()
        self.source = SourcePane(self.book, self._fetch_source)
        self.ops = OpsPane(self.book, self._fetch_ops)
        self.stack = StackPane()
        self.variables = VariablesPane(self._fetch_scopes, self._fetch_variables)
        self.inspector = InspectorPane(self._look_at_tensor)
        self.watches = WatchesPane(self._evaluate_watch)
        self.breakpoints = BreakpointsPane(self.book)
        self.repl = Repl(self._evaluate_typed, self._complete, self._cancel)
        self.console = console
        talk: dict[str, Widget] = {"Console": console or Static("the program's output is elsewhere")}
        self.decks = {
            "code": Deck({"Source": self.source}, id="code"),
            "ops": Deck({"Ops": self.ops}, id="ops"),
            "data": Deck(
                {"Variables": self.variables, "Tensor": self.inspector, "Watches": self.watches}, id="data"
            ),
            "where": Deck({"Stack": self.stack, "Breakpoints": self.breakpoints}, id="where"),
            "talk": Deck({**talk, "REPL": self.repl}, id="talk"),
        }
        self._above, self._below, self._focused = "code", "data", "code"

    def compose(self) -> ComposeResult:
        """See `Widget`."""
        with Vertical(id="left"):
            yield self.decks["code"]
            yield self.decks["talk"]
        with Vertical(id="right"):
            yield self.decks["ops"]
            yield self.decks["data"]
            yield self.decks["where"]

    # --- where the keys go -----------------------------------------------------------------------

    @property
    def deck(self) -> Deck:
        """The one that the keys go to, or went to last."""
        return self.decks[self._focused]

    @property
    def is_narrow(self) -> bool:
        """Whether decks cannot stand side by side."""
        return self.size.width < NARROW_CELLS

    def reveal(self, name: str, pane: str = "", *, takes_focus: bool = True) -> None:
        """Show a deck, and a pane of it.

        Args:
            name: of the deck.
            pane: its name; the one that is seen if empty.
            takes_focus: whether the keys go there.
        """
        if pane:
            self.decks[name].see(pane)
        if name in _UPPER:
            self._above = name
        else:
            self._below = name
        if takes_focus:
            self._focused = name
        self._arrange()
        if takes_focus:
            self.decks[name].focus_pane()

    def step_deck(self, step: int) -> None:
        """To the next deck, or the one before."""
        names = _DECKS
        self.reveal(names[(names.index(self._focused) + step) % len(names)])

    def toggle_zoom(self) -> None:
        """Show the deck with the keys alone, or all again."""
        self.toggle_class("-zoomed")
        self._arrange()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """The keys go elsewhere: remember where."""
        for name, deck in self.decks.items():
            if deck in event.widget.ancestors_with_self and name != self._focused:
                self._focused = name
                if name in _UPPER:
                    self._above = name
                else:
                    self._below = name
                self._arrange()

    def on_resize(self, _: Resize) -> None:
        """There may be room for more, or not for as much."""
        self._arrange()

    def on_mount(self) -> None:
        """Begin with the source."""
        self._arrange()
        self.source.focus()

    def _arrange(self) -> None:
        self.set_class(self.is_narrow, "-narrow")
        shown = {self._above, self._below} if self.size.height >= _LOW_ROWS else {self._focused}
        for name, deck in self.decks.items():
            deck.set_class(name in shown, "-shown")
            deck.set_class(name == self._focused, "-focused")
        is_alone = self.has_class("-zoomed")
        for side in ("left", "right"):
            column = self.query_one(f"#{side}")
            visible = {self._focused} if is_alone else shown
            inside = any(self.decks[name] in column.children for name in visible)
            column.set_class((self.is_narrow or is_alone) and not inside, "-empty")

    # --- what the panes ask for; each raises `ClientError` ------------------------------------------

    def _live(self) -> Live:
        if self.live is None:
            raise ClosedError("no program runs here")
        return self.live

    async def _fetch_scopes(self, frame: int) -> list[Scope]:
        return await self._live().scopes(frame)

    async def _fetch_variables(self, reference: int, start: int, count: int) -> list[Variable]:
        return await self._live().variables(reference, start, count)

    async def _fetch_source(self, source: Source) -> str:
        return await self._live().source(source)

    async def _fetch_ops(self, graph: str, start: int, count: int) -> OpsPage:
        return await self._live().ops(start, count, graph=graph)

    async def _look_at_tensor(self, expression: str, reference: int, bins: int, window: str | None) -> Tensor:
        live = self._live()
        if expression:
            return await live.tensor(expression=expression, frame=self.frame_id, bins=bins, window=window)
        return await live.tensor(reference=reference, bins=bins, window=window)

    async def _evaluate_watch(self, expression: str) -> Variable:
        return await self._live().evaluate(expression, self.frame_id, "watch")

    async def _evaluate_typed(self, text: str) -> Variable:
        return await self._live().evaluate(text, self.frame_id, "repl")

    async def _complete(self, text: str, column: int) -> list[tuple[str, int, int]]:
        return await self._live().completions(text, column, self.frame_id)

    async def _cancel(self) -> bool:
        return await self._live().cancel()

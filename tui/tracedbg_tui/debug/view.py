"""The *Debug* screen: its keys, and what they do."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tracedbg_tui import keys
from tracedbg_tui.answers import Variable
from tracedbg_tui.breakpoints import Wanted
from tracedbg_tui.debug.ops import OpsPane
from tracedbg_tui.debug.prompts import Prompt
from tracedbg_tui.debug.source import SourcePane
from tracedbg_tui.debug.variables import VariablesPane
from tracedbg_tui.debug.wanting import Wanting

if TYPE_CHECKING:
    from textual.binding import BindingType


class DebugView(Wanting):
    """Source, ops, stack, values and console of a program that is debugged."""

    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.DEBUG)

    _searched = ""

    # --- going on --------------------------------------------------------------------------------

    def action_continue(self) -> None:
        """Go on; begin, if the program waits for that."""
        self._do(self._live_go("continue"))

    def action_next(self) -> None:
        """To the next line of this function."""
        self._do(self._live_go("over"))

    def action_in(self) -> None:
        """To the next line, in whatever is called."""
        self._do(self._live_go("into"))

    def action_out(self) -> None:
        """To the next line of the caller."""
        self._do(self._live_go("out"))

    def action_op(self) -> None:
        """To the next op."""
        self._do(self._live_go("op"))

    def action_graph(self) -> None:
        """To the next call of a compiled function."""
        self._do(self._live_go("graph"))

    def action_to_cursor(self) -> None:
        """To the line, or the op, at the cursor."""
        if self.app.focused is self.ops:
            self._do(self._to_op())
        elif self.source.file:
            self._do(self._to_line(self.source.file, self.source.line))

    def action_pause(self) -> None:
        """Stop at the next line."""
        self._do(self._pause())

    async def _live_go(self, how: str) -> None:
        await self._live().go(how)

    async def _to_line(self, file: str, line: int) -> None:
        await self._live().run_to(file, line)

    async def _to_op(self) -> None:
        op = await self.ops.fetched(self.ops.cursor)
        if op is not None:
            wanted = Wanted(address=op.address, label=f"op {op.index} {op.op}")
            if wanted not in self.book.entries:
                self.book.add(wanted)
                self._once = wanted
            await self._live().go("continue")

    async def _pause(self) -> None:
        await self._live().pause()

    # --- where to stop ---------------------------------------------------------------------------

    def action_breakpoint(self) -> None:
        """Set or take out a breakpoint: on the op at the cursor, or else on the line."""
        if self.app.focused is self.ops:
            self._do(self._toggle_op())
        elif self.source.file:
            self.book.toggle_line(self.source.file, self.source.line)

    async def _toggle_op(self) -> None:
        op = await self.ops.fetched(self.ops.cursor)
        if op is None:
            return
        known = next((one for one in self.book.entries if one.address == op.address), None)
        if known is not None:
            self.book.remove(known)
        else:
            self.book.add(Wanted(address=op.address, label=f"op {op.index} {op.op}"))

    def action_breakpoint_op(self) -> None:
        """Stop at ops by their name: ask which."""
        op = self.ops.op(self.ops.cursor) if self.app.focused is self.ops and self.ops.total else None
        self._edit(None, Wanted(op_pattern=op.op if op else ""))

    def action_breakpoint_edit(self) -> None:
        """Edit the breakpoint of the line at the cursor, or set one."""
        if self.source.file:
            self._edit_line(self.source.file, self.source.line)

    # --- looking ---------------------------------------------------------------------------------

    def action_frame(self, step: int) -> None:
        """Look at the caller, or back."""
        self._do(self.select_frame(self.stack.next_frame(step)))

    def action_thread(self) -> None:
        """Look at the next thread that stands still."""
        live = self.live
        if live is not None and live.current in live.stops:
            numbers = list(live.stops)
            live.focus(numbers[(numbers.index(live.current) + 1) % len(numbers)])

    def action_repl(self) -> None:
        """Type something to evaluate."""
        self.reveal("talk", "REPL")

    def action_watch(self) -> None:
        """Watch an expression: ask which."""
        self._ask_watch("", self._word())

    def _word(self) -> str:
        """The name of the variable at the cursor, if there is one."""
        node = self.variables.node
        if self.app.focused is self.variables and node is not None and isinstance(node.value, Variable):
            return node.value.expression
        return ""

    def action_sources(self) -> None:
        """Show one of the texts that frameworks have generated."""
        self._do(self._choose_source())

    async def _choose_source(self) -> None:
        from tracedbg_tui.debug.chooser import Chooser  # noqa: PLC0415  deferred: rarely wanted

        sources = await self._live().loaded_sources()
        if not sources:
            self.app.notify("nothing has been generated yet")
            return

        def done(index: int | None) -> None:
            if index is not None:
                self.reveal("code")
                self._do(self.source.open(sources[index]))

        self.app.push_screen(Chooser("Generated sources", [one.name for one in sources]), done)

    # --- searching -------------------------------------------------------------------------------

    def action_search(self) -> None:
        """Search in the pane with the keys: ask for what."""

        def done(typed: str | None) -> None:
            if typed:
                self._searched = typed
                self._do(self._search(1, is_new=True))

        self.app.push_screen(Prompt("/", hint="search"), done)

    def action_search_again(self, step: int) -> None:
        """To the next match, or the one before."""
        if self._searched:
            self._do(self._search(step, is_new=False))

    async def _search(self, step: int, *, is_new: bool) -> None:
        pane = self.deck.pane
        if not isinstance(pane, SourcePane | OpsPane | VariablesPane):
            pane = self.source
        start = pane.cursor if is_new else pane.cursor + step
        found = await pane.find(self._searched, start, step)
        if found is None:
            self.app.notify(f"no {self._searched!r} here", severity="warning", markup=False)
        else:
            pane.go_to(found)

    # --- panes -----------------------------------------------------------------------------------

    def action_pane(self, step: int) -> None:
        """To the next pane, or the one before."""
        self.step_deck(step)

    def action_tab(self, step: int) -> None:
        """To the next tab of the pane, or the one before."""
        self.deck.see_next(step)

    def action_zoom(self) -> None:
        """Show the pane alone, or all again."""
        self.toggle_zoom()

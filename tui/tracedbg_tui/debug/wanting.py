"""The *Debug* screen as it does what its panes want, and shows what was recorded."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from tracedbg.dap.client import ClientError
from tracedbg_tui.answers import Scope, Source, Variable
from tracedbg_tui.breakpoints import Wanted
from tracedbg_tui.debug.following import Following
from tracedbg_tui.debug.glyphs import glyphs_of
from tracedbg_tui.debug.prompts import BreakpointDialog, Prompt
from tracedbg_tui.snapshot import badges

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from textual.widget import Widget

    from tracedbg_tui.debug.breakpoints import BreakpointsPane
    from tracedbg_tui.debug.ops import OpsPane
    from tracedbg_tui.debug.repl import Repl
    from tracedbg_tui.debug.source import SourcePane
    from tracedbg_tui.debug.stack import StackPane
    from tracedbg_tui.debug.variables import VariablesPane
    from tracedbg_tui.debug.watches import WatchesPane
    from tracedbg_tui.live import Live
    from tracedbg_tui.recording import Recording


class Wanting(Following):
    """Does what the panes want."""

    def __init__(
        self,
        live: Live | None,
        recording: Recording | None = None,
        console: Widget | None = None,
        **options: Any,
    ) -> None:
        """Make it.

        Args:
            live: the debugger; None if no program runs.
            recording: of the program, for the badges of its lines.
            console: the program's terminal; None if it is elsewhere.
            options: of the widget.
        """
        super().__init__(live, console, **options)
        self.recording = recording

    def on_mount(self) -> None:
        """Listen to the recording."""
        if self.recording is not None:
            self.recording.listen(self.post_message)
            self.on_changed()

    def on_unmount(self) -> None:
        """Listen no more."""
        if self.recording is not None:
            self.recording.unlisten(self.post_message)

    def on_changed(self) -> None:
        """Something new was recorded: it may be of a line that is shown."""
        if self.recording is not None:
            glyphs = glyphs_of(self)
            found = badges(self.recording.snapshot, glyphs)
            self.source.badges = {os.path.realpath(file): lines for file, lines in found.items()}
            self.source.refresh()

    async def goto(self, file: str, line: int) -> None:
        """Show a line of a file."""
        await self.source.open(Source(os.path.basename(file), file), line, here=self._here(file))
        self.reveal("code")

    def _here(self, file: str) -> dict[int, bool]:
        """The current lines of a file."""
        return {
            frame.line: index == 0
            for index, frame in reversed(list(enumerate(self.frames)))
            if frame.source.path == file and (index == 0 or frame.is_traced)
        }

    def _do(self, wanted: Coroutine[Any, Any, None]) -> None:
        """Do something with the debugger; say so if it could not be done."""
        self.run_worker(self._said(wanted), group="do")

    async def _said(self, wanted: Coroutine[Any, Any, None]) -> None:
        try:
            await wanted
        except ClientError as error:
            self.app.notify(str(error), severity="warning", markup=False)

    def _edit_line(self, file: str, line: int) -> None:
        known = self.book.shown(file).get(line)
        self._edit(known[0] if known else None, Wanted(file=file, line=line))

    def _edit(self, known: Wanted | None, new: Wanted) -> None:
        def done(made: Wanted | str | None) -> None:
            if made == "remove" and known is not None:
                self.book.remove(known)
            elif isinstance(made, Wanted):
                self.book.put(known, made)

        self.app.push_screen(BreakpointDialog(known or new, is_new=known is None), done)

    def _ask_watch(self, old: str, value: str) -> None:
        def done(typed: str | None) -> None:
            if typed is not None:
                self.watches.put(typed, old)
                self._do(self.watches.evaluate_all())
                self.reveal("data", "Watches")

        self.app.push_screen(Prompt("watch", value, "an expression"), done)

    # --- what the panes want ---------------------------------------------------------------------

    def on_source_pane_toggled(self, event: SourcePane.Toggled) -> None:
        """A click in the gutter; the same for the methods below, each by its pane."""
        self.book.toggle_line(event.file, event.line)

    def on_source_pane_edited(self, event: SourcePane.Edited) -> None:  # noqa: D102
        self._edit_line(event.file, event.line)

    def on_lines_chosen(self, event: OpsPane.Chosen) -> None:
        """Enter on an op shows its line."""
        if event.lines is self.ops:
            self._do(self._show_op(event.index))

    async def _show_op(self, index: int) -> None:
        op = await self.ops.fetched(index)
        if op is not None and op.file:
            source = Source(os.path.basename(op.file), op.file)
            await self.source.open(source, op.line, here=self._here(op.file))

    def on_ops_pane_failed(self, event: OpsPane.Failed) -> None:  # noqa: D102
        self.app.notify(event.why, severity="warning", markup=False)

    def on_stack_pane_frame_chosen(self, event: StackPane.FrameChosen) -> None:  # noqa: D102
        self._do(self.select_frame(event.index))

    def on_stack_pane_thread_chosen(self, event: StackPane.ThreadChosen) -> None:  # noqa: D102
        if self.live is not None:
            self.live.focus(event.thread)

    def on_stack_pane_more_wanted(self) -> None:  # noqa: D102
        self._do(self.more_frames())

    def on_variables_pane_inspected(self, event: VariablesPane.Inspected) -> None:  # noqa: D102
        self._inspect(event.variable)

    def on_watches_pane_inspected(self, event: WatchesPane.Inspected) -> None:  # noqa: D102
        self._inspect(event.variable)

    def _inspect(self, variable: Variable) -> None:
        self.reveal("data", "Tensor")
        name = variable.expression or variable.name
        self._do(self.inspector.inspect(name, variable.expression, variable.reference))

    def on_variables_pane_set_wanted(self, event: VariablesPane.SetWanted) -> None:  # noqa: D102
        variable, owner = event.variable, event.owner

        def done(typed: str | None) -> None:
            if typed is not None and typed.strip():
                self._do(self._set(owner.reference, variable.name, typed))

        self.app.push_screen(Prompt(f"{variable.name} =", hint="a Python expression"), done)

    async def _set(self, reference: int, name: str, value: str) -> None:
        await self._live().set_variable(reference, name, value)

    def on_variables_pane_watch_wanted(self, event: VariablesPane.WatchWanted) -> None:  # noqa: D102
        if event.variable.expression:
            self.watches.put(event.variable.expression)
            self._do(self.watches.evaluate_all())
            self.app.notify(f"{event.variable.expression} is watched", markup=False)

    def on_variables_pane_origin_wanted(self, event: VariablesPane.OriginWanted) -> None:  # noqa: D102
        is_input = isinstance(event.owner, Scope) and event.owner.name == "Op inputs"
        name = event.variable.made_by or (event.variable.name if is_input else "")
        self._do(self._show_origin(name, event.variable.name))

    async def _show_origin(self, made_by: str, name: str) -> None:
        index = await self.ops.index_of(made_by, self.ops.at) if made_by else None
        if index is None:
            self.app.notify(f"no op of this graph has made {name}", severity="warning", markup=False)
            return
        self.reveal("ops")
        self.ops.go_to(index)
        await self._show_op(index)

    def on_watches_pane_asked(self, event: WatchesPane.Asked) -> None:  # noqa: D102
        self._ask_watch(event.old, event.old)

    def on_breakpoints_pane_edit_wanted(self, event: BreakpointsPane.EditWanted) -> None:  # noqa: D102
        self._edit(event.wanted, event.wanted or Wanted())

    def on_breakpoints_pane_filter_edit_wanted(self, event: BreakpointsPane.FilterEditWanted) -> None:  # noqa: D102
        name = event.name

        def done(typed: str | None) -> None:
            if typed is not None:
                self.book.filters[name] = typed.strip()
                self.book.on_change()

        self.app.push_screen(Prompt(f"{name} if", self.book.filters.get(name, ""), "a condition"), done)

    def on_breakpoints_pane_place_wanted(self, event: BreakpointsPane.PlaceWanted) -> None:  # noqa: D102
        line = self.book.state(event.wanted).line or event.wanted.line
        self._do(self.goto(event.wanted.file, line))

    def on_repl_left(self, event: Repl.Left) -> None:  # noqa: D102
        self.step_deck(event.step)

"""The *Debug* screen as it follows the program: what is shown when a thread stops, goes on, or ends."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from tracedbg.dap.client import ClientError
from tracedbg_tui import live_messages
from tracedbg_tui.answers import OpsPage, Source
from tracedbg_tui.debug.panes import Panes
from tracedbg_tui.live import State

if TYPE_CHECKING:
    from textual.timer import Timer
    from textual.widget import Widget

    from tracedbg_tui.answers import Frame, Stop
    from tracedbg_tui.breakpoints import Wanted
    from tracedbg_tui.live import Live

_FRAMES = 100
_OPS = 256
_OP_BYTES = 16
"""Addresses of ops rise by so much: docs/reference/dap.md."""
_QUICK_S = 0.25
"""What is shown stays until the next stop, if that comes so soon."""


class Following(Panes):
    """Shows each stop."""

    def __init__(self, live: Live | None, console: Widget | None = None, **options: Any) -> None:
        super().__init__(live, console, **options)
        self.frames: tuple[Frame, ...] = ()
        self.selected = 0
        """The frame that is looked at."""
        self.is_settled = True
        """Whether the panes show what they are to show; for tests."""
        self._total = 0
        self._once: Wanted | None = None
        """A breakpoint that the next stop takes out."""
        self._clearing: Timer | None = None

    def on_mount(self) -> None:
        """Listen to the debugger, and show how far it is."""
        self.breakpoints.changed()
        if self.live is None:
            self.variables.show_none("no program runs here")
            return
        self.live.listen(self.post_message)
        if self.live.state is State.READY:
            self.on_ready()
        elif self.live.stop is not None:
            self.on_stopped(live_messages.Stopped(self.live.stop))

    def on_unmount(self) -> None:
        """Listen no more."""
        if self.live is not None:
            self.live.unlisten(self.post_message)

    # --- what happens ----------------------------------------------------------------------------

    def on_ready(self) -> None:
        """The program waits to begin: show its first lines."""
        self.breakpoints.filters = self._live().filters
        self.breakpoints.changed()
        self.variables.show_none("not begun: b sets a breakpoint on a line, c begins")
        self._open_program()

    def on_stopped(self, event: live_messages.Stopped) -> None:
        """Show where the thread stands, if it is the one that is looked at."""
        live = self._live()
        if self._clearing is not None:
            self._clearing.stop()
        if self._once is not None:
            self.book.remove(self._once)
            self._once = None
        if live.stop is None or event.at.thread != live.current:
            return
        self.is_settled = False
        self.run_worker(self._show_stop(live.stop), group="stop", exclusive=True)

    def on_running(self) -> None:
        """Nothing stands still, or soon again."""
        if self._clearing is not None:
            self._clearing.stop()
        self.frame_id = None
        self._clearing = self.set_timer(_QUICK_S, self._clear)
        self._open_program()

    def on_exited(self) -> None:
        """The program is gone."""
        self._clear()
        self.ops.show_none()
        if self.console is not None:
            self.reveal("talk", "Console", takes_focus=False)  # how it has ended stands there

    def on_breakpoints_changed(self) -> None:
        """Draw them as they are now."""
        if self.live is not None and not self.breakpoints.filters:
            self.breakpoints.filters = self.live.filters
        for pane in (self.source, self.ops, self.breakpoints):
            pane.changed()

    def on_values_changed(self) -> None:
        """Ask again for what is shown."""
        if self.frame_id is not None:
            self.run_worker(self._show_values(), group="values", exclusive=True)

    def on_log(self, event: live_messages.Log) -> None:
        """A log point speaks."""
        self.repl.say(event.text)

    def on_output(self, event: live_messages.Output) -> None:
        """The debugger has something to say; the program's own output is in its console."""
        if event.category not in ("stdout", "stderr"):
            self.repl.say(event.text, "yellow")

    def on_refused(self, event: live_messages.Refused) -> None:
        """Something was not done."""
        self.app.notify(event.why, severity="error", markup=False)

    def _open_program(self) -> None:
        """Show the script, if nothing is shown yet."""
        program = self._live().program
        if not self.source.source.exists and program and os.path.isfile(program):
            self.run_worker(self.source.open(Source(os.path.basename(program), program)), group="source")

    def _clear(self) -> None:
        if self.live is not None and self.live.stop is not None:
            return
        self.frame_id, self.frames = None, ()
        self.source.clear_here()
        self.ops.clear_here()
        self.stack.show_none()
        self.stack.told = ""
        has_ended = self.live is None or self.live.state is State.ENDED
        self.variables.show_none("the program has ended" if has_ended else "the program runs")
        self.watches.forget_values()

    # --- a stop ----------------------------------------------------------------------------------

    async def _show_stop(self, stop: Stop) -> None:
        live = self._live()
        self.stack.told = stop.text.partition("\n")[0] or stop.reason
        if stop.text:
            self.app.notify(stop.text, title=stop.reason, severity="warning", markup=False)
            self.repl.say(stop.text, "yellow")
        try:
            frames, self._total = await live.frames(stop.thread, levels=_FRAMES)
            self.frames = tuple(frames)
            users = (index for index, frame in enumerate(frames) if not frame.is_library)
            self.selected = next(users, 0)
            await self._show_frame()
            await self._show_ops(stop)
            await self._show_values()
            await self.inspector.again()
        except ClientError as error:
            if live.stops.get(stop.thread) is stop:
                self.app.notify(str(error), severity="error", markup=False)
        self.is_settled = True

    async def _show_frame(self) -> None:
        """Show the line of the frame that is looked at."""
        live = self._live()
        stops = list(live.stops.values())
        self.stack.show_stack(self.frames, self._total, self.selected, stops, live.current or 0)
        if not self.frames:
            self.frame_id = None
            return
        frame = self.frames[self.selected]
        self.frame_id = frame.id
        if frame.source.exists:
            here = {
                one.line: index == 0
                for index, one in reversed(list(enumerate(self.frames)))
                if one.source == frame.source and (index == self.selected or (one.is_traced and index > 0))
            }
            if self.selected == 0 or self.frames[0].source == frame.source:
                here = {**here, self.frames[0].line: True}
            await self.source.open(frame.source, frame.line, here=here)

    async def _show_values(self) -> None:
        if self.frame_id is not None:
            await self.variables.show_frame(self.frame_id)
            await self.watches.evaluate_all()

    async def _show_ops(self, stop: Stop) -> None:
        """Show the graph that the thread stands in, at the op that is next."""
        live = self._live()
        try:
            page = await live.ops(0, 1, thread=stop.thread)
        except ClientError:
            self.ops.show_none()  # eager code has no list of ops
            return
        at = page.at if page.at is not None else _index(page, self.frames[0] if self.frames else None)
        first = (at or 0) // _OPS * _OPS
        if first or page.total > 1:
            page = await live.ops(first, _OPS, graph=page.graph)
        self.ops.show_graph(page, at)

    async def select_frame(self, index: int) -> None:
        """Look at another frame of the stack."""
        if 0 <= index < len(self.frames):
            self.selected = index
            await self._show_frame()
            await self._show_values()

    async def more_frames(self) -> None:
        """Fetch the frames that are not shown yet."""
        live = self._live()
        if live.current is not None:
            more, self._total = await live.frames(live.current, start=len(self.frames), levels=10 * _FRAMES)
            self.frames = (*self.frames, *more)
            await self._show_frame()


def _index(page: OpsPage, frame: Frame | None) -> int | None:
    """Where the op is that a frame points to, from the address of the graph's first op."""
    if frame is None or not frame.address or not page.ops:
        return None
    distance, rest = divmod(int(frame.address, 0) - int(page.ops[0].address, 0), _OP_BYTES)
    return distance if rest == 0 and 0 <= distance < page.total else None

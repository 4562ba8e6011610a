"""The interface as a whole: its screens, what they share, and how one leaves it.

The composition root of this package: the only module that knows the debugger, the recording and all screens.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App
from textual.containers import Container
from textual.widgets import Static

from tracedbg_tui import keys, palette, recorded
from tracedbg_tui.answers import Source
from tracedbg_tui.console import Console
from tracedbg_tui.debug import DebugView
from tracedbg_tui.help import Help
from tracedbg_tui.leaving import Leaving
from tracedbg_tui.live import Live, State
from tracedbg_tui.news import END, LEAVE
from tracedbg_tui.recorded.view import RecordedView
from tracedbg_tui.recording import Recording
from tracedbg_tui.settings import Settings
from tracedbg_tui.status import KeyLine, StatusLine, state_of
from tracedbg_tui.themes import THEMES, wants_ascii

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.app import ComposeResult, SystemCommand
    from textual.binding import BindingType
    from textual.command import Provider
    from textual.events import Key, Resize
    from textual.screen import Screen
    from textual.widget import Widget

    from tracedbg_tui.contract import Ended, Goto, Program, ProgramEnded, ShowFunction

_TICK_S = 0.5
LEAST_COLUMNS = 40
LEAST_ROWS = 10
_RECORDED = {"traces": "TracesView", "graph": "GraphView", "time": "TimeView", "ranks": "RanksView"}
_HINT = "new here?  ? keys  1-5 screens  Tab panes  b breakpoint  c go on  q quit"
_HINT_OF_A_RECORDING = "new here?  ? keys  1-5 screens  Tab panes  j k lines  e source line  q quit"


class TracedbgApp(App[int]):
    """The interface. Its result is `news.END` or `news.LEAVE`."""

    TITLE = "tracedbg"
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.APP)
    COMMANDS: ClassVar[set[type[Provider]]] = App.COMMANDS | {palette.Functions}  # type: ignore[assignment]
    CSS = """
    Screen { layout: vertical; layers: base above; }
    #body { height: 1fr; }
    #body > * { height: 1fr; width: 1fr; }
    #hint { height: 1; background: $accent 30%; padding: 0 1; }
    #small { display: none; layer: above; width: 100%; height: 100%; background: $background; }
    .-small #small { display: block; }
    .-ascii Panes #right, .-ascii RecordedView > .-column:last-child { border-left: ascii $foreground 20%; }
    .-ascii Panes.-narrow #right, .-ascii Panes.-zoomed #right { border: none; }
    .-ascii RecordedView.-narrow > .-column, .-ascii RanksView > .-column:last-child { border: none; }
    .-ascii ModalScreen > * { border: ascii $primary; }
    """

    def __init__(
        self,
        program: Program | None,
        live: Live | None,
        recording: Recording | None,
        settings: Settings | None = None,
    ) -> None:
        """Put it together.

        Args:
            program: that runs; None if a recording is looked at.
            live: its debugger; None if it has none.
            recording: of it.
            settings: how the interface was left; those of nobody if None.
        """
        super().__init__()
        self.program, self.live, self.recording = program, live, recording
        self.settings = settings or Settings()
        self.failure: Exception | None = None
        """A fault of ours, of which the interface dies."""
        chosen = self.settings.is_ascii
        self.is_ascii = wants_ascii() if chosen is None else chosen
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = self.settings.theme
        console = Console(program) if program is not None else None
        self.debug_view = DebugView(live, recording, console, id="debug")
        self.views: dict[str, Widget] = {"debug": self.debug_view}
        """Those that have been looked at: the others are made when they are."""
        found = {name: getattr(recorded, made_by, None) for name, made_by in _RECORDED.items()}
        self._makers = {name: maker for name, maker in found.items() if maker is not None}
        self.names = ["debug", *self._makers]
        left_at = self.settings.screen if self.settings.screen in self.names else "traces"
        self.seen = "debug" if program is not None or recording is None else left_at
        self._saved = self.settings.to_data()

    def compose(self) -> ComposeResult:
        """See `App`."""
        yield StatusLine(self.names, self._title())
        yield Container(id="body")
        if not self.settings.hint_seen:
            hint = _HINT if self.program is not None else _HINT_OF_A_RECORDING
            yield Static(hint, id="hint", markup=False)
        yield KeyLine()
        yield Static("", id="small")

    def _title(self) -> str:
        if self.program is not None:
            return self.program.title
        return os.path.basename(self.recording.folder) if self.recording is not None else ""

    # --- life ----------------------------------------------------------------------------------

    async def on_mount(self) -> None:
        """Begin to read and to talk."""
        self.draw_in_ascii(is_wanted=self.is_ascii)
        if self.recording is not None:
            self.recording.listen(self.post_message)
            self.recording.start()
        self.debug_view.watches.expressions[:] = self.settings.watches
        if self.live is not None:
            self.live.listen(self.post_message)
            self.live.start(hold=True)
        self.set_interval(_TICK_S, self._tick)
        self.app_resume_signal.subscribe(self, self._redraw)
        await self.action_show(self.seen)
        if self.settings.is_zoomed:
            self.debug_view.toggle_zoom()

    def on_unmount(self) -> None:
        """Keep the settings; let go of what was opened."""
        self._keep()
        if self.recording is not None:
            self.recording.close()
        if self.live is not None:
            self.live.close()

    def _handle_exception(self, error: Exception) -> None:
        """Textual's, of what nobody has caught."""
        self.failure = self.failure or error
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """Textual's: it would print pages of source on the terminal. `run_app` raises the error instead."""
        self._close_messages_no_wait()

    def _redraw(self, _: object) -> None:
        """The shell had the terminal for a while: nothing of ours stands there any more."""
        self.screen.refresh(layout=True)

    def on_resize(self, event: Resize) -> None:
        """Say so where there is no room for anything."""
        columns, rows = event.size
        self._check_room(columns, rows)

    def _check_room(self, columns: int, rows: int) -> None:
        is_small = columns < LEAST_COLUMNS or rows < LEAST_ROWS
        root = self.screen_stack[0]
        root.set_class(is_small, "-small")
        if is_small:
            root.query_one("#small", Static).update(
                f"{columns}x{rows} is too small: {LEAST_COLUMNS}x{LEAST_ROWS} is needed"
            )

    def on_key(self, _: Key) -> None:
        """Somebody knows what keys are."""
        if not self.settings.hint_seen:
            self.settings.hint_seen = True
            for hint in self.screen_stack[0].query("#hint"):
                hint.remove()

    def draw_in_ascii(self, *, is_wanted: bool) -> None:
        """Draw with ASCII characters only, or with all."""
        self.is_ascii = is_wanted
        self.set_class(is_wanted, "-ascii")
        for widget in self.screen_stack[0].query("*"):
            widget.refresh(layout=True)

    # --- how far the program is --------------------------------------------------------------------

    @property
    def ended(self) -> Ended | None:
        """How the program has ended; None while it runs, and where nobody knows."""
        return self.program.ended if self.program is not None else None

    def on_stopped(self) -> None:
        """Something has happened to the program: say so; the same for the methods below."""
        self._tell()

    def on_running(self) -> None:  # noqa: D102
        self._tell()

    def on_ready(self) -> None:  # noqa: D102
        self._tell()

    def on_responding(self) -> None:  # noqa: D102
        self._tell()

    def on_changed(self) -> None:  # noqa: D102
        self._open_source()
        self._tell()

    def on_exited(self) -> None:
        """It is gone: its recording is complete."""
        if self.recording is not None:
            self.recording.refresh()
        self._tell()

    def on_program_ended(self, event: ProgramEnded) -> None:
        """Say how it has ended."""
        event.stop()
        self.on_exited()

    def _tick(self) -> None:
        self._tell()
        self._keep()

    def _tell(self) -> None:
        if not self.is_running:
            return
        state = state_of(self.live, self.ended, is_recorded=self.recording is not None)
        counters = self.recording.counters if self.recording is not None else None
        if counters is not None and self.live is not None and self.live.state is State.STOPPED:
            counters = replace(counters, steps=None)  # nothing goes on
        for line in self.screen_stack[0].query(StatusLine):
            line.tell(self.seen, state, counters)
        for foot in self.screen_stack[0].query(KeyLine):
            foot.show_group(self.keys_of_screen)

    @property
    def keys_of_screen(self) -> keys.Group:
        """The keys that do something on the screen that is seen, as far as the program is."""
        if self.seen != "debug":
            return keys.RECORDED
        goes_on = self.live is not None and self.live.state is not State.ENDED and self.ended is None
        return keys.DEBUG if goes_on else keys.LOOKED_AT

    def _open_source(self) -> None:
        """Where no program shows its source: the file of what cost most."""
        view = self.debug_view
        if (
            self.live is not None
            or self.recording is None
            or not view.is_mounted
            or view.source.source.exists
        ):
            return
        summary = self.recording.snapshot.summary
        timed = summary.kernels.lines if summary is not None and summary.kernels else ()
        places = [(one.file, one.line) for one in self.recording.snapshot.functions]
        for file, line in places + [(one.file, one.line) for one in timed]:
            if os.path.isfile(file):
                source = Source(os.path.basename(file), file)
                self.run_worker(view.source.open(source, line), group="source", exclusive=True)
                return

    def _keep(self) -> None:
        """Write the settings if they have changed."""
        settings = self.settings
        settings.theme = self.theme
        if self.program is None:
            settings.screen = self.seen
        settings.is_zoomed = self.debug_view.has_class("-zoomed")
        settings.watches = list(self.debug_view.watches.expressions)
        if self.live is not None:
            settings.book = self.live.book
        data = settings.to_data()
        if data != self._saved:
            self._saved = data
            settings.save()

    # --- screens ---------------------------------------------------------------------------------

    async def action_show(self, name: str) -> None:
        """Go to a screen."""
        if name not in self.names:
            self.notify(f"there is no screen {name} here", severity="warning")
            return
        self.seen = name
        body = self.screen_stack[0].query_one("#body")
        view = self.views.get(name)
        if view is None:
            wires = {"live": self.live} if name == "graph" else {}
            view = self.views[name] = self._makers[name](self.recording, id=name, **wires)
        if not view.is_attached:
            await body.mount(view)
        for one in self.views.values():
            one.display = one is view
        if isinstance(view, DebugView):
            view.deck.focus_pane()
            self._open_source()
        elif isinstance(view, RecordedView):
            view.focus_first()
        self._tell()

    async def on_status_line_chosen(self, event: StatusLine.Chosen) -> None:
        """Go to the screen that was clicked on."""
        await self.action_show(event.name)

    async def on_goto(self, event: Goto) -> None:
        """Show a line of source."""
        event.stop()
        await self.action_show("debug")
        await self.debug_view.goto(event.file, event.line)

    async def on_show_function(self, event: ShowFunction) -> None:
        """Show the traces of a function."""
        event.stop()
        await self.show_function(event.key)

    async def show_function(self, key: str) -> None:
        """Show the traces of a function, by its key."""
        await self.action_show("traces")
        view = self.views.get("traces")
        if isinstance(view, recorded.TracesView) and not view.show_function(key):
            self.notify("nothing was recorded of this function", severity="warning")

    def action_help(self) -> None:
        """Show the keys."""
        self.push_screen(Help())

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """See `App`."""
        yield from palette.commands(self, screen)

    # --- leaving ---------------------------------------------------------------------------------

    async def action_quit(self) -> None:
        """Leave; ask first what becomes of a program that runs."""
        program = self.program
        if program is None:
            self.exit(END)
        elif program.terminal is None:
            self.exit(LEAVE)  # it has a terminal of its own, and goes on there
        elif program.ended is not None:
            self.exit(END)
        else:
            can_go_on = self.live is None or self.live.state is not State.READY
            self.push_screen(Leaving(program.title, can_go_on=can_go_on), self._leave)

    def _leave(self, code: int | None) -> None:
        if code is not None:
            self.exit(code)


def run_app(program: Program | None, folder: str | None) -> int:
    """Open the interface in this process.

    Args:
        program: that runs; None if a recording is looked at.
        folder: of the run; None if it is not on this machine.

    Returns:
        `news.END` or `news.LEAVE`.

    Raises:
        Exception: a fault of ours.
    """
    settings = Settings.of_run(folder)
    recording = Recording(folder) if folder else None
    connection = program.connection if program is not None else None
    live = Live(connection, lambda _: None, settings.book) if connection is not None else None
    app = TracedbgApp(program, live, recording, settings)
    code = app.run()
    if app.failure is not None:
        raise app.failure
    return app.return_code or code or END

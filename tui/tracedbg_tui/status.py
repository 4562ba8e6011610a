"""The line at the top, with the screens and how far the program is; and the keys at the foot."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual.message import Message
from textual.widget import Widget

from tracedbg_tui import keys
from tracedbg_tui.live import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.events import Click

    from tracedbg_tui.contract import Ended
    from tracedbg_tui.counters import Counters
    from tracedbg_tui.live import Live

_ASCII_SIGNS = {"▶": ">", "■": "#", "●": "*", "⚠": "!", "…": "~", "◌": "."}
_FEW_CELLS = 8


def state_of(live: Live | None, ended: Ended | None, *, is_recorded: bool) -> tuple[str, str, str]:
    """(sign, words, colour) of how far the program is."""
    if ended is not None:
        if ended.signal is not None:
            return "■", f"ended by signal {ended.signal}", "$error"
        return "■", f"ended, exit code {ended.exit_code}", "$error" if ended.exit_code else "$success"
    if live is None:
        return ("■", "recorded", "$secondary") if is_recorded else ("■", "no program", "$secondary")
    if live.state is not State.ENDED and not live.is_responding:
        return "⚠", "not responding", "$error"
    if live.state is State.RUNNING and live.is_pausing:
        return "◌", "pausing", "$warning"
    return {
        State.CONNECTING: ("◌", "starting", "$warning"),
        State.READY: ("●", "waits: c begins", "$warning"),
        State.RUNNING: ("▶", "running", "$success"),
        State.STOPPED: ("●", "stopped", "$accent"),
        State.ENDED: ("■", "ended", "$secondary"),
    }[live.state]


class StatusLine(Widget):
    """The line at the top. A click on a screen's name goes there."""

    DEFAULT_CSS: ClassVar[str] = "StatusLine { dock: top; height: 1; background: $panel; }"

    class Chosen(Message):
        """A screen was clicked on."""

        def __init__(self, name: str) -> None:
            self.name = name
            super().__init__()

    def __init__(self, screens: Sequence[str], title: str) -> None:
        """Make it.

        Args:
            screens: their names.
            title: of the program.
        """
        super().__init__()
        self._screens, self._title = screens, title
        self._seen = ""
        self._state = ("", "", "$foreground")
        self._counted: tuple[str, ...] = ()
        self._is_long = False

    def tell(self, seen: str, state: tuple[str, str, str], counters: Counters | None) -> None:
        """Show what is so now; draws only if that has changed."""
        counted = counters.words() if counters is not None else ()
        is_long = counters is not None and counters.is_long()
        if (seen, state, counted, is_long) != (self._seen, self._state, self._counted, self._is_long):
            self._seen, self._state, self._counted, self._is_long = seen, state, counted, is_long
            self.refresh()

    def render(self) -> Text:
        """See `Widget`."""
        text = Text(no_wrap=True)
        for number, name in enumerate(self._screens, 1):
            is_seen = name == self._seen
            text.append(f" {number} {name.capitalize()} ", "bold reverse" if is_seen else "")
        variables = self.app.theme_variables
        sign, words, color = self._state
        if getattr(self.app, "is_ascii", False):
            sign = _ASCII_SIGNS.get(sign, sign)
        said = f"{sign} {words}"
        room = self.size.width - text.cell_len - cell_len(said) - 3
        counted = [one for one in self._fitting(self._counted, max(0, room - _FEW_CELLS)) if one]
        room -= sum(len(one) + 3 for one in counted)
        title = Text(self._title, no_wrap=True)
        if room >= _FEW_CELLS:
            title.truncate(room - 2, overflow="ellipsis")
            text.append("  ")
            text.append_text(title)
        text.append("  ")
        text.append(said, f"bold {variables.get(color[1:], '')}".strip())
        for number, one in enumerate(counted):
            style = f"bold {variables.get('warning', '')}".strip() if self._is_long and not number else "dim"
            text.append(" · " if not getattr(self.app, "is_ascii", False) else " | ", "dim")
            text.append(one, style)
        text.truncate(max(1, self.size.width), overflow="ellipsis")
        return text

    @staticmethod
    def _fitting(words: Sequence[str], room: int) -> list[str]:
        fitting = []
        for one in words:
            room -= len(one) + 3
            if room < 0:
                break
            fitting.append(one)
        return fitting

    def on_click(self, event: Click) -> None:
        """Go to the screen whose name is there."""
        at = 0
        for name in self._screens:
            at += len(name) + 4
            if event.x < at:
                self.post_message(self.Chosen(name))
                return


class KeyLine(Widget):
    """The keys that are most wanted, as many as there is room for; help and the end always."""

    DEFAULT_CSS: ClassVar[str] = "KeyLine { height: 1; background: $panel; }"

    def __init__(self) -> None:
        super().__init__()
        self._group = keys.DEBUG

    def show_group(self, group: keys.Group) -> None:
        """Show the keys that hold now; draws only if these are others."""
        if group is not self._group:
            self._group = group
            self.refresh()

    def render(self) -> Text:
        """See `Widget`."""
        always = [one for one in keys.APP.keys if one.in_footer]
        room = self.size.width - sum(self._width(one) for one in always)
        shown = []
        for one in self._group.keys:
            if one.in_footer and self._width(one) <= room:
                room -= self._width(one)
                shown.append(one)
        text = Text(no_wrap=True, overflow="ellipsis")
        accent = self.app.theme_variables.get("accent", "")
        for one in (*shown, *always):
            text.append(f" {one.names[0]}", f"bold {accent}".strip())
            text.append(f" {one.text} ")
        return text

    @staticmethod
    def _width(one: keys.Key) -> int:
        return len(one.names[0]) + len(one.text) + 3

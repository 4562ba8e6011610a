"""The help screen: the table of keys, and what the signs mean."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, ClassVar

from rich.table import Table
from rich.text import Text
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from tracedbg_tui import keys
from tracedbg_tui.debug.glyphs import Glyphs, glyphs_of

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

_SIGNS = {
    "here": "the line or op that is next",
    "caller": "the line of a caller",
    "stop": "a breakpoint",
    "conditional": "one with a condition or hits",
    "log": "one that logs instead of stopping",
    "unverified": "one where no code has been seen yet",
    "disabled": "one that is off",
    "traced": "a frame that a framework has traced",
    "python": "a frame that runs as Python",
    "retrace": "retraces recorded at the line",
    "graph_break": "graph breaks recorded at the line",
    "kernels": "time of the line's kernels, where they were timed (--kernels)",
}


class Help(ModalScreen[None]):
    """All keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1", "dismiss", "Close"),
        Binding("j", "scroll(1)", "Down"),
        Binding("k", "scroll(-1)", "Up"),
    ]
    DEFAULT_CSS = """
    Help { align: center middle; }
    Help > VerticalScroll {
        width: 78; max-width: 100%; height: 90%; background: $surface; border: round $primary; padding: 0 1;
    }
    Help Static { height: auto; }
    """

    def compose(self) -> ComposeResult:
        """See `Widget`."""
        with VerticalScroll() as box:
            box.border_title = "Keys"
            box.border_subtitle = "Esc closes"
            for group in keys.GROUPS:
                yield Static(Text(f"\n{group.title}", "bold"))
                yield Static(_table([(" ".join(one.names), one.help) for one in group.keys]))
            signs = glyphs_of(self)
            names = [one.name for one in fields(Glyphs) if one.name in _SIGNS]
            yield Static(Text("\nSigns", "bold"))
            yield Static(_table([(getattr(signs, name), _SIGNS[name]) for name in names]))

    def on_mount(self) -> None:
        """Have the keys scroll."""
        self.query_one(VerticalScroll).focus()

    def action_scroll(self, step: int) -> None:
        """A line down, or up."""
        self.query_one(VerticalScroll).scroll_relative(y=step, animate=False)


def _table(rows: list[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(width=16, style="bold")
    table.add_column(ratio=1)
    for keys_of_row, text in rows:
        table.add_row(Text(keys_of_row), Text(text))
    return table

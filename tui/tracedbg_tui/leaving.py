"""The question what becomes of the program when the interface goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from tracedbg_tui.news import END, LEAVE

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType


class Leaving(ModalScreen[int | None]):
    """Gives `news.END` or `news.LEAVE`, or nothing: one stays."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e,q,ctrl+q", "choose('end')", "End it"),
        Binding("l", "choose('leave')", "Leave it"),
        Binding("escape", "choose('stay')", "Stay"),
    ]
    DEFAULT_CSS = """
    Leaving { align: center middle; }
    Leaving > Vertical {
        width: 60; max-width: 100%; height: auto; background: $surface; border: round $warning; padding: 0 1;
    }
    Leaving Static { height: auto; }
    """

    def __init__(self, title: str, *, can_go_on: bool) -> None:
        """Make it.

        Args:
            title: of the program.
            can_go_on: whether it has begun.
        """
        super().__init__()
        self._title, self._can_go_on = title, can_go_on

    def compose(self) -> ComposeResult:
        """See `Widget`."""
        goes_on = "goes on" if self._can_go_on else "begins"
        with Vertical():
            yield Static(f"{self._title} has not ended.", markup=False)
            yield Static(f"e, q  end it\nl     leave: it {goes_on}, and its output is shown here\nEsc   stay")

    def action_choose(self, what: str) -> None:
        """It is decided."""
        self.dismiss({"end": END, "leave": LEAVE}.get(what))

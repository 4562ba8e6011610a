"""A list to choose one line from."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from tracedbg_tui.debug.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType


class _Texts(Lines):
    def __init__(self, texts: Sequence[str]) -> None:
        super().__init__()
        self._texts = texts

    def count(self) -> int:
        return len(self._texts)

    def draw(self, index: int, width: int) -> list[Segment]:  # noqa: ARG002
        return [Segment(self._texts[index])]


class Chooser(ModalScreen[int | None]):
    """Gives the position of what is chosen, or nothing if it is left."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Cancel")]
    DEFAULT_CSS = """
    Chooser { align: center middle; }
    Chooser > Vertical { width: 80; max-width: 96%; height: 60%; border: round $accent; background: $panel; }
    """

    def __init__(self, title: str, texts: Sequence[str]) -> None:
        """Make it.

        Args:
            title: what is chosen from.
            texts: one line each.
        """
        super().__init__()
        self._title, self._texts = title, texts

    def compose(self) -> ComposeResult:
        """See `Widget`."""
        with Vertical() as box:
            box.border_title = self._title
            yield _Texts(self._texts)

    def on_lines_chosen(self, event: Lines.Chosen) -> None:
        """Done."""
        self.dismiss(event.index)

    def action_leave(self) -> None:
        """Nothing is chosen."""
        self.dismiss(None)

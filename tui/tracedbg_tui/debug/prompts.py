"""Small dialogs: one line that is typed, and all about one breakpoint."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tracedbg_tui.breakpoints import Wanted


class Prompt(ModalScreen[str | None]):
    """One line at the foot of the screen; nothing if it is left."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Cancel")]
    DEFAULT_CSS = """
    Prompt { align: center bottom; background: transparent; }
    Prompt > Horizontal { height: 1; background: $panel; }
    Prompt Label { width: auto; padding: 0 1; color: $text-accent; }
    Prompt Input { height: 1; border: none; padding: 0; background: $panel; width: 1fr; }
    Prompt Input:focus { border: none; }
    """

    def __init__(self, label: str, value: str = "", hint: str = "") -> None:
        """Make it.

        Args:
            label: what is asked for.
            value: what stands there first.
            hint: what is shown while nothing is typed.
        """
        super().__init__()
        self._label, self._value, self._hint = label, value, hint

    def compose(self) -> ComposeResult:
        """See `Widget`."""
        with Horizontal():
            yield Label(self._label)
            yield Input(self._value, placeholder=self._hint, select_on_focus=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """It is typed."""
        self.dismiss(event.value)

    def action_leave(self) -> None:
        """Nothing is typed."""
        self.dismiss(None)


class BreakpointDialog(ModalScreen["Wanted | str | None"]):
    """All about one breakpoint: gives it as it is to be, `"remove"`, or nothing if it is left."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Cancel")]
    DEFAULT_CSS = """
    BreakpointDialog { align: center middle; }
    BreakpointDialog > Vertical {
        width: 70; max-width: 96%; height: auto; max-height: 96%;
        background: $panel; border: round $accent; padding: 0 1;
    }
    BreakpointDialog Horizontal { height: 1; }
    BreakpointDialog Label { width: 12; color: $text-muted; }
    BreakpointDialog Input { height: 1; border: none; padding: 0; width: 1fr; background: $surface; }
    BreakpointDialog Input:focus { border: none; background: $primary 25%; }
    BreakpointDialog #hint { width: 1fr; }
    BreakpointDialog #buttons { height: 1; margin-top: 1; }
    BreakpointDialog Button { height: 1; border: none; min-width: 10; margin-right: 2; }
    """

    def __init__(self, wanted: Wanted, *, is_new: bool) -> None:
        """Make it.

        Args:
            wanted: what it is now.
            is_new: whether it has not been set yet.
        """
        super().__init__()
        self._wanted, self._is_new = wanted, is_new

    def compose(self) -> ComposeResult:
        """See `Widget`."""
        wanted = self._wanted
        with Vertical() as box:
            box.border_title = f"Stop at {wanted.place}".replace("[", r"\[")
            if wanted.op_pattern or self._is_op:
                yield from _row("Ops", "pattern", wanted.op_pattern, "a name or pattern, such as *relu*")
            yield from _row("Condition", "condition", wanted.condition, "x.isnan().any()")
            yield from _row("Hits", "hits", wanted.hit_condition, "5, >= 5, % 10")
            yield from _row("Log", "log", wanted.log_message, "x is {x.mean()}: say it, and go on")
            with Horizontal(id="buttons"):
                yield Button("OK", variant="primary", id="ok", compact=True)
                if not self._is_new:
                    yield Button("Remove", variant="error", id="remove", compact=True)
                yield Button("Cancel", id="cancel", compact=True)

    @property
    def _is_op(self) -> bool:
        return not (self._wanted.file or self._wanted.address)

    def on_mount(self) -> None:
        """Begin with what is asked for most."""
        self.query_one("#pattern" if self._is_op else "#condition").focus()

    def on_input_submitted(self) -> None:
        """Enter anywhere is OK."""
        self._done()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Done, one way or another."""
        if event.button.id == "ok":
            self._done()
        else:
            self.dismiss("remove" if event.button.id == "remove" else None)

    def action_leave(self) -> None:
        """Leave it as it is."""
        self.dismiss(None)

    def _done(self) -> None:
        def typed(name: str) -> str:
            return self.query_one(f"#{name}", Input).value.strip()

        pattern = typed("pattern") if self._is_op else ""
        if self._is_op and not pattern:
            self.query_one("#pattern").focus()
            return
        made = replace(
            self._wanted,
            op_pattern=pattern,
            condition=typed("condition"),
            hit_condition=typed("hits"),
            log_message=typed("log"),
        )
        self.dismiss(made)


def _row(label: str, name: str, value: str, hint: str) -> ComposeResult:
    with Horizontal():
        yield Label(label)
        yield Input(value, placeholder=hint, id=name, select_on_focus=False)

"""The REPL pane: what is typed is evaluated in the frame that is looked at; log points speak here, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, RichLog

from tracedbg.dap.client import ClientError
from tracedbg_tui import keys
from tracedbg_tui.debug.lines import printable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tracedbg_tui.answers import Variable

_MOST_LINES = 5000
_MOST_HISTORY = 500
_HINT = "expression, statement or %help"


class ReplInput(Input):
    """The line that is typed."""

    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.REPL)

    def __init__(self, repl: Repl) -> None:
        super().__init__(placeholder=_HINT, select_on_focus=False)
        self._repl = repl

    def action_history(self, by: int) -> None:
        """What was typed before, or after."""
        self._repl.recall(by)

    def action_complete(self) -> None:
        """Complete what stands before the cursor; with nothing there, go to the next pane."""
        if self.value.strip():
            self._repl.complete()
        else:
            self._repl.post_message(Repl.Left(1))

    def action_escape(self) -> None:
        """Break off what is evaluated; else leave."""
        self._repl.escape()


class Repl(Vertical):
    """Output above, the line below."""

    DEFAULT_CSS = """
    Repl RichLog { height: 1fr; background: $surface; scrollbar-size: 1 1; }
    Repl Input { height: 1; border: none; padding: 0; background: $panel; }
    Repl Input:focus { border: none; background: $primary 25%; }
    """

    class Left(Message):
        """Somebody goes to another pane: 1 to the next, -1 to the one before."""

        def __init__(self, step: int) -> None:
            self.step = step
            super().__init__()

    def __init__(
        self,
        evaluate: Callable[[str], Awaitable[Variable]],
        complete: Callable[[str, int], Awaitable[list[tuple[str, int, int]]]],
        cancel: Callable[[], Awaitable[bool]],
    ) -> None:
        """Make it.

        Args:
            evaluate: gives the value of what is typed.
            complete: gives (word, where it begins, how much it replaces) for a line and its cursor.
            cancel: breaks off what is evaluated; whether there was anything.
        """
        super().__init__()
        self.history: list[str] = []
        self.said: list[str] = []
        """The lines of the output, as text."""
        self._evaluate, self._complete, self._cancel = evaluate, complete, cancel
        self._back = 0
        self._is_busy = False

    def compose(self) -> ComposeResult:
        """See `Widget`."""
        log = RichLog(max_lines=_MOST_LINES, wrap=True, markup=False, highlight=False)
        log.can_focus = False
        yield log
        yield ReplInput(self)

    def say(self, text: str, style: str = "") -> None:
        """Show a text."""
        for line in text.rstrip("\n").split("\n"):
            self.said.append(line)
            self.query_one(RichLog).write(Text(printable(line), style=style))
        del self.said[:-_MOST_LINES]

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Evaluate what is typed."""
        event.stop()
        text = event.value.strip()
        if not text or self._is_busy:
            return
        event.input.value = ""
        if not self.history or self.history[-1] != text:
            self.history.append(text)
            del self.history[:-_MOST_HISTORY]
        self._back = 0
        self.say(f">>> {text}", "bold")
        self.run_worker(self._run(text), group="repl")

    async def _run(self, text: str) -> None:
        self._is_busy = True
        try:
            found = await self._evaluate(text)
        except ClientError as error:
            self.say(str(error), "red")
        else:
            if found.text:
                self.say(found.text)
        finally:
            self._is_busy = False

    def recall(self, by: int) -> None:
        """Put what was typed before into the line."""
        self._back = max(0, min(len(self.history), self._back - by))
        line = self.query_one(Input)
        line.value = self.history[-self._back] if self._back else ""
        line.cursor_position = len(line.value)

    def complete(self) -> None:
        """Ask what the line could go on with."""
        self.run_worker(self._completed(), group="completion", exclusive=True)

    async def _completed(self) -> None:
        line = self.query_one(Input)
        text, column = line.value, line.cursor_position
        try:
            found = await self._complete(text, column)
        except ClientError as error:
            self.say(str(error), "red")
            return
        if not found or line.value != text:
            return
        _, start, length = found[0]
        common = _common([word for word, _, _ in found])
        if len(found) > 1 and len(common) <= length:
            self.say("  ".join(word for word, _, _ in found[:50]), "dim")
            return
        line.value = text[:start] + common + text[start + length :]
        line.cursor_position = start + len(common)

    def escape(self) -> None:
        """Break off what is evaluated; if nothing is, go to the pane before."""
        if self._is_busy:
            self.run_worker(self._cancelled(), group="cancel")
        else:
            self.post_message(self.Left(-1))

    async def _cancelled(self) -> None:
        try:
            await self._cancel()
        except ClientError as error:
            self.say(str(error), "red")


def _common(words: list[str]) -> str:
    """What all words begin with."""
    first, last = min(words), max(words)
    length = next((at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), None)
    return first[: min(len(first), len(last)) if length is None else length]

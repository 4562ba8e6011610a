"""The watches pane: expressions, evaluated again at each stop. It must not know the debugger."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.message import Message

from tracedbg.dap.client import ClientError
from tracedbg_tui import keys
from tracedbg_tui.answers import Variable
from tracedbg_tui.debug.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.binding import BindingType

_HINT = "a adds an expression, w in the variables a value"


class WatchesPane(Lines):
    """Shows each expression with its value, or why it has none."""

    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.WATCHES)

    class Asked(Message):
        """An expression is to be typed; of the watch that it replaces, or a new one's."""

        def __init__(self, old: str = "") -> None:
            self.old = old
            super().__init__()

    class Inspected(Message):
        """Somebody wants to see a tensor."""

        def __init__(self, variable: Variable) -> None:
            self.variable = variable
            super().__init__()

    class Changed(Message):
        """There are other expressions."""

    def __init__(
        self,
        evaluate: Callable[[str], Awaitable[Variable]],
    ) -> None:
        """Make it, without expressions.

        Args:
            evaluate: gives the value of one in the frame that is looked at.
        """
        super().__init__()
        self.expressions: list[str] = []
        self._evaluate = evaluate
        self._values: dict[str, Variable | str] = {}

    def put(self, new: str, old: str = "") -> None:
        """Add an expression, or put it in the place of another."""
        new = new.strip()
        if old in self.expressions:
            place = self.expressions.index(old)
            self.expressions[place : place + 1] = [new] if new and new not in self.expressions else []
        elif new and new not in self.expressions:
            self.expressions.append(new)
        self.post_message(self.Changed())
        self.reload()

    async def evaluate_all(self) -> None:
        """Ask again for all values."""
        for expression in tuple(self.expressions):
            try:
                self._values[expression] = await self._evaluate(expression)
            except ClientError as error:
                self._values[expression] = str(error).splitlines()[0] if str(error) else "failed"
        self.refresh()

    def forget_values(self) -> None:
        """The program runs."""
        self._values.clear()
        self.refresh()

    def value(self, expression: str) -> Variable | str | None:
        """That of an expression, or why it has none; None if nobody has asked."""
        return self._values.get(expression)

    def count(self) -> int:
        """See `Lines`; the same for the methods below."""
        return len(self.expressions) or 1

    def draw(self, index: int, width: int) -> list[Segment]:  # noqa: ARG002, D102
        if not self.expressions:
            return [Segment(_HINT, self.style_of("dim"))]
        expression = self.expressions[index]
        segments = [Segment(expression, self.style_of("name")), Segment(" = ", self.style_of("dim"))]
        value = self._values.get(expression)
        if isinstance(value, Variable):
            return [*segments, Segment(value.text, self.style_of("value"))]
        return [*segments, Segment(value or "", self.style_of("note"))]

    @property
    def expression(self) -> str:
        """The one at the cursor; empty if there is none."""
        return self.expressions[self.cursor] if self.cursor < len(self.expressions) else ""

    def action_add(self) -> None:
        """Type a new one."""
        self.post_message(self.Asked())

    def action_edit(self) -> None:
        """Type another in the place of the one at the cursor."""
        self.post_message(self.Asked(self.expression))

    def action_delete(self) -> None:
        """Take out the one at the cursor."""
        if self.expression:
            self.put("", self.expression)

    def action_choose(self) -> None:
        """Inspect a tensor; edit anything else."""
        value = self._values.get(self.expression)
        if isinstance(value, Variable) and value.is_tensor:
            self.post_message(self.Inspected(value))
        else:
            self.action_edit()

"""What every command of the prompt has at hand: the stop, the current frame, the streams.

It must not know the commands.
"""

from __future__ import annotations

import cmd
from typing import TYPE_CHECKING, Any, ClassVar

from tracedbg.engine.inspector import Inspector
from tracedbg.engine.text import cut, escape
from tracedbg.prompt.command import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracedbg.debugging import FrameView
    from tracedbg.engine import Action, Stop
    from tracedbg.prompt.prompt import Prompt

_MOST_OF_AN_ERROR = 2000


class Base(cmd.Cmd):
    """A stopped thread at the prompt."""

    steps: ClassVar[frozenset[str]] = frozenset()
    """Commands that an empty line repeats."""

    def __init__(self, owner: Prompt, stop: Stop) -> None:
        super().__init__(stdin=owner.terminal.source, stdout=owner.terminal.sink)
        self.owner = owner
        self.engine = owner.engine
        self.stop = stop
        self.inspector = Inspector(stop, owner.engine.values)
        self.action: Action | None = None
        """How to go on, once a command has said so."""
        self.current = 0
        """The frame that expressions are evaluated in."""
        self.listed: int | None = None
        """The last line that `list` has shown."""

    @property
    def frames(self) -> list[FrameView]:
        """The stack, innermost first."""
        return list(self.inspector.frames)

    @property
    def frame(self) -> FrameView:
        """The current one.

        Raises:
            CommandError: there is none.
        """
        if not self.frames:
            raise CommandError("there is no frame here")
        return self.frames[self.current]

    def write(self, lines: str | Iterable[str]) -> None:
        """Say something."""
        text = lines if isinstance(lines, str) else "\n".join(lines)
        if text:
            self.owner.terminal.write(text)

    def complain(self, text: str) -> None:
        """Say what is wrong, as pdb does."""
        lines = [escape(line) for line in cut(text, _MOST_OF_AN_ERROR).splitlines()] or [""]
        self.write(self.owner.terminal.paint("*** " + "\n    ".join(lines), "red"))

    def go(self, action: Action) -> bool:
        """Leave the prompt."""
        self.action = action
        return True

    def value(self, text: str) -> Any:
        """The value of an expression in the current frame.

        Raises:
            CommandError: it has no value, or is none.
        """
        if not text.strip():
            raise CommandError("an expression is missing")
        try:
            return self.inspector.value(text, self.at(self.frame))
        except CommandError:
            raise
        except (Exception, SystemExit) as error:
            raise CommandError(failure(error)) from error

    def at(self, frame: FrameView) -> int:  # noqa: ARG002  `frame` has been looked up: there is one
        """The number of the current frame."""
        return self.current

    def whole(self, text: str, what: str) -> int:
        """A number that was typed.

        Raises:
            CommandError: it is none.
        """
        try:
            return int(text)
        except ValueError:
            raise CommandError(f"{what} must be a number, not {text!r}") from None


def failure(error: BaseException) -> str:
    """An exception of the user's code, as pdb writes it."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001  the user's own class
        text = "(its text cannot be shown)"
    name = type(error).__name__
    return f"{name}: {text}" if text else name

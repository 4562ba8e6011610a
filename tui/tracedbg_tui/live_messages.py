"""What happens to a program that is debugged, as messages to whoever listens to `Live`.

They do not bubble: the application and the panes listen each for itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from tracedbg_tui.answers import Stop


class Ready(Message, bubble=False):
    """The program waits to begin: `Live.begin`."""


class Stopped(Message, bubble=False):
    """A thread stands still."""

    def __init__(self, at: Stop) -> None:
        self.at = at
        super().__init__()


class Running(Message, bubble=False):
    """A thread goes on, or the program has begun."""

    def __init__(self, thread: int) -> None:
        self.thread = thread
        super().__init__()


class Exited(Message, bubble=False):
    """The debugger is gone, and the program with it or without it."""


class Responding(Message, bubble=False):
    """The program has stopped answering, or answers again."""

    def __init__(self, *, is_responding: bool) -> None:
        self.is_responding = is_responding
        super().__init__()


class BreakpointsChanged(Message, bubble=False):
    """The user has changed breakpoints, or the debugger has bound or moved one."""


class ValuesChanged(Message, bubble=False):
    """Values of a thread that stands still are not what was shown."""


class Output(Message, bubble=False):
    """The program, or the debugger, has said something."""

    def __init__(self, text: str, category: str) -> None:
        self.text = text
        self.category = category
        super().__init__()


class Log(Message, bubble=False):
    """A log point has said something."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__()


class Refused(Message, bubble=False):
    """Something that nobody waits for was not done; the text says why."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__()

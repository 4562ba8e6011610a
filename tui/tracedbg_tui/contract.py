"""What the parts of the interface know of one another, and no more.

The program that runs, the debugger in it and its recording come from three modules; screens see them only
through what stands here, so that a fake of each can take its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from textual.message import Message

if TYPE_CHECKING:
    import socket


@dataclass(frozen=True)
class Ended:
    """How the program has ended."""

    exit_code: int | None
    signal: int | None


class Program(Protocol):
    """The user's program, under a terminal of its own (or elsewhere: then there is no terminal)."""

    title: str
    """As a person would name it: `train.py --lr 1`."""
    folder: str
    """Of the run."""
    terminal: int | None
    """Descriptor of our end of the program's terminal."""
    connection: socket.socket | None
    """To the debugger in it; None if it is not debugged."""

    @property
    def pid(self) -> int | None:
        """Of the program; None where it is not ours to know."""

    @property
    def ended(self) -> Ended | None:
        """How it has ended; None while it runs."""

    def resize(self, rows: int, columns: int) -> None:
        """Tell its terminal how large it is."""

    def signal(self, number: int) -> None:
        """Send it a signal."""


class Goto(Message):
    """Somebody wants to see a line: the source pane shows it."""

    def __init__(self, file: str, line: int) -> None:
        self.file = file
        self.line = line
        super().__init__()


class ShowFunction(Message):
    """Somebody wants to see the traces of a function, by its key in the recording."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__()


class ProgramEnded(Message):
    """The program has ended."""

    def __init__(self, ended: Ended) -> None:
        self.ended = ended
        super().__init__()

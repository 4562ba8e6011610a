"""What the supervising process and the interface tell one another. It must not load Textual."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

END = 0
"""The interface's exit code: the program is to end, if it has not."""
LEAVE = 3
"""The interface's exit code: the program goes on, and its output is shown."""


@dataclass(frozen=True)
class Wires:
    """What the interface has of a program."""

    pid: int
    screen: socket.socket
    """Its output comes from there, and what is typed for it goes there."""
    news: socket.socket
    """How it has ended comes from there; a byte that goes there is a signal for it."""
    terminal: int
    """Descriptor of our end of its terminal, to resize it."""
    connection: socket.socket | None
    """To the debugger in it."""


def encode_end(exit_code: int, signal: int | None) -> bytes:
    """How the program has ended."""
    return json.dumps([exit_code, signal]).encode()


def decode_end(data: bytes) -> tuple[int, int | None]:
    """(exit code, signal) of what `encode_end` has made."""
    exit_code, signal = json.loads(data)
    return exit_code, signal

"""The user's terminal, as the process has it that outlives the interface. It must not load Textual."""

from __future__ import annotations

import os
import termios
import tty
from contextlib import suppress

DRAWS_ON = 2
"""The descriptor that the interface draws on."""
_LEAVE_SCREEN = b"\x1b[?1049l"
_RESTORE = (
    b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1016l"  # the mouse
    b"\x1b[?1004l\x1b[?2004l\x1b[?2026l\x1b[?2048l"  # focus, paste, synchronised output, resizing
    b"\x1b[<u\x1b[?7h\x1b[?25h\x1b[0m"  # keys, wrapping, cursor, colours
)


class Terminal:
    """The user's terminal: as it was, and as it is to be again."""

    def __init__(self) -> None:
        self.is_gone = False
        self.attributes: list[object] | None = None
        with suppress(termios.error, OSError):
            self.attributes = termios.tcgetattr(0)

    def restore(self, *, was_killed: bool) -> None:
        """Have it as it was.

        Args:
            was_killed: whether the interface could not even leave its screen.
        """
        if self.is_gone:
            return
        with suppress(OSError, termios.error):
            os.write(DRAWS_ON, _LEAVE_SCREEN + _RESTORE if was_killed else _RESTORE)
            is_ours = os.tcgetpgrp(0) == os.getpgrp()  # else the shell has it, and sees to it
            if self.attributes is not None and is_ours:
                termios.tcsetattr(0, termios.TCSADRAIN, self.attributes)  # type: ignore[arg-type]

    def make_raw(self) -> None:
        """Hand on each key as it is typed: another terminal makes something of it."""
        with suppress(OSError, termios.error):
            tty.setraw(0)

    def leave(self) -> None:
        """It has gone: nobody can read what we have to say."""
        self.is_gone = True
        nowhere = os.open(os.devnull, os.O_RDWR)
        for one in (0, 1, 2):
            os.dup2(nowhere, one)
        os.close(nowhere)

"""Runs commands in a terminal, reads all that they show, and says when the first frame came."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import subprocess
import sys
import termios
import time

ROWS, COLUMNS = 40, 120
READ_BYTES = 1 << 16
PATIENCE_S = 60.0
ALTERNATE = b"\x1b[?1049h"
SOMETHING = b"\x1b[1;1H"
"""Textual begins each frame there; what it writes before asks the terminal for its abilities."""
_IN_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""


class InTerminal:
    """A command in a terminal of its own, which the benchmark reads."""

    def __init__(self, *command: str, cwd: str | None = None) -> None:
        self.terminal, slave = os.openpty()
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        dropped = ("COLUMNS", "LINES", "CI", "NO_COLOR")
        environment = {name: text for name, text in os.environ.items() if name not in dropped}
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-S", "-c", _IN_TERMINAL, *command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=cwd,
            env={**environment, "TERM": "xterm-256color"},
            start_new_session=True,
        )
        os.close(slave)
        self.seen = b""

    def read_until(self, holds) -> float:
        """Read until `holds()`; seconds since the start."""
        deadline = self.started + PATIENCE_S
        while not holds():
            if time.perf_counter() > deadline:
                raise TimeoutError(self.seen[-2000:])
            ready, _, _ = select.select([self.terminal], [], [], 0.01)
            if ready:
                try:
                    data = os.read(self.terminal, READ_BYTES)
                except OSError:
                    break
                self.seen = (self.seen + data)[-READ_BYTES * 8 :]
        return self.elapsed_s()

    def elapsed_s(self) -> float:
        return time.perf_counter() - self.started

    def press(self, keys: bytes) -> None:
        os.write(self.terminal, keys)

    def end(self) -> None:
        self.process.terminate()
        self.read_until(lambda: self.process.poll() is not None)
        os.close(self.terminal)


def first_frame_s(*command: str, cwd: str | None = None) -> float:
    """Seconds from the start to the first frame of a Textual application."""
    started = InTerminal(*command, cwd=cwd)
    try:
        return started.read_until(lambda: SOMETHING in started.seen.partition(ALTERNATE)[2])
    finally:
        started.end()

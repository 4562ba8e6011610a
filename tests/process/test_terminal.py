"""Ctrl-C typed at a real terminal, while a program trains: once, and again."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time

import pytest

from process.compare import TIMEOUT_S, clean_environment
from process.levels import LEVELS
from process.test_signals import IN_TERMINAL

CTRL_C = b"\x03"
TRIES = 2
PATIENCE_S = 6
BESIDE = (" ", "I0000 ", "WARNING: All log messages")
"""How lines begin that tell where the program was, or are TensorFlow's own with the time."""


class Terminal:
    """A program that has a terminal for itself, and what it has shown there."""

    def __init__(self, lab, command: list[str]) -> None:
        self.shown = b""
        self._ours, theirs = os.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", IN_TERMINAL, *command],
            cwd=lab.folder,
            env={**clean_environment(), "TF_CPP_MIN_LOG_LEVEL": "3"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def wait_for(self, word: bytes) -> None:
        while word not in self.shown:
            assert self._read(), self.shown.decode(errors="replace")

    def interrupt(self, answer: bytes) -> None:
        """Type Ctrl+C, again where it is lost: torch loses one in a thousand here without us, as the program says."""
        for _ in range(TRIES):
            self.type(CTRL_C)
            until = time.monotonic() + PATIENCE_S
            while time.monotonic() < until and select.select([self._ours], [], [], PATIENCE_S)[0]:
                is_over = not self._read()
                if answer in self.shown:
                    return
                assert not is_over, self.shown.decode(errors="replace")
        pytest.fail(self.shown.decode(errors="replace"))

    def type(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    def end(self) -> int:
        while self._read():
            pass
        os.close(self._ours)
        return self.process.wait(TIMEOUT_S)

    def _read(self) -> bytes:
        try:
            some = os.read(self._ours, 1 << 16)
        except OSError:  # nobody has the terminal open any more
            some = b""
        self.shown += some
        return some


def interrupted_twice(lab, command: list[str]) -> tuple[int, list[str]]:
    """How it ended, and what it has shown but for the traceback, which is of where it was."""
    terminal = Terminal(lab, command)
    terminal.wait_for(b"True True True\r\n")
    terminal.interrupt(b"goes on\r\n")
    terminal.interrupt(b"twice")
    code = terminal.end()
    shown = terminal.shown.decode().replace("^C", "")
    lines = [line for line in shown.splitlines() if line and not line.startswith(BESIDE)]
    return code, lines


@pytest.mark.parametrize(
    "framework",
    [
        pytest.param("torch", marks=pytest.mark.torch),
        pytest.param("tensorflow", marks=pytest.mark.tensorflow),
    ],
)
def test_ctrl_c_at_a_terminal_interrupts_a_training_as_it_would_alone(levels, framework):
    program = ["interrupted_loop.py", framework]
    plain = interrupted_twice(levels.lab, levels.lab.plain_command(program, []))
    code, lines = plain
    assert code < 0
    assert "ready True True True" in lines
    assert lines[-1] == "KeyboardInterrupt"
    for level in ("default", "ops"):
        traced, _ = levels.lab.traced_command(program, [], [*LEVELS[level], "--quiet"])
        assert interrupted_twice(levels.lab, traced) == plain, level

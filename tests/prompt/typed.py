"""A program at a real terminal, and somebody who types when the prompt is there."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import warnings

PROMPT = "(tracedbg) "
CONTROLS = re.compile(r"\x1b\[\?2004[hl]\r?")  # readline says that it wants pastes in brackets
TIMEOUT_S = 240


def type_at(words, lines, *, cwd, environment=None):
    """Everything that stands on the terminal in the end, and the exit code.

    Args:
        words: the command.
        lines: typed one by one, each at a prompt; then Ctrl-D at each further one.
        cwd: where it runs.
        environment: what is different from ours.
    """
    near, far = pty.openpty()
    fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
    settings = {**os.environ, "TERM": "dumb", "PYTHONUNBUFFERED": "1", **(environment or {})}
    settings.pop("COLUMNS", None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fork beside the threads of frameworks
        program = subprocess.Popen(
            words, stdin=far, stdout=far, stderr=far, cwd=cwd, env=settings, start_new_session=True
        )
    os.close(far)
    waiting = list(lines)
    seen, since = "", 0
    with contextlib.suppress(OSError):  # Linux reports the end so
        while data := os.read(near, 65536):
            seen += data.decode()
            if CONTROLS.sub("", seen[since:]).endswith(PROMPT):
                since = len(seen)
                os.write(near, f"{waiting.pop(0)}\n".encode() if waiting else b"\x04")
    os.close(near)
    return CONTROLS.sub("", seen).replace("\r\n", "\n"), program.wait(TIMEOUT_S)


def debug(*options):
    """The words of `tracedbg run` without a report."""
    return [sys.executable, "-m", "tracedbg", "run", "--no-tui", "--quiet", *options]

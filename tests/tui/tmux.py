"""A real terminal for tests: a tmux server of its own, whose screen is read and whose keys are typed."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable

TIMEOUT_S = 120.0
_LOOK_S = 0.05
_PROMPT = "ready>"


class Tmux:
    """A shell in a terminal. Use it in a `with` block."""

    def __init__(self, cwd: str, columns: int = 100, rows: int = 30) -> None:
        self._folder = tempfile.mkdtemp(prefix="tracedbg-tmux-")
        self._socket = os.path.join(self._folder, "s")
        start = os.path.join(self._folder, "rc")
        with open(start, "w", encoding="utf-8") as file:
            file.write(f"PS1='{_PROMPT}'\nHISTFILE=\n")
        dropped = ("TMUX", "COLUMNS", "LINES", "CI", "NO_COLOR", "PYTHONPATH")
        self._environment = {name: text for name, text in os.environ.items() if name not in dropped}
        self._environment |= {"TERM": "xterm-256color", "LANG": "C.UTF-8"}
        self._do(
            "-f",
            os.devnull,
            *("new-session", "-d", "-x", str(columns), "-y", str(rows), "-c", cwd),
            f"bash --noprofile --rcfile {start}",
        )
        self.wait_for(_PROMPT)

    def __enter__(self) -> Tmux:
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(self._command("kill-server"), capture_output=True, check=False)
        shutil.rmtree(self._folder)

    def run(self, *command: str) -> None:
        """Have the shell run a command, and say its exit code."""
        self.type("clear; " + shlex.join(command) + '; echo "rc:$?"')
        self.press("Enter")

    def type(self, text: str) -> None:
        self._do("send-keys", "-l", text)

    def press(self, *keys: str) -> None:
        """Keys as tmux names them: `Enter`, `C-c`, `Tab`."""
        self._do("send-keys", *keys)

    def resize(self, columns: int, rows: int) -> None:
        self._do("resize-window", "-x", str(columns), "-y", str(rows))

    def screen(self) -> str:
        return self._do("capture-pane", "-p")

    @property
    def is_alternate(self) -> bool:
        """Whether a program shows a screen of its own."""
        return self._do("display-message", "-p", "#{alternate_on}").strip() == "1"

    @property
    def has_mouse(self) -> bool:
        """Whether a program has asked for the mouse."""
        return self._do("display-message", "-p", "#{mouse_any_flag}").strip() == "1"

    def wait_for(self, text: str, timeout_s: float = TIMEOUT_S) -> str:
        """The screen as soon as it shows `text`."""
        return self.wait_until(lambda screen: text in screen, repr(text), timeout_s)

    def wait_until(self, holds: Callable[[str], bool], what: str = "it", timeout_s: float = TIMEOUT_S) -> str:
        deadline = time.monotonic() + timeout_s
        while not holds(screen := self.screen()):
            assert time.monotonic() < deadline, f"waited {timeout_s:g} s for {what}:\n{screen}"
            time.sleep(_LOOK_S)
        return screen

    def vanish(self) -> None:
        """Be gone, as a terminal window that is closed."""
        self._do("kill-server")

    def _command(self, *words: str) -> list[str]:
        return ["tmux", "-u", "-S", self._socket, *words]

    def _do(self, *words: str) -> str:
        done = subprocess.run(
            self._command(*words), env=self._environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def is_there(pid: int) -> bool:
    """Whether a process lives; a zombie does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except FileNotFoundError:
        return False


def wait_until_gone(*pids: int, timeout_s: float = TIMEOUT_S) -> None:
    deadline = time.monotonic() + timeout_s
    while left := [pid for pid in pids if is_there(pid)]:
        assert time.monotonic() < deadline, f"still there: {left}"
        time.sleep(_LOOK_S)

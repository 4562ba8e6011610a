"""The program that was launched: as a child whose output is read, or in a terminal of the editor's.

It must not know the protocol.
"""

from __future__ import annotations

import codecs
import json
import os
import signal
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping, Sequence

_SIGNAL_BASE = 128
_READ_BYTES = 1 << 16
_LINGER_S = 1.0
"""How long the last output is waited for: what the program has left behind may hold the pipe open."""


@dataclass(frozen=True)
class Ended:
    """How the program ended."""

    exit_code: int
    """As a shell sees it: 128 + n for signal n."""
    signal: int | None = None

    @property
    def text(self) -> str:
        """For a person; empty where the exit code says it all."""
        if self.signal is None:
            return ""
        with suppress(ValueError):
            return f"the program was killed by {signal.Signals(self.signal).name}"
        return f"the program was killed by signal {self.signal}"


class Program(Protocol):
    """A program that runs."""

    def send_signal(self, number: int) -> None:
        """Send it a signal; nothing happens if it has ended."""

    def wait(self) -> Ended:
        """Return when it has ended. To be called in one thread only."""

    def release(self) -> None:
        """Let it go on without us."""


class Piped:
    """A child in a session of its own, without a terminal: what it writes is handed on."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        cwd: str,
        descriptor: int | None,
        show: Callable[[str, str], None],
    ) -> None:
        """Start it.

        Args:
            command: executable and arguments.
            environment: all of it.
            cwd: where.
            descriptor: is inherited under the same number.
            show: called with `stdout` or `stderr` and some text of it, in any thread.

        Raises:
            OSError: it cannot be started.
        """
        self._process = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=cwd,
            pass_fds=() if descriptor is None else (descriptor,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._show = show
        streams = {"stdout": self._process.stdout, "stderr": self._process.stderr}
        self._pumps = [
            threading.Thread(target=self._pump, args=(name, stream), daemon=True)
            for name, stream in streams.items()
        ]
        for pump in self._pumps:
            pump.start()

    def send_signal(self, number: int) -> None:
        """See `Program`; the same for the methods below."""
        self._process.send_signal(number)

    def wait(self) -> Ended:  # noqa: D102
        code = self._process.wait()
        for pump in self._pumps:
            pump.join(_LINGER_S)
        return Ended(_SIGNAL_BASE - code, -code) if code < 0 else Ended(code)

    def release(self) -> None:  # noqa: D102
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None and self._process.poll() is None:
                # Somebody has to read on: a write to a pipe without readers would end the program.
                subprocess.Popen(
                    ["cat"],
                    stdin=stream,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )

    def _pump(self, name: str, stream: IO[bytes]) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while data := os.read(stream.fileno(), _READ_BYTES):
            if text := decoder.decode(data):
                self._show(name, text)
        if text := decoder.decode(b"", final=True):
            self._show(name, text)


class InTerminal:
    """A program in a terminal that is not ours: `cli.dap` runs there as its parent, and reports to us."""

    def __init__(self, connection: socket.socket) -> None:
        """Take over the connection to the program's parent.

        Raises:
            OSError: it is gone already.
        """
        self._reports = connection.makefile("r", encoding="utf-8")
        self._parent = int(self._reports.readline() or 0)
        self._is_over = not self._parent
        self.pid: int | None = None
        """The program's own, once it is known."""

    def send_signal(self, number: int) -> None:
        """See `Program`; the same for the methods below."""
        # The parent passes on what it gets; it cannot do so with what kills it.
        pid = self.pid if number == signal.SIGKILL else self._parent
        if pid and not self._is_over:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def wait(self) -> Ended:  # noqa: D102
        try:
            line = self._reports.readline()
        except OSError:
            line = ""
        self._is_over = True
        if not line:  # the terminal was closed, and its processes with it
            return Ended(_SIGNAL_BASE + signal.SIGHUP, signal.SIGHUP)
        report = json.loads(line)
        return Ended(report["exit_code"], report["signal"])

    def release(self) -> None:  # noqa: D102
        self._is_over = True

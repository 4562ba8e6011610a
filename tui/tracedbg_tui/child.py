"""Starts a program under a terminal of its own.

Two processes: a leader of the terminal's session, and the program as its child. The leader stays until we let
it go, so that the end of the program hangs up nothing that the program has left behind, as in a shell. It
must not know what the program is observed for, and not load Textual: see `supervise`.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import struct
import termios
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SIZE = struct.Struct("HHHH")
_NUMBER = struct.Struct("=i")
_TO_DEFAULT = (signal.SIGPIPE, signal.SIGXFSZ)  # Python ignores them: the program shall choose itself
_NO_EXECUTABLE = 127


def terminal_size(descriptor: int) -> tuple[int, int] | None:
    """(rows, columns) of a terminal; None if it does not say."""
    with suppress(OSError):
        rows, columns, _, _ = _SIZE.unpack(fcntl.ioctl(descriptor, termios.TIOCGWINSZ, bytes(_SIZE.size)))
        if rows and columns:
            return rows, columns
    return None


def resize(descriptor: int, rows: int, columns: int) -> None:
    """Tell a terminal how large it is; the programs in it are told by the system."""
    with suppress(OSError):  # nobody has it open any more
        fcntl.ioctl(descriptor, termios.TIOCSWINSZ, _SIZE.pack(rows, columns, 0, 0))


class Child:
    """A program that runs under a terminal of its own."""

    def __init__(
        self,
        command: list[str],
        environment: Mapping[str, str],
        size: tuple[int, int],
        descriptor: int | None = None,
        attributes: list[object] | None = None,
    ) -> None:
        """Start it.

        Args:
            command: executable (a full path) and arguments.
            environment: all of it.
            size: rows and columns of its terminal.
            descriptor: is inherited under the same number.
            attributes: of its terminal, as `termios.tcgetattr` gives them.

        Raises:
            OSError: it cannot be started.
        """
        self.terminal, slave = os.openpty()
        """Our end."""
        resize(self.terminal, *size)
        if attributes is not None:
            termios.tcsetattr(slave, termios.TCSANOW, attributes)  # type: ignore[arg-type]
        _disable_suspend(slave)

        def execute() -> None:
            if descriptor is not None:
                os.set_inheritable(descriptor, True)
            os.execve(command[0], command, environment)  # noqa: S606  the user's program

        self._told, telling = os.pipe()
        failed, failing = os.pipe()
        letting_go, self._life = os.pipe()
        self._leader = os.fork()
        if not self._leader:
            try:
                _lead(slave, _Pipes(telling, failing, letting_go), execute)
            finally:
                os._exit(0)
        for one in (slave, telling, failing, letting_go):
            os.close(one)
        self.status: int | None = None
        """As `os.waitpid` gives it; None while it runs."""
        self.pid = _read_number(self._told) or 0
        error = _read_number(failed)  # the end of the pipe if it has been started
        os.close(failed)
        if error is not None or not self.pid:
            self.close()
            raise OSError(error or errno.EAGAIN, os.strerror(error or errno.EAGAIN))

    def fileno(self) -> int:
        """Readable when the program has ended: then call `collect`."""
        return self._told

    def collect(self) -> None:
        """Take notice of its end."""
        status = _read_number(self._told)
        # Somebody has killed the leader: the terminal is hung up, and the program is told so by the system.
        self.status = signal.SIGHUP if status is None else status

    def signal(self, number: int) -> None:
        """Send the program itself a signal; nothing happens if it has ended."""
        if self.status is None:  # the pid is its own until we let the leader go
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def signal_all(self, number: int) -> None:
        """Send it to the program and what it has started, as a terminal would."""
        if self.status is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def close(self) -> None:
        """Let its terminal go. What still runs in it goes on without one."""
        os.close(self._life)
        with suppress(ChildProcessError):
            os.waitpid(self._leader, 0)
        os.close(self._told)
        os.close(self.terminal)


def _read_number(pipe: int) -> int | None:
    data = os.read(pipe, _NUMBER.size)
    return _NUMBER.unpack(data)[0] if data else None


def _disable_suspend(slave: int) -> None:
    """Ctrl-Z would stop the program, and there is no shell to wake it."""
    attributes = termios.tcgetattr(slave)
    attributes[6][termios.VSUSP] = b"\0"
    termios.tcsetattr(slave, termios.TCSANOW, attributes)


# --- in the leader ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Pipes:
    telling: int
    """Who is started, and how it has ended."""
    failing: int
    """Why it could not be started."""
    letting_go: int
    """Ends when the leader may go."""


def _lead(slave: int, pipes: _Pipes, execute: Callable[[], object]) -> None:
    """Be the leader of the terminal's session, until it is let go."""
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for one in (0, 1, 2):
        os.dup2(slave, one)
    pid = os.fork()
    if not pid:
        try:
            _become(pipes, execute)
        finally:
            os._exit(_NO_EXECUTABLE)
    kept = sorted((pipes.telling, pipes.letting_go))
    for low, high in zip([2, *kept], [*kept, os.sysconf("SC_OPEN_MAX")], strict=True):
        os.closerange(low + 1, high)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    _tell_end(pipes.telling, pid)
    os.read(pipes.letting_go, 1)
    os.tcsetpgrp(0, os.getpgrp())  # our end hangs up the foreground: nobody but us


def _become(pipes: _Pipes, execute: Callable[[], object]) -> None:
    os.setpgid(0, 0)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # only who is in the foreground may name who is
    os.tcsetpgrp(0, os.getpid())
    for number in (signal.SIGTTOU, *_TO_DEFAULT):
        signal.signal(number, signal.SIG_DFL)
    os.write(pipes.telling, _NUMBER.pack(os.getpid()))
    try:
        execute()
    except OSError as error:
        os.write(pipes.failing, _NUMBER.pack(error.errno or errno.ENOEXEC))


def _tell_end(telling: int, pid: int) -> None:
    """Wait for the program, and tell how it has ended; it stays a zombie, so that its pid stays its own."""
    if hasattr(os, "waitid"):
        found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        is_exit = found is not None and found.si_code == os.CLD_EXITED
        status = found.si_status if found is not None else 0
        os.write(telling, _NUMBER.pack(status << 8 if is_exit else status))
    else:
        os.write(telling, _NUMBER.pack(os.waitpid(pid, 0)[1]))

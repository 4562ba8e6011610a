"""Runs the user's program as a child that nobody notices to be one.

It shares our standard streams, terminal and process group, so that the terminal's Ctrl-C, Ctrl-Z
and hang-up reach it by themselves. We stay until it has ended, pass on what another process sends
to us alone, and end as it has ended. It must not know what the program is observed for.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_FROM_TERMINAL = (signal.SIGINT, signal.SIGQUIT)
_PASSED_ON = (*_FROM_TERMINAL, signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
_BY_KERNEL = 0x80
"""`si_code` of a signal that the terminal made (SI_KERNEL in Linux' asm-generic/siginfo.h)."""
_SIGNAL_BASE = 128
_SETTLED_S = 0.2
_GRACE_S = 0.1


class Ended:
    """How the program ended."""

    def __init__(self, status: int) -> None:
        code = os.waitstatus_to_exitcode(status)
        self.signal = -code if code < 0 else None
        self.exit_code = _SIGNAL_BASE - code if code < 0 else code
        """As a shell sees it: 128 + n for signal n."""


def run_program(
    command: list[str],
    environment: Mapping[str, str],
    meanwhile: Callable[[], object] = lambda: None,
    started: Callable[[int], object] = lambda _: None,
) -> Ended:
    """Run `command` to its end.

    Args:
        command: executable (a full path) and arguments.
        environment: the child's whole environment.
        meanwhile: called once when the program has been running for a moment, so that it neither
            competes with its start nor holds up the end of a short one.
        started: called at once, with the number of the process.

    Raises:
        OSError: it could not be started.
    """
    # Blocked rather than handled: nothing can interrupt us between any two steps, and a signal
    # that was ignored when we began (`nohup`) stays ignored, here and in the child.
    old_handler = signal.signal(signal.SIGCHLD, lambda *_: None)
    signals = {*_PASSED_ON, signal.SIGCHLD}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        pid = os.posix_spawn(
            command[0],
            command,
            environment,
            setsigmask=before,
            setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],  # Python ignores them: the child shall choose itself
        )
        started(pid)
        return Ended(_wait(pid, signals, meanwhile))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        signal.signal(signal.SIGCHLD, old_handler)


def _wait(pid: int, signals: set[signal.Signals], meanwhile: Callable[[], object]) -> int:
    patience_s: float | None = _SETTLED_S
    while True:
        came = _next_signal(signals, patience_s)
        if came is None:
            patience_s = None
            meanwhile()
            continue
        number, has_it = came
        is_ours_to_pass_on = number != signal.SIGCHLD and not has_it
        if is_ours_to_pass_on:
            # Who signals our whole group (`timeout`, a batch system) has reached the program as well:
            # one that is ending is not to be hit again in its cleaning up.
            _next_signal({signal.SIGCHLD}, _GRACE_S)
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            while signal.sigpending() & signals:  # the Ctrl-C that ended it was meant for us no more
                signal.sigwait(signals)
            return status
        if is_ours_to_pass_on:
            os.kill(pid, number)  # not waited for yet: the pid is still the child's


def _next_signal(signals: set[signal.Signals], patience_s: float | None) -> tuple[int, bool] | None:
    """The next signal, and whether the terminal has sent it to the program as well; None if none comes."""
    if sys.platform != "linux":
        if patience_s is not None:  # macOS cannot wait for a time, nor tell who sent a signal
            return None
        number = signal.sigwait(signals)
        return number, number in _FROM_TERMINAL
    info = signal.sigwaitinfo(signals) if patience_s is None else signal.sigtimedwait(signals, patience_s)
    if info is None:
        return None
    # A terminal that vanishes tells the leader of its session only; Linux: tty_io.c, __tty_hangup.
    to_us_alone = info.si_signo == signal.SIGHUP and os.getsid(0) == os.getpid()
    return info.si_signo, info.si_code == _BY_KERNEL and not to_us_alone


def end_like(ended: Ended) -> int:
    """Die by the signal that the program died by; else return its exit code."""
    if ended.signal is None:
        return ended.exit_code
    import resource  # noqa: PLC0415  deferred: needed at no other end

    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))  # the program's core is the one that counts
    if ended.signal not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(ended.signal, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {ended.signal})
    os.kill(os.getpid(), ended.signal)
    return ended.exit_code  # as process 1 of a container we outlive it

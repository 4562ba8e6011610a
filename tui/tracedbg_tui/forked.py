"""The user interface as a process of its own: a fork that was made before Textual was loaded.

It ends when the process that looks after it does, and tells in a file what it dies of.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from typing import TYPE_CHECKING, NamedTuple

from tracedbg_tui.news import Wires

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracedbg_tui.child import Child
    from tracedbg_tui.terminal import Terminal


class Forked(NamedTuple):
    """Our ends of what leads to the interface."""

    pid: int
    screen: socket.socket
    """The program's output, and what is typed for it."""
    news: socket.socket
    life: socket.socket
    """Closed when we end, by whatever: the interface then ends as well."""


def fork_interface(
    show: Callable[[Wires | None], int],
    program: tuple[Child | None, socket.socket | None],
    terminal: Terminal,
    log: str,
    part: Callable[[], None],
) -> Forked:
    """Have `show` called in another process, whose exit code is what it returns.

    Args:
        show: see `supervise`.
        program: the program that is shown, and the connection to the debugger in it.
        terminal: is put back in order if this process dies.
        log: a file for what the interface dies of.
        part: is called in the new process, to part with what is the old one's.
    """
    child, connection = program
    parted, life = socket.socketpair()
    our_screen, screen = socket.socketpair()
    our_news, news = socket.socketpair()
    wires = Wires(child.pid, screen, news, child.terminal, connection) if child is not None else None
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    pid = os.fork()
    if not pid:
        code = 1
        try:
            part()
            for one in (our_screen, our_news, life):
                one.close()
            _leave_with(parted, terminal)
            code = _show(show, wires, log)
        finally:
            os._exit(code)
    for each in (parted, screen, news, connection):
        if each is not None:
            each.close()
    our_screen.setblocking(False)
    our_news.setblocking(False)
    return Forked(pid, our_screen, our_news, life)


def _leave_with(parted: socket.socket, terminal: Terminal) -> None:
    """End this process when the one that looks after it is gone: nobody else would tidy up the terminal."""

    def wait() -> None:
        parted.recv(1)
        terminal.restore(was_killed=True)
        os._exit(1)

    threading.Thread(target=wait, name="tracedbg-parted", daemon=True).start()


def _show(show: Callable[[Wires | None], int], wires: Wires | None, log: str) -> int:
    """Be the interface. What it dies of is told in `log`: the terminal is not there to be read."""
    import faulthandler  # noqa: PLC0415  deferred: only here

    with open(log, "w", encoding="utf-8") as file:
        faulthandler.enable(file)
        try:
            return show(wires)
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
        except BaseException:  # noqa: BLE001  whatever it is, the process ends here
            import traceback  # noqa: PLC0415  deferred: likewise

            traceback.print_exc(file=file)
        finally:
            faulthandler.disable()
    return 1

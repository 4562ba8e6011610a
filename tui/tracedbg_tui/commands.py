"""The commands that open the interface: `tracedbg run` on a terminal, `view`, `connect`.

Nothing here loads Textual before the process has forked; see `supervise`.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from tracedbg.cli.child import end_like
from tracedbg.cli.interface import is_at_a_terminal
from tracedbg.errors import UsageError
from tracedbg_tui.child import Child, terminal_size
from tracedbg_tui.supervise import supervise

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from tracedbg.cli.child import Ended
    from tracedbg.cli.order import Order
    from tracedbg.cli.parser import Parser
    from tracedbg_tui.contract import Program
    from tracedbg_tui.news import Wires
    from tracedbg_tui.terminal import Terminal

_LOG = "interface.log"
_OTHERWISE = (24, 80)
_OF_A_TERMINAL = ("LINES", "COLUMNS")
"""Variables that would tell the program the size of a terminal that is not its own."""


class Interface:
    """Shows a program that runs; see `tracedbg.cli.interface.Interface`."""

    def run(self, order: Order, title: str, on_end: Callable[[Ended], object]) -> Ended:
        """Run the program under a terminal of its own."""

        def start(terminal: Terminal) -> tuple[Child, socket.socket]:
            ours, theirs = socket.socketpair()
            environment = order.environment(theirs.fileno())
            for name in _OF_A_TERMINAL:
                environment.pop(name, None)
            try:
                size = terminal_size(0) or _OTHERWISE
                child = Child(order.command, environment, size, theirs.fileno(), terminal.attributes)
            except OSError:
                ours.close()
                raise
            finally:
                theirs.close()
            return child, ours

        def show(wires: Wires | None) -> int:
            from tracedbg_tui.program import Supervised  # noqa: PLC0415  deferred: it loads Textual

            return _show(Supervised(title, order.folder, wires) if wires else None, order.folder)

        log = os.path.join(order.folder, _LOG)
        ended = supervise(show, start, on_end, log)
        _remove_if_empty(log)
        return ended


class View:
    """Opens a recorded run."""

    name: ClassVar[str] = "view"
    help: ClassVar[str] = "look at a recorded run in the user interface"

    def configure(self, parser: Parser) -> None:
        """Which run."""
        parser.take_run()

    def run(self, args: argparse.Namespace) -> int:
        """Show it until nobody looks any more."""
        from tracedbg.store.reader import Run  # noqa: PLC0415  deferred: `--help` need not load it
        from tracedbg.store.run import find_run  # noqa: PLC0415  deferred: likewise

        folder = find_run(args.run)
        Run.open(folder).close()  # what is wrong with it is better said in a line than on a screen
        _need_a_terminal("view", f"read it with: tracedbg report {folder}")
        return end_like(supervise(lambda _: _show(None, folder)))


class Connect:
    """Opens the interface for a program that waits for it."""

    name: ClassVar[str] = "connect"
    help: ClassVar[str] = "open the user interface for a program that `tracedbg run --listen` runs"

    def configure(self, parser: Parser) -> None:
        """Where it waits."""
        parser.add_argument("socket", metavar="SOCKET", help="the path that `tracedbg run --listen` has said")

    def run(self, args: argparse.Namespace) -> int:
        """Show it until nobody looks any more; the program goes on."""
        from tracedbg.cli.listening import announced_folder  # noqa: PLC0415  deferred: `--help` need not load it

        _need_a_terminal("connect", "run it in one")
        folder = announced_folder(args.socket)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(args.socket)
        except OSError as error:
            connection.close()
            raise UsageError(
                f"no program waits at {args.socket}: {error.strerror or error};"
                " start one with tracedbg run --listen"
            ) from error
        title = os.path.basename(folder) if folder else args.socket

        def show(_: Wires | None) -> int:
            from tracedbg_tui.program import Remote  # noqa: PLC0415  deferred: it loads Textual

            return _show(Remote(title, folder or "", connection), folder)

        try:
            return end_like(supervise(show))
        finally:
            connection.close()


def _show(program: Program | None, folder: str | None) -> int:
    """Open the interface here, in the process that was made for it; returns `news.END` or `news.LEAVE`."""
    from tracedbg_tui.app import run_app  # noqa: PLC0415  deferred: it loads Textual

    return run_app(program, folder)


def _need_a_terminal(command: str, instead: str) -> None:
    if not is_at_a_terminal():
        raise UsageError(f"{command} needs a terminal (stdin, stdout and stderr, TERM not dumb); {instead}")


def _remove_if_empty(file: str) -> None:
    with suppress(OSError):
        if not os.path.getsize(file):
            os.unlink(file)

"""The user interface: whether a command opens one, and what it asks of it.

It must not know which interface that is: another package brings it, by an entry point.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Protocol

from tracedbg import plugins

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracedbg.cli.child import Ended
    from tracedbg.cli.order import Order

_NO = ("", "0", "false", "no")


class Interface(Protocol):
    """Shows a program to a person at a terminal. Made without arguments."""

    def run(self, order: Order, title: str, on_end: Callable[[Ended], object]) -> Ended:
        """Run the program to its end, and return when nobody looks any more.

        Args:
            order: the program, which speaks with a debugger's client if it is debugged.
            title: what a person calls it.
            on_end: called as soon as the program has ended.

        Raises:
            OSError: it could not be started.
        """


def wanted_interface() -> Interface | None:
    """The interface, if there is one and somebody at a terminal that can show it."""
    return plugins.load_interface() if is_at_a_terminal() else None


def is_at_a_terminal() -> bool:
    """Whether somebody sits at all of our streams, and can see more than lines."""
    if os.environ.get("TERM", "") in ("", "dumb") or os.environ.get("CI", "").lower() not in _NO:
        return False
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))

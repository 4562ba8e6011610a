"""The prompt as a frontend of the engine: one thread at a time, and what is remembered between stops.

It must not know frameworks. What it remembers are texts and numbers, never the program's values.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TextIO

from tracedbg.engine import Action, Go
from tracedbg.engine.text import escape
from tracedbg.prompt.console import Console
from tracedbg.prompt.terminal import Terminal

if TYPE_CHECKING:
    from tracedbg.engine import Breakpoint, Engine, Stop


class Prompt:
    """A `Frontend` on a terminal or a pipe. Others wait while one thread is at the prompt."""

    def __init__(self, engine: Engine, source: TextIO | None = None, sink: TextIO | None = None) -> None:
        """Make a prompt.

        Args:
            engine: whose stops it answers.
            source: of commands; the process' own stdin by default.
            sink: for all text; stderr by default.
        """
        self.engine = engine
        self.terminal = Terminal(source, sink)
        self.last_step = ""
        """The command that an empty line repeats."""
        self.displayed: list[str] = []
        """Expressions that are shown at each stop."""
        self.disabled: dict[int, Breakpoint] = {}
        """Breakpoints that were taken out, and may be put back."""
        self.told: set[str] = set()
        """Graphs whose notes have been shown."""
        self.waiting: dict[int, str] = {}
        """Stopped threads that wait for their turn, and why they stopped."""
        self.last_thread: int | None = threading.main_thread().ident
        self._turn = threading.Lock()
        self._is_over = False

    def interact(self, stop: Stop) -> Action:
        """See `Frontend`; the same for the method below."""
        self.waiting[stop.thread_id] = stop.reason
        try:
            with self._turn:
                self.waiting.pop(stop.thread_id, None)
                return Action(Go.CONTINUE) if self._is_over else Console(self, stop).run()
        finally:
            self.waiting.pop(stop.thread_id, None)

    def say(self, text: str, stop: Stop | None = None) -> None:  # noqa: ARG002, D102  of the Protocol
        self.terminal.write("\n".join(escape(line) for line in text.splitlines()))

    def let_go(self) -> None:
        """Stop nowhere any more; the threads that wait go on, too."""
        self._is_over = True
        self.engine.let_go()

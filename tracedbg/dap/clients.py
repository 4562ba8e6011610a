"""Who is connected: what each client has said of itself, and what it has asked for.

It must not know how any request is done.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from tracedbg.dap.arguments import Arguments, RequestError
from tracedbg.dap.channel import output
from tracedbg.dap.protocol import event, refusal

if TYPE_CHECKING:
    from tracedbg.dap.channel import Channel
    from tracedbg.dap.halted import Job
    from tracedbg.dap.protocol import Body, Request
    from tracedbg.dap.wire import Message
    from tracedbg.engine import Breakpoint

BEFORE_TRUST = frozenset({"initialize", "attach", "launch", "disconnect"})
_BEFORE_HELLO = frozenset({"initialize", "disconnect"})


class Client:
    """One connected client."""

    def __init__(self, channel: Channel, *, is_trusted: bool) -> None:
        self.channel = channel
        self.is_trusted = is_trusted
        self.is_introduced = False
        """Whether it has sent `initialize`."""
        self.is_attached = False
        self.breakpoints: dict[str, list[Breakpoint]] = {}
        """What it has set: by file, or by kind for those that are not about lines."""
        self.told: dict[int, tuple[int, bool]] = {}
        """Breakpoint id -> (line, whether it is bound), as the client knows it."""
        self.supports_invalidated = False
        self._lines_start_at = 1
        self._columns_start_at = 1
        self._jobs: dict[int, Job] = {}
        self._lock = threading.Lock()

    def introduce(self, arguments: Arguments) -> None:
        """Remember how it counts.

        Raises:
            RequestError: it has done so before, or its paths are no paths.
        """
        if self.is_introduced:
            raise RequestError("'initialize' comes once")
        if arguments.text("pathFormat", "path") != "path":
            raise RequestError("only the path format 'path' is known")
        self._lines_start_at = int(arguments.flag("linesStartAt1", default=True))
        self._columns_start_at = int(arguments.flag("columnsStartAt1", default=True))
        self.supports_invalidated = arguments.flag("supportsInvalidatedEvent")
        self.is_introduced = True

    def check(self, request: Request) -> None:
        """Whether it is this request's turn.

        Raises:
            RequestError: it is not, or the client may not ask it.
        """
        if not self.is_introduced and request.command not in _BEFORE_HELLO:
            raise RequestError(f"{request.command!r} before 'initialize'")
        if not self.is_trusted and request.command not in BEFORE_TRUST:
            raise RequestError(f"{request.command!r} before an 'attach' with the token")

    # --- numbers of lines and columns, which some clients count from 0 -------------------------

    def line_out(self, line: int) -> int:
        """A line as the client counts."""
        return line - 1 + self._lines_start_at

    def line_in(self, line: int) -> int:
        """A line as the client has said it."""
        return line + 1 - self._lines_start_at

    @property
    def first_column(self) -> int:
        """The first column as the client counts."""
        return self._columns_start_at

    # --- messages ------------------------------------------------------------------------------

    def answer(self, request: Request, body: Body | None) -> None:
        """The request has been done."""
        self.channel.send(request.answer(body))

    def refuse(self, message: Message, why: str) -> None:
        """The request has not been done."""
        self.channel.send(refusal(message, why))

    def tell(self, name: str, body: Body | None = None) -> None:
        """Send an event."""
        self.channel.send(event(name, body))

    def say(self, text: str, category: str = "console") -> None:
        """Show a line."""
        self.channel.send_output(output(text, category))

    # --- what is being done for it -------------------------------------------------------------

    def begin(self, request: Request, job: Job) -> None:
        """Remember a job, so that it can be cancelled."""
        with self._lock:
            self._jobs[request.seq] = job

    def end(self, request: Request) -> None:
        """Forget it."""
        with self._lock:
            self._jobs.pop(request.seq, None)

    def cancel(self, seq: int) -> None:
        """Cancel what it has asked for; nothing happens if that is done."""
        with self._lock:
            job = self._jobs.get(seq)
        if job is not None:
            job.cancel()

    def cancel_all(self) -> None:
        """It is gone, and waits for nothing."""
        with self._lock:
            jobs = list(self._jobs.values())
        for job in jobs:
            job.cancel()

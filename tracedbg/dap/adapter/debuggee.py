"""One run of a program, or one that was found running: its process, if it is ours, and its server.

It must not know how it was started.
"""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

from tracedbg.dap.adapter.link import Link
from tracedbg.dap.adapter.program import InTerminal

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from tracedbg.dap.adapter.editor import Editor
    from tracedbg.dap.adapter.program import Ended, Program
    from tracedbg.dap.wire import Message

GRACE_S = 5.0
"""How long a program may take to end when it has been asked to."""
_PATIENCE_S = 5.0
_OUR_SEQ = -1
"""Of requests that the editor has not made."""


class Debuggee:
    """Passes messages between the editor and one program."""

    def __init__(
        self,
        editor: Editor,
        program: Program | None,
        connection: socket.socket | None,
        on_end: Callable[[Ended | None], None],
    ) -> None:
        """Describe it.

        Args:
            editor: whom to pass what comes.
            program: the process; None if it was not started by us.
            connection: to its server; None if it has none.
            on_end: called once, when the program or the connection has ended and all has been passed on.
        """
        self._editor = editor
        self.program = program
        self._link = Link(connection, self._take, self._unlinked) if connection is not None else None
        self._on_end = on_end
        self._lock = threading.Lock()
        self._unanswered: dict[int, str] = {}
        self._has_ended = threading.Event()

    @property
    def has_server(self) -> bool:
        """Whether it can be asked anything."""
        return self._link is not None

    def begin(self, hello: Message, first: Message, command: str) -> None:
        """Introduce the editor to the server.

        Args:
            hello: its `initialize`, which has been answered.
            first: its `launch` or `attach`, with the number of the request that is to be answered.
            command: the name of that request.
        """
        if self._link is not None:
            self._link.start()
            self._link.send({**hello, "seq": _OUR_SEQ})
            self.ask(first, command)
        if self.program is not None:
            threading.Thread(target=self._wait, args=(self.program,), daemon=True).start()

    def ask(self, message: Message, command: str | None = None) -> None:
        """Pass a request on; it is answered whatever happens."""
        seq = message["seq"]
        with self._lock:
            self._unanswered[seq] = command or message["command"]
        if self._link is None or self._has_ended.is_set() or not self._link.send(message):
            self._refuse(seq)

    def end(self) -> None:
        """Have the program clean up and end; after a while, end it."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.program is not None and not self._has_ended.is_set():
                self.program.send_signal(number)
                self._has_ended.wait(GRACE_S)

    def wait(self) -> None:
        """Return when it has ended, or does not seem to."""
        self._has_ended.wait(GRACE_S)

    def release(self) -> None:
        """Let the program go on without us."""
        if self._link is not None:
            leave = {"type": "request", "command": "disconnect", "arguments": {"terminateDebuggee": False}}
            self._link.send({**leave, "seq": _OUR_SEQ})
        if self.program is not None:
            self.program.release()

    # --- in threads of our own -----------------------------------------------------------------

    def _take(self, message: Message) -> None:
        if message.get("type") == "response":
            with self._lock:
                command = self._unanswered.pop(message.get("request_seq", _OUR_SEQ), None)
            if command is not None:
                self._editor.send({**message, "command": command})
            return
        name = message.get("event")
        if name == "process" and isinstance(self.program, InTerminal):
            self.program.pid = (message.get("body") or {}).get("systemProcessId")
        if name not in ("exited", "terminated"):  # said when it is true
            self._editor.send(message)

    def _unlinked(self) -> None:
        """The server is gone: nothing it was asked will be answered."""
        with self._lock:
            left = list(self._unanswered)
        for seq in left:
            self._refuse(seq)
        if self.program is None:
            self._over(None)

    def _refuse(self, seq: int) -> None:
        with self._lock:
            command = self._unanswered.pop(seq, None)
        if command is not None:
            self._editor.refuse({"seq": seq, "command": command}, "the program has ended")

    def _wait(self, program: Program) -> None:
        ended = program.wait()
        if self._link is not None:
            self._link.join(_PATIENCE_S)  # what it has sent before its end comes before the news of it
            self._link.close()
        self._over(ended)

    def _over(self, ended: Ended | None) -> None:
        self._has_ended.set()
        self._on_end(ended)

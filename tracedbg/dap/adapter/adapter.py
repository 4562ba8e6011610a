"""What an editor asks of a debug adapter that the program itself cannot do: to start, end and restart it.

All else is passed to the server in the program, and back. It must not know how a program comes to be
observed: `Starter` does.
"""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Protocol

from tracedbg.dap.adapter.debuggee import Debuggee
from tracedbg.dap.adapter.launch import Launch
from tracedbg.dap.arguments import RequestError
from tracedbg.dap.protocol import Request, capabilities
from tracedbg.dap.security import split_address
from tracedbg.errors import TracedbgError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracedbg.dap.adapter.editor import Editor
    from tracedbg.dap.adapter.program import Ended, Program
    from tracedbg.dap.arguments import Arguments
    from tracedbg.dap.protocol import Body
    from tracedbg.dap.wire import Message

_CONNECT_S = 10.0
_WITHOUT_SERVER: dict[str, Body | None] = {
    "configurationDone": None,
    "threads": {"threads": []},
    "setBreakpoints": {"breakpoints": []},
    "setFunctionBreakpoints": {"breakpoints": []},
    "setInstructionBreakpoints": {"breakpoints": []},
    "setExceptionBreakpoints": {"breakpoints": []},
    "loadedSources": {"sources": []},
}
"""Answers for a program that runs without a debugger."""


class Starter(Protocol):
    """Starts programs under observation."""

    def start(self, launch: Launch, editor: Editor) -> tuple[Program, socket.socket | None]:
        """Start one; returns it, and the connection to its server if it is debugged.

        Raises:
            RequestError, TracedbgError, OSError: it cannot be started.
        """

    def ended(self, ended: Ended | None) -> str:
        """The last one has ended, or is let go; returns what a person should know of it."""


class Adapter:
    """The debugging session of one editor."""

    def __init__(self, editor: Editor, starter: Starter, filters: dict[str, str]) -> None:
        """Prepare.

        Args:
            editor: whom to serve.
            starter: who starts programs.
            filters: as `protocol.capabilities` takes them.
        """
        self._editor = editor
        self._starter = starter
        self._filters = filters
        self._hello: Message | None = None
        self._first: Message = {}
        """The `launch` or `attach`."""
        self._launch: Launch | None = None
        self._debuggee: Debuggee | None = None
        self._is_restarting = False
        self._is_done = False

    def serve(self) -> None:
        """Serve the editor until it goes; a program that was launched ends then, too."""
        try:
            for message in self._editor.messages():
                self._take(message)
                if self._is_done:
                    return
        finally:
            if not self._is_done and self._debuggee is not None and self._launch is not None:
                self._debuggee.end()

    def _take(self, message: Message) -> None:
        try:
            request = Request.read(message)
            if self._hello is None and request.command not in ("initialize", "disconnect"):
                raise RequestError(f"{request.command!r} before 'initialize'")  # noqa: TRY301  answered below
            do = self._requests.get(request.command, Adapter._pass)
            do(self, request, message)
        except (RequestError, TracedbgError) as error:
            self._editor.refuse(message, str(error))
        except OSError as error:
            self._editor.refuse(message, str(error.strerror or error))

    # --- requests that are ours ----------------------------------------------------------------

    def _do_initialize(self, request: Request, message: Message) -> None:
        if self._hello is not None:
            raise RequestError("'initialize' comes once")
        self._hello = message
        self._editor.answer(request, capabilities(self._filters, can_restart=True))

    def _do_launch(self, request: Request, message: Message) -> None:
        self._check_is_first(request)
        self._start(Launch.read(request.arguments), request, message)

    def _do_attach(self, request: Request, message: Message) -> None:
        self._check_is_first(request)
        connection = _connected(request.arguments)
        self._begin(Debuggee(self._editor, None, connection, self._over), request, message)

    def _do_restart(self, request: Request, _message: Message) -> None:
        if self._launch is None or self._debuggee is None:
            raise RequestError("only a program that was launched can be restarted")
        again = request.arguments.inner("arguments")
        launch = Launch.read(again) if again.names() else self._launch
        first = {**self._first, "arguments": again.values} if again.names() else self._first
        self._is_restarting = True
        self._debuggee.end()
        self._is_restarting = False
        self._start(launch, request, {**first, "seq": request.seq})

    def _do_terminate(self, request: Request, message: Message) -> None:
        if self._debuggee is None or self._launch is None:
            self._pass(request, message)
            return
        self._editor.answer(request)
        threading.Thread(target=self._debuggee.end, daemon=True).start()

    def _do_disconnect(self, request: Request, message: Message) -> None:
        self._is_done = True
        if self._debuggee is not None:
            is_launched = self._launch is not None
            if request.arguments.flag("terminateDebuggee", default=is_launched):
                if is_launched:
                    self._debuggee.end()
                else:
                    self._debuggee.ask(message)
                    self._debuggee.wait()
                    return
            else:
                self._debuggee.release()
                self._starter.ended(None)
        self._editor.answer(request)

    _requests: dict[str, Callable[[Adapter, Request, Message], None]] = {  # noqa: RUF012  never changed
        "initialize": _do_initialize,
        "launch": _do_launch,
        "attach": _do_attach,
        "restart": _do_restart,
        "terminate": _do_terminate,
        "disconnect": _do_disconnect,
    }

    # --- all others ----------------------------------------------------------------------------

    def _pass(self, request: Request, message: Message) -> None:
        if self._debuggee is None:
            raise RequestError(f"{request.command!r} before 'launch' or 'attach'")
        if self._debuggee.has_server:
            self._debuggee.ask(message)
        elif request.command in _WITHOUT_SERVER:
            self._editor.answer(request, _WITHOUT_SERVER[request.command])
        else:
            raise RequestError("the program runs without a debugger")

    # --- programs ------------------------------------------------------------------------------

    def _check_is_first(self, request: Request) -> None:
        if self._debuggee is not None:
            raise RequestError(f"{request.command!r} comes once")

    def _start(self, launch: Launch, request: Request, message: Message) -> None:
        if launch.console != "internalConsole" and not self._hello_says("supportsRunInTerminalRequest"):
            raise RequestError(f"the editor has no terminals, which console {launch.console!r} needs")
        program, connection = self._starter.start(launch, self._editor)
        self._launch = launch
        self._begin(Debuggee(self._editor, program, connection, self._over), request, message)

    def _begin(self, debuggee: Debuggee, request: Request, message: Message) -> None:
        self._debuggee, self._first = debuggee, message
        if not debuggee.has_server:
            self._editor.answer(request)
            self._editor.tell("initialized")
        debuggee.begin(self._hello or {}, message, request.command)

    def _hello_says(self, name: str) -> bool:
        return bool(((self._hello or {}).get("arguments") or {}).get(name))

    def _over(self, ended: Ended | None) -> None:
        """A program has ended, or the connection to one."""
        text = self._starter.ended(ended) if ended is not None else ""
        if self._is_restarting:
            return
        if text:
            self._editor.say(f"{text}\n", "important" if ended is not None and ended.signal else "console")
        if ended is not None:
            self._editor.tell("exited", {"exitCode": ended.exit_code})
        self._editor.tell("terminated")


def _connected(arguments: Arguments) -> socket.socket:
    """A connection to the server that an `attach` names.

    Raises:
        RequestError: it names none.
        OSError: nobody is there.
    """
    path, address = arguments.text("socket", ""), arguments.text("address", "")
    if bool(path) == bool(address):
        raise RequestError("'attach' needs either 'socket', a path, or 'address', HOST:PORT with 'token'")
    if path:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(path)
        except OSError as error:
            connection.close()
            raise RequestError(f"nobody answers at {path}: {error.strerror or error}") from error
        return connection
    try:
        connection = socket.create_connection(split_address(address), _CONNECT_S)
    except OSError as error:
        raise RequestError(f"nobody answers at {address}: {error.strerror or error}") from error
    connection.settimeout(None)
    return connection

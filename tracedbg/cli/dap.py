"""`tracedbg dap`: the debug adapter that an editor starts on its standard streams.

It must not know the protocol: it says how a program is started under observation.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import socket
import sys
import tempfile
import time
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from tracedbg import redaction
from tracedbg.cli.child import end_like, run_program
from tracedbg.cli.interpreter import named_python, same_python
from tracedbg.cli.observation import has_recordings
from tracedbg.cli.order import Order, for_a_client, unobserved
from tracedbg.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from tracedbg.cli.parser import Parser
    from tracedbg.dap.adapter.editor import Editor
    from tracedbg.dap.adapter.launch import Launch
    from tracedbg.dap.adapter.program import Ended, Program
    from tracedbg.store.run import RunFolder

_TERMINAL_S = 60.0
"""How long a terminal may take to open and to run what it is told."""


class Dap:
    """Serves one editor."""

    name: ClassVar[str] = "dap"
    help: ClassVar[str] = "be a debug adapter on stdin and stdout, for VS Code, Neovim and other editors"

    def configure(self, parser: Parser) -> None:
        """Only what the adapter tells a terminal."""
        parser.add_argument(
            "--in-terminal", metavar="SOCKET", help="run a program here for the adapter that listens there"
        )

    def run(self, args: argparse.Namespace) -> int:
        """Serve until the editor goes."""
        if args.in_terminal:
            return _run_in_terminal(args.in_terminal)
        from tracedbg.dap.adapter import Adapter  # noqa: PLC0415  deferred: `--help` need not load it
        from tracedbg.dap.adapter.editor import Editor  # noqa: PLC0415  deferred: likewise
        from tracedbg.engine import FILTERS  # noqa: PLC0415  deferred: likewise

        if sys.stdin is None or sys.stdin.isatty():
            raise UsageError(
                "tracedbg dap is started by an editor, and speaks with it; see docs/how-to/editors.md"
            )
        # Nothing but messages may reach the editor's end: what anybody prints goes to stderr.
        outgoing = os.dup(1)
        os.dup2(2, 1)
        signal.signal(signal.SIGTERM, _end)
        Adapter(Editor(0, outgoing), _Observing(), FILTERS).serve()
        return 0


def _end(*_: object) -> None:
    raise SystemExit(0)


class _Observing:
    """Starts programs as `tracedbg run` does, with a debugger in them."""

    def __init__(self) -> None:
        self._folder: RunFolder | None = None
        self._started_ns = 0

    def start(self, launch: Launch, editor: Editor) -> tuple[Program, socket.socket | None]:
        """See `adapter.Starter`; the same for the method below."""
        from tracedbg.engine import specs  # noqa: PLC0415  deferred: `--help` need not load it
        from tracedbg.store.run import create_run  # noqa: PLC0415  deferred: likewise

        os.chdir(launch.cwd)
        python = named_python(shlex.join(launch.python)) if launch.python else same_python()
        for spec in launch.breaks:
            specs.parse(spec)
        environ = {name: text for name, text in {**os.environ, **launch.env}.items() if text is not None}
        options: dict[str, object] = {}
        if launch.redact or redaction.is_wanted(environ):
            options["redact"] = redaction.new_key(environ)
        words = redaction.redacted_argv(launch.words) if options else launch.words
        self._folder = create_run(launch.out, words, redacted=bool(options))
        self._started_ns = time.monotonic_ns()
        debug = ""
        if launch.is_debugged:
            debug = for_a_client(
                launch.breaks, python_mode=launch.python_mode, debug_datasets=launch.debug_datasets
            )
        order = Order([*python, *launch.words], launch.cwd, self._folder.path, launch.env, debug, options)
        ours, theirs = socket.socketpair() if launch.is_debugged else (None, None)
        try:
            start = _piped if launch.console == "internalConsole" else _in_terminal
            return start(order, launch.console, theirs, editor), ours
        except BaseException:
            if ours is not None:
                ours.close()
            raise
        finally:
            if theirs is not None:
                theirs.close()

    def ended(self, ended: Ended | None) -> str:
        """Close the recording, and say where it is."""
        folder, self._folder = self._folder, None
        if folder is None or ended is None:
            return ""
        took_ns = time.monotonic_ns() - self._started_ns
        with suppress(OSError):
            folder.finish(exit_code=ended.exit_code, signal=ended.signal, wall_ns=took_ns)
        lines = [ended.text] if ended.text else []
        lines += unobserved(folder.path)
        if has_recordings(folder.path):
            lines.append(f"recorded: tracedbg report {folder.path}")
        return "\n".join(lines)


def _piped(order: Order, _console: str, theirs: socket.socket | None, editor: Editor) -> Program:
    from tracedbg.dap.adapter.program import Piped  # noqa: PLC0415  deferred: `--help` need not load it

    descriptor = None if theirs is None else theirs.fileno()
    variables = {"PYTHONUNBUFFERED": "1", **order.environment(descriptor)}  # a pipe would hold lines back
    return Piped(order.command, variables, order.cwd, descriptor, lambda name, text: editor.say(text, name))


# --- in a terminal of the editor's: this program, once more, is the parent of the user's there ----------


def _in_terminal(order: Order, console: str, theirs: socket.socket | None, editor: Editor) -> Program:
    from tracedbg.dap.adapter.program import InTerminal  # noqa: PLC0415  deferred: `--help` need not load it
    from tracedbg.dap.security import is_same_user, listen_unix  # noqa: PLC0415  deferred: likewise

    folder = tempfile.mkdtemp(prefix="tracedbg-")
    path = os.path.join(folder, "terminal")
    listener = listen_unix(path)
    try:
        listener.settimeout(_TERMINAL_S)
        asked = editor.ask(
            "runInTerminal",
            {
                "kind": console.removesuffix("Terminal"),
                "title": os.path.basename(order.command[-1]),
                "cwd": order.cwd,
                "args": [sys.executable, "-m", "tracedbg", "dap", "--in-terminal", path],
            },
        )
        asked.add_done_callback(lambda answer: _knock(path) if answer.exception() else None)
        connection, why = _accept(listener)
        if asked.done() and (refused := asked.exception()) is not None:
            why = refused
        if why is not None or connection is None:
            if connection is not None:
                connection.close()
            raise UsageError(f"the editor's terminal has not started the program: {why}")
        connection.settimeout(None)
        if not is_same_user(connection):
            connection.close()
            raise UsageError("somebody else has answered from the editor's terminal")
        text = order.to_text().encode()
        descriptors = [] if theirs is None else [theirs.fileno()]
        socket.send_fds(connection, [len(text).to_bytes(4, "big")], descriptors)
        connection.sendall(text)
        return InTerminal(connection)
    finally:
        listener.close()
        shutil.rmtree(folder, ignore_errors=True)


def _accept(listener: socket.socket) -> tuple[socket.socket | None, BaseException | None]:
    try:
        return listener.accept()[0], None
    except OSError as error:
        return None, error


def _knock(path: str) -> None:
    """End a wait for a connection in another thread, which neither closing nor a shutdown does."""
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(path)


def _run_in_terminal(path: str) -> int:
    """Run the program that an adapter orders; its end is told there, and is ours."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.connect(path)
            size, descriptors, _, _ = socket.recv_fds(connection, 4, 1)
            text = b""
            while len(text) < int.from_bytes(size, "big"):
                text += connection.recv(1 << 16)
            order = Order.from_text(text)
        except (OSError, ValueError) as error:
            raise UsageError(f"no adapter has told what to run: {error}") from error
        descriptor = descriptors[0] if descriptors else None
        if descriptor is not None:
            os.set_inheritable(descriptor, True)
        connection.sendall(b"%d\n" % os.getpid())
        os.chdir(order.cwd)
        try:
            ended = run_program(
                order.command,
                order.environment(descriptor),
                lambda: None if descriptor is None else os.close(descriptor),
            )
        except OSError as error:
            raise UsageError(f"cannot start {order.command[0]}: {error.strerror or error}") from error
        report = {"exit_code": ended.exit_code, "signal": ended.signal}
        connection.sendall(json.dumps(report).encode() + b"\n")
    return end_like(ended)

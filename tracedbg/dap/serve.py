"""Starts the server as a process was told to: on a socket at a path, on one that was inherited, or on a port.

It must not know who starts it: it is given options and an engine.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from tracedbg.dap.security import is_same_user, listen_tcp, listen_unix
from tracedbg.dap.server import Server
from tracedbg.errors import UsageError

if TYPE_CHECKING:
    from tracedbg.engine import Engine


class Options(Protocol):
    """How to be reached; any of them may be left out."""

    @property
    def socket(self) -> str: ...  # noqa: D102
    @property
    def descriptor(self) -> int | None: ...  # noqa: D102
    @property
    def listen(self) -> str: ...  # noqa: D102
    @property
    def token(self) -> str: ...  # noqa: D102
    @property
    def wait(self) -> bool: ...  # noqa: D102


def serve(engine: Engine, options: Options) -> Server:
    """Start a server; if the options say so, return when a client has sent its configuration.

    Raises:
        UsageError: it cannot listen where it should.
    """
    server = Server(engine, options.token)
    try:
        if options.socket:
            _listen_unix(server, options.socket)
        if options.listen:
            server.listen(listen_tcp(options.listen, options.token), lambda _: False)
    except UsageError:
        server.close()
        raise
    if options.descriptor is not None:
        server.add(socket.socket(fileno=options.descriptor), is_trusted=True)
    engine.frontend = server
    server.holds_program = options.wait
    server.start()
    if options.wait:
        server.wait_until_configured()
    return server


def _listen_unix(server: Server, path: str) -> None:
    server.listen(listen_unix(path), lambda connection: True if is_same_user(connection) else None)

    def unlink() -> None:
        with suppress(OSError):
            os.unlink(path)

    server.on_close(unlink)

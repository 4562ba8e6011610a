"""Who may speak to the debugger: it can run any code as the user, so nobody else may.

It must not know any request.
"""

from __future__ import annotations

import errno
import hmac
import os
import socket
import stat
import struct
import sys
from contextlib import suppress

from tracedbg.errors import UsageError

_PRIVATE = 0o700
_PEER = struct.Struct("3i")
_SO_PEERCRED = getattr(socket, "SO_PEERCRED", None)


def listen_unix(path: str) -> socket.socket:
    """Listen at `path`, in a folder that is the user's alone; it is made if it does not exist.

    Raises:
        UsageError: the folder is open to others, or the path cannot be listened on.
    """
    folder = os.path.dirname(os.path.abspath(path))
    with suppress(FileExistsError):
        os.makedirs(folder, mode=_PRIVATE)
    found = os.stat(folder)
    if found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise UsageError(f"{folder} is open to other users: a debugger's socket needs a folder of mode 0700")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _refuse_taken(path)
        # Under another name, as long, until it listens: whoever sees the path can connect.
        hidden = os.path.join(folder, os.urandom(2).hex().ljust(len(os.path.basename(path)), "-"))
        listener.bind(hidden)
        os.chmod(hidden, 0o600)
        listener.listen()
        os.rename(hidden, path)
    except OSError as error:
        listener.close()
        raise UsageError(f"cannot listen at {path}: {error.strerror or error}") from error
    return listener


def _refuse_taken(path: str) -> None:
    """A socket of a process that was killed may be replaced, and nothing else."""
    try:
        is_socket = stat.S_ISSOCK(os.lstat(path).st_mode)
    except FileNotFoundError:
        return
    if not is_socket or _is_answered(path):
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def _is_answered(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return False
        except OSError:
            return True
    return True


def listen_tcp(address: str, token: str) -> socket.socket:
    """Listen at `HOST:PORT`; port 0 for any that is free.

    Raises:
        UsageError: there is no token, or the address cannot be listened on.
    """
    if not token:
        raise UsageError(f"--listen {address} needs a token: whoever reaches the port could run code as you")
    host, port = split_address(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise UsageError(f"cannot listen at {address}: {error.strerror or error}") from error
    return listener


def split_address(address: str) -> tuple[str, int]:
    """(host, port) of `HOST:PORT`, `[V6ADDRESS]:PORT` or `:PORT`, which is this machine's alone.

    Raises:
        UsageError: it is none of these.
    """
    host, separator, port = address.rpartition(":")
    if not separator or not port.isdecimal() or int(port) > 65535:  # noqa: PLR2004  the largest port
        raise UsageError(f"{address!r} is no address such as 127.0.0.1:5678")
    return host.strip("[]") or "127.0.0.1", int(port)


def is_same_user(connection: socket.socket) -> bool:
    """Whether the process at the other end of a Unix socket is the user's own, or root's."""
    if _SO_PEERCRED is not None:
        _, user, _ = _PEER.unpack(connection.getsockopt(socket.SOL_SOCKET, _SO_PEERCRED, _PEER.size))
    elif sys.platform == "darwin":
        level, local_peercred = 0, 1  # sys/un.h; struct xucred begins with a version and the user
        _, user = struct.unpack("Ii", connection.getsockopt(level, local_peercred, 8))
    else:
        return False
    return user in (os.getuid(), 0)


def is_token(given: str, expected: str) -> bool:
    """Compare in a time that does not depend on where they differ."""
    return bool(expected) and hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode("utf-8"))

"""The socket at which a program under `tracedbg run --listen` waits for `tracedbg connect`.

It must not know what is said there. The program itself listens; here its place is made, and told.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from tracedbg.cli.output import complain

if TYPE_CHECKING:
    from collections.abc import Iterator

_BESIDE = ".run"
"""A file of that ending beside the socket names the run's folder, for an interface on the same machine."""


@contextmanager
def listening_at(wanted: str | None) -> Iterator[str | None]:
    """The full path of a socket that the program can listen at; None if it is not to listen.

    Args:
        wanted: the path; empty for a new one, in a folder that is the user's alone.

    Raises:
        UsageError: it cannot listen there.
    """
    if wanted is None:
        yield None
        return
    import shutil  # noqa: PLC0415  deferred: `run` seldom listens
    import tempfile  # noqa: PLC0415  deferred: likewise

    folder = tempfile.mkdtemp(prefix="tracedbg-") if not wanted else None
    path = os.path.join(folder, "socket") if folder is not None else os.path.abspath(wanted)
    try:
        _try(path)
        yield path
    finally:
        for file in (path, path + _BESIDE):
            with suppress(OSError):
                os.unlink(file)
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def announce(path: str, folder: str) -> None:
    """Say where the program of the run in `folder` waits."""
    descriptor = os.open(path + _BESIDE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(folder)
    complain(f"waiting for: tracedbg connect {path}")


def announced_folder(path: str) -> str | None:
    """The folder of the run whose program listens at `path`; None if it is on another machine."""
    try:
        with open(path + _BESIDE, encoding="utf-8") as file:
            folder = file.read()
    except (OSError, UnicodeDecodeError):
        return None
    return folder if os.path.isdir(folder) else None


def _try(path: str) -> None:
    """Find out before the program runs what it could only find out itself."""
    from tracedbg.dap.security import listen_unix  # noqa: PLC0415  deferred: likewise

    listen_unix(path).close()
    os.unlink(path)

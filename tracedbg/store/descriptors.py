"""The file descriptors of an open database: whether they are still ours, and what to do if not.

A program may close what it has not opened (`os.closerange`, as a daemon does at its start), or put a
file of its own at any number (`os.dup2`). SQLite would not notice, and write its pages into whatever
file of the program's stands at the number now.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import mmap
    import sqlite3

_LISTINGS = ("/proc/self/fd", "/dev/fd")
_COPIED = ("-wal", "")
"""What SQLite makes anew from the others is left out."""
_SUFFIXES = (*_COPIED, "-shm")


class Descriptors:
    """Those that stand for the files of one database, as they were when this was made."""

    def __init__(self, path: str) -> None:
        files = {found for suffix in _SUFFIXES if (found := file_identity(path + suffix)) is not None}
        self._held = {
            number: found for number in _open_numbers() if (found := file_identity(number)) in files
        }

    @classmethod
    def none(cls) -> Descriptors:
        """Of a database that has no files."""
        return cls(os.devnull + "/")

    def __len__(self) -> int:
        """How many there are: one for each file."""
        return len(self._held)

    def are_ours(self) -> bool:
        """Whether each is open, and of the same file as ever."""
        return all(file_identity(number) == found for number, found in self._held.items())


def keep_open(thing: sqlite3.Connection | mmap.mmap) -> None:
    """See to it that nobody closes `thing`, not even the end of the interpreter."""
    import ctypes  # noqa: PLC0415  needed by few

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def move(path: str) -> None:
    """Put copies in the place of a database's files, which SQLite takes for files that it has never seen.

    It remembers the old ones as long as the process lives, and would wait for locks that cannot be had.

    Raises:
        OSError: a file is gone, or cannot be copied.
    """
    _keep_file(path)
    for suffix in _COPIED:
        with suppress(FileNotFoundError):
            _copy(path + suffix, path + "-moved" + suffix)
    with suppress(FileNotFoundError):
        os.unlink(path + "-shm")
    for suffix in _COPIED:
        with suppress(FileNotFoundError):
            os.replace(path + "-moved" + suffix, path + suffix)


def _keep_file(path: str) -> None:
    """Let the file outlive its name: SQLite would take a new one with the same inode for it, ours or not."""
    import mmap  # noqa: PLC0415  needed by few

    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size:
            keep_open(mmap.mmap(file.fileno(), 1, access=mmap.ACCESS_READ))


def _copy(source: str, target: str) -> None:
    import shutil  # noqa: PLC0415  needed by few

    descriptor = os.open(target, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with open(source, "rb") as reader, os.fdopen(descriptor, "wb") as writer:
        shutil.copyfileobj(reader, writer)


def file_identity(file: str | int) -> tuple[int, int] | None:
    """What tells a file, by its path or descriptor, from all others; None where there is none."""
    try:
        status = os.stat(file)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _open_numbers() -> list[int]:
    for listing in _LISTINGS:
        try:
            return [int(name) for name in os.listdir(listing)]
        except OSError:
            continue
    return []

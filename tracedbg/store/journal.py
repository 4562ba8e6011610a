"""The journal of one database: totals that were told, and that the database does not have yet.

A row of totals is told many times a second. To append it to a file takes a twentieth of the time of a
transaction, and a killed process loses neither. Once in a while the database takes them over, and the journal
begins anew. It must not know what is counted, nor when.

The file: `MAGIC`, then records one after the other. A record is its checksum (CRC-32 of all that follows),
the size of its content and its number, as little-endian integers of 4, 4 and 8 bytes; then the content: the
size of some JSON (4 bytes), the JSON ({table: rows}; nothing where there are none), and rows of `op_total`,
six integers of 8 bytes each. The database says which record it has taken over last (table `journal`). A
record that is cut off, or whose checksum is wrong, was being written when the process died: it ends the file.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import zlib
from array import array
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tracedbg.errors import DamagedRunError
from tracedbg.store import codec
from tracedbg.store.decoding import readable
from tracedbg.store.descriptors import file_identity
from tracedbg.store.guarded import MAX_FILE_BYTES, check_regular
from tracedbg.store.totals import OP_TOTAL, TABLES, Told

if TYPE_CHECKING:
    from collections.abc import Iterator

ENDING = ".totals"
MAGIC = b"trdbtot1"
GONE = "somebody has removed the journal of the recording"
_HEAD = struct.Struct("<IIQ")
_LENGTH = struct.Struct("<I")
_CHECKED = 4
_WIDTH = len(OP_TOTAL.columns)
_FLAGS = os.O_WRONLY | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)


def journal_of(database: str) -> str:
    """The path of a database's journal."""
    return database.removesuffix(".db") + ENDING


class Journal:
    """The journal that a writer has open."""

    def __init__(self, path: str) -> None:
        """Make the file; what an earlier process has left there goes.

        Raises:
            OSError: it cannot be made.
        """
        self.path = path
        self.size_bytes = len(MAGIC)
        self.last = 0
        """The number of the last record."""
        self._open(os.O_CREAT | os.O_TRUNC)
        _write(self._descriptor, MAGIC)

    def _open(self, flags: int = 0) -> None:
        self._descriptor = os.open(self.path, _FLAGS | flags, 0o600)
        self._identity = file_identity(self._descriptor)

    def append(self, told: Told) -> bytes:
        """Write down what was told: from here on a killed process does not lose it.

        Returns:
            The content of the record, for `unpacked`.

        Raises:
            OSError: the disk is full, the file has gone, ...
        """
        content = _packed(told)
        record = _record(self.last + 1, content)
        self._hold()
        _write(self._descriptor, record)
        self.last += 1
        self.size_bytes += len(record)
        return content

    def _hold(self) -> None:
        """Open the file again if the program has closed it under us, or has put one of its own there."""
        try:
            status = os.fstat(self._descriptor)
        except OSError:
            self._open()
            return
        if (status.st_dev, status.st_ino) != self._identity:
            self._open()
        elif not status.st_nlink:
            raise OSError(GONE)

    def clear(self) -> None:
        """Begin anew: the database has taken all of it over.

        Raises:
            OSError: the file has gone, ...
        """
        self._hold()
        os.ftruncate(self._descriptor, len(MAGIC))
        self.size_bytes = len(MAGIC)

    def suspend(self) -> None:
        """Close the file for a moment."""
        if file_identity(self._descriptor) == self._identity:
            os.close(self._descriptor)

    def resume(self) -> None:
        """Open it again after `suspend`.

        Raises:
            OSError: it has gone.
        """
        self._open()

    def remove(self) -> None:
        """Close it for good, and have it leave the folder: the database has all of it."""
        self.suspend()
        with suppress(OSError):  # the folder is gone, or cannot be written any more
            os.unlink(self.path)


def _write(descriptor: int, content: bytes) -> None:
    """All of it; what is left out by a disk that is full is asked for again, so that it says so."""
    written = os.write(descriptor, content)
    while written < len(content):
        written += os.write(descriptor, content[written:])


def _packed(told: Told) -> bytes:
    text = codec.dump(told.rows).encode() if told.rows else b""
    ops = told.ops
    if sys.byteorder == "big":
        ops = array("q", ops)
        ops.byteswap()
    return b"".join((_LENGTH.pack(len(text)), text, ops.tobytes()))


def _record(number: int, content: bytes) -> bytes:
    head = _HEAD.pack(0, len(content), number)[_CHECKED:]
    return b"".join((_LENGTH.pack(zlib.crc32(content, zlib.crc32(head))), head, content))


def read_journal(path: str) -> list[tuple[int, Told]]:
    """The records of a journal with their numbers; none where there is no journal.

    Raises:
        DamagedRunError: it is none, or says what no journal says.
    """
    try:
        check_regular(path)
        with open(path, "rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DamagedRunError(f"cannot read {path}: {error.strerror or error}") from error
    if len(data) > MAX_FILE_BYTES:
        raise DamagedRunError(f"cannot read {path}: it is larger than {MAX_FILE_BYTES >> 20} MB")
    if not data.startswith(MAGIC) and not MAGIC.startswith(data):
        raise DamagedRunError(f"cannot read {path}: it is no journal of tracedbg")
    with readable(path):
        return list(_records(data))


def _records(data: bytes) -> Iterator[tuple[int, Told]]:
    at, end = len(MAGIC), len(data)
    while at + _HEAD.size <= end:
        checksum, length, number = _HEAD.unpack_from(data, at)
        content = data[at + _HEAD.size : at + _HEAD.size + length]
        if len(content) < length:
            return
        if zlib.crc32(content, zlib.crc32(data[at + _CHECKED : at + _HEAD.size])) != checksum:
            return
        yield number, unpacked(content)
        at += _HEAD.size + length


def unpacked(content: bytes) -> Told:
    """What a record says.

    Raises:
        ValueError, KeyError, struct.error: it is none.
    """
    (length,) = _LENGTH.unpack_from(content)
    text, numbers = content[_LENGTH.size : _LENGTH.size + length], content[_LENGTH.size + length :]
    told = Told()
    told.ops.frombytes(numbers)
    if sys.byteorder == "big":
        told.ops.byteswap()
    if text:
        rows: dict[str, list[list[Any]]] = json.loads(text)
        for name, found in rows.items():
            told.add(TABLES[name], found)
    if len(told.ops) % _WIDTH:
        raise ValueError("a row of ops is cut off")
    return told

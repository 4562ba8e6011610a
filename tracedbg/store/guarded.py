"""Reads what may have been made to do harm: a file that is none, data that swells.

A recording is data: whatever stands in it, reading it ends with what it says, or with one error of ours. It
must not know what the data mean.
"""

from __future__ import annotations

import os
import stat
import zlib

from tracedbg.errors import DamagedRunError

MAX_INFLATED_BYTES = 256 << 20
"""Of one packed value: a graph of a million ops takes a fifth of it."""
MAX_FILE_BYTES = 64 << 20
"""Of a file that is read as a whole."""


def inflate(blob: bytes) -> bytes:
    """What was packed.

    Raises:
        ValueError: the bytes are damaged, or swell beyond all measure.
    """
    unpacking = zlib.decompressobj()
    try:
        data = unpacking.decompress(blob, MAX_INFLATED_BYTES)
    except (zlib.error, TypeError) as error:
        raise ValueError(str(error)) from error
    if not unpacking.eof:
        is_large = len(data) >= MAX_INFLATED_BYTES
        raise ValueError(f"it swells to over {MAX_INFLATED_BYTES >> 20} MB" if is_large else "it is cut off")
    return data


def check_regular(path: str) -> None:
    """Find out that opening `path` neither waits for somebody nor leads elsewhere.

    Raises:
        OSError: there is no such file.
        DamagedRunError: it is a link, a pipe, a device or a folder.
    """
    if not stat.S_ISREG(os.lstat(path).st_mode):
        raise DamagedRunError(f"cannot read {path}: it is no plain file")


def read_text(path: str) -> str:
    """All of a small file.

    Raises:
        OSError: it cannot be read.
        DamagedRunError: it is none, or not small.
        ValueError: it is no text.
    """
    check_regular(path)
    with open(path, "rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise DamagedRunError(f"cannot read {path}: it is larger than {MAX_FILE_BYTES >> 20} MB")
    return data.decode()

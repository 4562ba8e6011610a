"""Looks for the secrets of `secret_torch.py` and `secret_tensorflow.py` in what they have left behind."""

from __future__ import annotations

import re
import sqlite3
import zlib
from pathlib import Path

SECRET = re.compile(rb"hunter2|(?<!\d)7771\d\d(?!\d)", re.IGNORECASE)
"""Each text and each number of the programs is one; a longer number is a time or an id of ours."""


def leaks(folder: Path) -> list[str]:
    """Where a secret stands in a folder: in the bytes of its files, and in what is packed in its databases."""
    found = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        found += [f"{file.name}: {at!r}" for at in secrets(file.read_bytes())]
        if file.suffix == ".db":
            found += [f"{file.name}: {at!r}" for at in in_blobs(file)]
    return found


def secrets(data: bytes) -> list[bytes]:
    """What is secret, with what stands around it."""
    return [data[max(found.start() - 30, 0) : found.end() + 30] for found in SECRET.finditer(data)]


def in_blobs(file: Path) -> list[bytes]:
    found = []
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as db:
        tables = [name for (name,) in db.execute("select name from sqlite_master where type = 'table'")]
        values = [value for table in tables for row in db.execute(f"select * from {table}") for value in row]
    db.close()
    for value in values:
        if isinstance(value, bytes):
            found += secrets(zlib.decompress(value))
    return found

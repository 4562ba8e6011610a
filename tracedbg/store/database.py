"""A database that is read: opened if it is ours and of a known version, closed for a while where many are.

It must not know what its tables mean.
"""

from __future__ import annotations

import os
import re
import sqlite3
from typing import Any

from tracedbg.errors import DamagedRunError, NewerSchemaError
from tracedbg.store import schema
from tracedbg.store.decoding import readable
from tracedbg.store.guarded import check_regular

MAX_OPEN = 64
"""Databases of a run that are open at once: each takes some of the files that a process may have."""


class Database:
    """One file, opened for reading. It is opened again when it is asked for something after a rest."""

    def __init__(self, path: str, db: sqlite3.Connection, few: Few) -> None:
        self.path = path
        self.rests = 0
        """How often it was closed for a while."""
        self._db: sqlite3.Connection | None = db
        self._few = few
        few.note(self)

    @classmethod
    def open(cls, path: str, few: Few) -> Database:
        """Open one database for reading.

        Args:
            path: of the database.
            few: closes it for a while where too many others are open.

        Raises:
            NotARunError: it is no regular file.
            NewerSchemaError: a newer tracedbg has written it.
            DamagedRunError: it cannot be read.
        """
        with readable(path):
            db = _connect(path)
            try:
                _check_version(db, path)
            except BaseException:
                db.close()
                raise
        return cls(path, db, few)

    @property
    def is_open(self) -> bool:
        """Whether it takes files of this process now."""
        return self._db is not None

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """What a SELECT gives, as of now."""
        with readable(self.path):
            return self._opened().execute(query, values).fetchall()

    def has(self, table: str) -> bool:
        """Whether there is such a table."""
        return bool(self.rows("select 1 from sqlite_master where name = ?", table))

    def copy_to(self, other: sqlite3.Connection) -> None:
        """Write all of it, as it is now, into an empty database.

        Raises:
            sqlite3.Error: it cannot be written.
        """
        self._opened().backup(other)

    def close(self) -> None:
        """Close it."""
        if self._db is not None:
            self._db.close()

    def rest(self) -> None:
        """Close it until it is asked for something."""
        self.close()
        self._db = None
        self.rests += 1

    def _opened(self) -> sqlite3.Connection:
        if self._db is None:
            self._db = _connect(self.path)
        self._few.note(self)
        return self._db


class Few:
    """The databases of a run that are open, those used last at the end."""

    def __init__(self) -> None:
        self._open: dict[Database, None] = {}

    def note(self, used: Database) -> None:
        """One is being used: if that makes them too many, the one that was not for longest is closed."""
        self._open.pop(used, None)
        self._open[used] = None
        if len(self._open) > MAX_OPEN:
            longest = next(iter(self._open))
            del self._open[longest]
            longest.rest()


def _connect(path: str) -> sqlite3.Connection:
    check_regular(path)
    folder_is_writable = os.access(os.path.dirname(path), os.W_OK)
    has_log = os.path.exists(path + "-wal")
    # A database whose log was merged can be read where nothing may be written, `immutable` only.
    mode = "mode=ro" if folder_is_writable or has_log else "immutable=1"
    db = sqlite3.connect(f"file:{_quoted(path)}?{mode}", uri=True, check_same_thread=False)
    db.row_factory = sqlite3.Row
    return db


def _quoted(path: str) -> str:
    return re.sub(r"[%?#]", lambda match: f"%{ord(match[0]):02x}", path)


def _check_version(db: sqlite3.Connection, path: str) -> None:
    (application,) = db.execute("pragma application_id").fetchone()
    (version,) = db.execute("pragma user_version").fetchone()
    if application != schema.APPLICATION_ID:
        raise DamagedRunError(f"{path} is not a database of tracedbg, or was cut off when it was made")
    if db.execute("select 1 from sqlite_master where type not in ('table', 'index')").fetchone():
        raise DamagedRunError(f"{path} has a view or a trigger, which no recording has")
    if version > schema.VERSION:
        raise NewerSchemaError(
            f"{path} was written by a newer tracedbg (schema {version}, this one reads up to"
            f" {schema.VERSION}): upgrade with python -m pip install -U tracedbg"
        )

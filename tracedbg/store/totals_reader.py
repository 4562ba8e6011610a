"""Reads tables of totals: what the database has, and what its journal has beyond that.

With `reader`, `traces` and `ran_reader` it has the only SELECTs; it must not know what is counted.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tracedbg.store.journal import journal_of, read_journal
from tracedbg.store.totals import Totals

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from tracedbg.store.totals import Table, Told


class TotalsReader:
    """The totals of one process, which may still write them."""

    def __init__(
        self, path: str, select: Callable[..., list[sqlite3.Row]], has: Callable[[str], bool]
    ) -> None:
        """Prepare.

        Args:
            path: of the database.
            select: runs a query.
            has: whether there is a table of that name; recordings of earlier versions have fewer.
        """
        self._path = journal_of(path)
        self._select = select
        self._has = has
        self._read: tuple[tuple[int, int], list[tuple[int, Told]]] = ((0, 0), [])
        """The state of the journal when it was read last, and what it said."""

    def rows(self, table: Table) -> Sequence[sqlite3.Row | dict[str, Any]]:
        """The rows of a table as they are now."""
        query = f"select {', '.join(table.columns)} from {table.name} order by rowid"  # noqa: S608  names are ours
        while True:
            records = self._records()  # before the database: it may take them over meanwhile
            if not records:
                return self._select(query)
            last = self.last_taken()
            rows = self._select(query)
            if last == self.last_taken():
                break
        totals = Totals()
        totals.add_rows(table, rows)
        for number, told in records:
            if number > last:
                totals.add(told, only=table)
        return [dict(zip(table.columns, row, strict=True)) for row in totals.rows(table)]

    def last_taken(self) -> int:
        """The number of the last record of the journal that the database has."""
        if not self._has("journal"):
            return 0
        return int(self._select("select last from journal")[0]["last"])

    def state(self) -> tuple[int, int]:
        """Another one whenever the journal may say something else."""
        with suppress(OSError):
            status = os.lstat(self._path)
            return status.st_mtime_ns, status.st_size
        return 0, 0

    def _records(self) -> list[tuple[int, Told]]:
        state = self.state()
        if state != self._read[0]:
            self._read = (state, read_journal(self._path))
        return self._read[1]

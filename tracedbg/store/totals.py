"""How totals that are told again and again add up: in the database, in its journal, and when both are read.

It must not know what they count.
"""

from __future__ import annotations

import enum
from array import array
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

MAX_ROWS = 100
"""In one statement."""


class How(enum.Enum):
    """What becomes of a value when the same row is told again; as SQL has it, {0} is the column."""

    ADD = "{0} + excluded.{0}"
    MOST = "max({0}, excluded.{0})"
    LEAST = "min({0}, excluded.{0})"
    FIRST = "coalesce({0}, excluded.{0})"
    LAST = "excluded.{0}"
    SAID = "coalesce(nullif(excluded.{0}, ''), {0})"


class Table(NamedTuple):
    """One table of totals: its columns are keys, and then values."""

    name: str
    keys: tuple[str, ...]
    values: tuple[tuple[str, How], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.keys, *(name for name, _ in self.values))


OP_TOTAL = Table(
    "op_total",
    ("kind_id", "thread_id"),
    (("count", How.ADD), ("duration_ns", How.ADD), ("self_ns", How.ADD), ("longest_ns", How.MOST)),
)
"""The one of which there is much: `Columns` holds it packed."""
OP_OBSERVER = Table("op_observer", ("observer",), (("left_out", How.ADD), ("note", How.SAID)))
STEP_COUNT = Table("step_count", ("traceable_id", "kind"), (("steps", How.ADD), ("looked_at", How.ADD)))
STEP_CHANGE = Table(
    "step_change",
    ("traceable_id", "kind", "before", "after"),
    (("count", How.ADD), ("step", How.LEAST)),
)
STEP_LINE = Table(
    "step_line",
    ("traceable_id", "kind", "file", "line", "function"),
    (("nodes", How.ADD), ("backward_ns", How.ADD), ("saved_bytes", How.MOST)),
)
SAMPLING = Table("sampling", ("rate_hz", "start_ns"), (("end_ns", How.MOST), ("own_ns", How.ADD)))
SAMPLE = Table(
    "sample",
    ("stack_id", "activity", "phase", "thread_id"),
    (("is_main", How.FIRST), ("count", How.ADD), ("wall_ns", How.ADD), ("cpu_ns", How.ADD)),
)
STAY = Table(
    "stay",
    ("start_ns",),
    tuple((name, How.LAST) for name in ("end_ns", "stack_id", "activity", "phase", "cpu_ns")),
)
STACK = Table("stack", ("id",), tuple((name, How.LAST) for name in ("outer_id", "file", "line", "function")))
"""This and the next are no totals, but what they refer to."""
OP_KIND = Table(
    "op_kind",
    ("id",),
    tuple(
        (name, How.LAST)
        for name in (
            "framework", "name", "inputs", "stack_id", "is_backward", "is_traced", "is_outer", "sync",
        )
    ),
)  # fmt: skip
CALLS = Table(
    "calls",
    ("traceable_id",),
    (("compiled", How.ADD), ("eager", How.ADD), ("first_eager_call", How.FIRST)),
)
TABLES = {
    table.name: table
    for table in (
        STACK, OP_KIND, OP_TOTAL, OP_OBSERVER, STEP_COUNT, STEP_CHANGE, STEP_LINE, SAMPLING, SAMPLE, STAY,
        CALLS,
    )
}  # fmt: skip

_Row = tuple[Any, ...]


class Told:
    """Rows as they were told at once."""

    def __init__(self) -> None:
        self.ops = array("q")
        """Of `OP_TOTAL`: six numbers for each row."""
        self.rows: dict[str, list[Sequence[Any]]] = {}
        """Of the other tables."""

    def __bool__(self) -> bool:
        return bool(self.ops or self.rows)

    def clear(self) -> None:
        """Forget them."""
        self.ops, self.rows = array("q"), {}

    def taken(self) -> Told:
        """What was told until now; it is told no more."""
        found = Told()
        found.ops, found.rows = self.ops, self.rows
        self.clear()
        return found

    def add(self, table: Table, rows: Iterable[Sequence[Any]]) -> None:
        """Have rows told."""
        if table is OP_TOTAL:
            for row in rows:
                self.ops.extend(row)
        elif found := list(rows):
            self.rows.setdefault(table.name, []).extend(found)

    def add_ops(self, columns: Sequence[array[int]]) -> None:
        """Have rows of `OP_TOTAL` told, by its columns."""
        width = len(columns)
        ops = array("q", bytes(len(columns[0]) * width * 8))
        for at, column in enumerate(columns):
            ops[at::width] = column
        self.ops.extend(ops)


class Totals:
    """What rows add up to, that were told one after the other."""

    def __init__(self, told: Iterable[Told] = ()) -> None:
        self._rows: dict[str, dict[_Row, list[Any]]] = {}
        for one in told:
            self.add(one)

    def add(self, told: Told, only: Table | None = None) -> None:
        """Add what was told at once, of all tables or of one.

        Raises:
            ValueError, TypeError: the rows do not fit their tables.
        """
        if told.ops and only in (None, OP_TOTAL):
            self._add_ops(told.ops)
        for name, rows in told.rows.items():
            if only is None or only.name == name:
                self.add_rows(TABLES[name], rows)

    def _add_ops(self, ops: array[int]) -> None:
        known = self._rows.setdefault(OP_TOTAL.name, {})
        values = iter(ops)
        for kind, thread, count, duration_ns, self_ns, longest_ns in zip(*[values] * 6, strict=True):
            total = known.get((kind, thread))
            if total is None:
                known[kind, thread] = [count, duration_ns, self_ns, longest_ns]
                continue
            total[0] += count
            total[1] += duration_ns
            total[2] += self_ns
            if longest_ns > total[3]:  # noqa: PLR1730  `max` is a call
                total[3] = longest_ns

    def add_rows(self, table: Table, rows: Iterable[Sequence[Any]]) -> None:
        """Add rows of one table.

        Raises:
            ValueError, TypeError: they do not fit it.
        """
        known, width = self._rows.setdefault(table.name, {}), len(table.keys)
        for row in rows:
            if len(row) != width + len(table.values):
                raise ValueError(f"a row of {table.name} has {len(row)} columns")
            key, new = tuple(row[:width]), list(row[width:])
            old = known.get(key)
            if old is None:
                known[key] = new
            else:
                for at, (_, how) in enumerate(table.values):
                    old[at] = _joined(how, old[at], new[at])

    def rows(self, table: Table) -> list[_Row]:
        """The rows of a table, in the order in which they were first told."""
        return [(*key, *values) for key, values in self._rows.get(table.name, {}).items()]

    def insert(self, db: sqlite3.Connection) -> None:
        """Add all of it to the tables of a database.

        Many rows in one statement: each statement gives up the interpreter's lock, and to get it back beside
        a thread that runs Python costs more than the row.

        Raises:
            sqlite3.Error: it cannot be written.
        """
        for name in self._rows:
            table = TABLES[name]
            rows = self.rows(table)
            again = ", ".join(f"{column} = {how.value.format(column)}" for column, how in table.values)
            for first in range(0, len(rows), MAX_ROWS):
                part = rows[first : first + MAX_ROWS]
                marks = f"({','.join('?' * len(part[0]))})"
                db.execute(
                    f"insert into {name}({', '.join(table.columns)}) values {','.join([marks] * len(part))}"  # noqa: S608  names are ours
                    f" on conflict do update set {again}",
                    [value for row in part for value in row],
                )


def _joined(how: How, old: Any, new: Any) -> Any:
    """As SQL does it: what is not known makes a sum unknown."""
    if how is How.ADD:
        return None if old is None or new is None else old + new
    if how is How.MOST:
        return max(old, new)
    if how is How.LEAST:
        return min(old, new)
    if how is How.FIRST:
        return new if old is None else old
    if how is How.SAID:
        return new or old
    return new

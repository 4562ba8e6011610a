"""Writes rows of the tables as Parquet: a file for each table and process, a group of rows at a time.

It must not know where rows come from.
"""

from __future__ import annotations

import os
from itertools import chain, islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tracedbg.errors import MissingExtraError
from tracedbg.fleet.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tracedbg.fleet.rows import Row
    from tracedbg.fleet.tables import Table

NO_RANK = -1
"""The partition of processes that are of no rank. Hive's own word for null makes Arrow refuse a dataset that
has no other: it could not tell the type of the column."""
GROUP_ROWS = 10_000
"""Rows that are in memory at a time."""


def check_installed() -> None:
    """See that Parquet can be written.

    Raises:
        MissingExtraError: the package `pyarrow` is not installed.
    """
    try:
        import pyarrow.parquet  # noqa: F401, PLC0415  deferred: it is an extra
    except ImportError as error:
        raise MissingExtraError("writing Parquet", "export") from error


def partition_of(run_id: str, rank: int | None) -> str:
    """The folder of a rank below that of a table."""
    return os.path.join(run_partition(run_id), f"rank={NO_RANK if rank is None else rank}")


def run_partition(run_id: str) -> str:
    """The folder of a run below that of a table."""
    return f"run={quote(run_id, safe='')}"


def schema_of(table: Table) -> Any:
    """The columns of a table as Arrow has them."""
    import pyarrow as pa  # noqa: PLC0415  deferred: it is an extra

    text, integer = pa.string(), pa.int64()
    frame = pa.struct([("file", text), ("line", integer), ("function", text)])
    argument = pa.struct(
        [
            ("name", text),
            ("kind", text),
            ("type", text),
            ("dtype", text),
            ("shape", pa.list_(integer)),
            ("text", text),
        ]
    )
    types = {
        "text": text,
        "integer": integer,
        "boolean": pa.bool_(),
        "texts": pa.list_(text),
        "frame": frame,
        "stack": pa.list_(frame),
        "text map": pa.map_(text, text),
        "integer map": pa.map_(text, integer),
        "arguments": pa.list_(argument),
    }
    return pa.schema([(column.name, types[column.type]) for column in table.columns])


def write_rows(folder: str, name: str, rows: Iterable[Row], file: str, *, even_if_empty: bool = False) -> int:
    """Write rows of one table.

    Args:
        folder: of the rank's partition; made if there are any rows.
        name: of the table.
        rows: in the order of its columns.
        file: the name of the file.
        even_if_empty: whether a table without rows gets a file, too.

    Returns:
        How many rows.
    """
    remaining = iter(rows)
    first = list(islice(remaining, 1))
    if not first and not even_if_empty:
        return 0
    import pyarrow as pa  # noqa: PLC0415  deferred: it is an extra
    import pyarrow.parquet as pq  # noqa: PLC0415  likewise

    schema = schema_of(TABLES[name])
    count = 0
    os.makedirs(folder, mode=0o700, exist_ok=True)
    descriptor = os.open(os.path.join(folder, file), os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with (
        os.fdopen(descriptor, "wb") as stream,
        pq.ParquetWriter(stream, schema, compression="zstd") as writer,
    ):
        for group in _groups(chain(first, remaining)):
            columns = zip(*group, strict=True)
            arrays = [_array(pa, column, field.type) for column, field in zip(columns, schema, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            count += len(group)
    return count


def _array(pa: Any, values: tuple[Any, ...], of: Any) -> Any:
    try:
        return pa.array(values, of)
    except UnicodeEncodeError:  # a lone surrogate in the user's own text, which JSON has kept
        return pa.array([_storable(value) for value in values], of)


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return type(value)(map(_storable, value)) if isinstance(value, (list, tuple)) else value


def _groups(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while group := list(islice(rows, GROUP_ROWS)):
        yield group

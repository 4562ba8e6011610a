"""A row for each kernel of a profiler's files, as Parquet: for DuckDB and pandas. Of runs: `fleet`."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO

from tracedbg.errors import MissingExtraError
from tracedbg.report.kernel_export.slices import line_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.explain.kernels import Attributed, Explained
    from tracedbg.kernels import CallFrame

_COLUMNS = {
    "trace": "string",
    "device": "string",
    "stream": "string",
    "start_ns": "int64",
    "duration_ns": "int64",
    "name": "string",
    "kind": "string",
    "op": "string",
    "file": "string",
    "line": "int64",
    "function": "string",
    "lines": "list",
    "stack": "list",
    "whose": "string",
    "found_by": "string",
    "is_backward": "bool",
    "is_inferred": "bool",
}
"""Name -> its type in Arrow; those of `list` are lists of texts."""
_ROWS = 10_000
"""Rows that are in memory at a time."""


def write(explained: Sequence[Explained], stream: BinaryIO) -> None:
    """Write one table; `lines` and `stack` are lists of `file:line function`, the innermost first.

    Raises:
        MissingExtraError: the package `pyarrow` is not installed.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415  deferred: it is an extra
        import pyarrow.parquet as pq  # noqa: PLC0415  deferred: likewise
    except ImportError as error:
        raise MissingExtraError("writing Parquet", "export") from error
    types = {"string": pa.string(), "int64": pa.int64(), "bool": pa.bool_(), "list": pa.list_(pa.string())}
    schema = pa.schema({name: types[kind] for name, kind in _COLUMNS.items()})

    def table(rows: Sequence[tuple[Any, ...]]) -> Any:
        columns = zip(*rows, strict=True)
        arrays = [pa.array(column, of.type) for column, of in zip(columns, schema, strict=True)]
        return pa.Table.from_arrays(arrays, schema=schema)

    rows = (_kernel(each.timeline.file, one) for each in explained for one in each.kernels)
    with pq.ParquetWriter(stream, schema, compression="zstd") as writer:
        while part := list(islice(rows, _ROWS)):
            writer.write_table(table(part))


def _kernel(file: str, one: Attributed) -> tuple[Any, ...]:
    kernel = one.kernel
    return (
        file,
        kernel.device,
        kernel.stream,
        kernel.start_ns,
        one.duration_ns,
        kernel.name,
        kernel.kind.value,
        one.op or None,
        *_place(one.lines[0] if one.lines else None),
        [line_text(line) for line in one.lines],
        [line_text(frame) for frame in one.frames if frame.file],
        one.whose.value,
        one.rule.value,
        one.is_backward,
        one.is_inferred,
    )


def _place(line: CallFrame | None) -> tuple[str | None, int | None, str | None]:
    return (line.file, line.line, line.function) if line else (None, None, None)

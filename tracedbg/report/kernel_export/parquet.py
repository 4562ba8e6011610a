"""A row for each kernel, as Parquet: for DuckDB, pandas and Polars."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from tracedbg.errors import MissingExtraError
from tracedbg.report.kernel_export.slices import line_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.explain.kernels import Explained


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
    found = [(each.timeline.file, one) for each in explained for one in each.kernels]
    first = [one.lines[0] if one.lines else None for _, one in found]
    columns = {
        "trace": pa.array([file for file, _ in found], pa.string()),
        "device": pa.array([one.kernel.device for _, one in found], pa.string()),
        "stream": pa.array([one.kernel.stream for _, one in found], pa.string()),
        "start_ns": pa.array([one.kernel.start_ns for _, one in found], pa.int64()),
        "duration_ns": pa.array([one.duration_ns for _, one in found], pa.int64()),
        "kernel": pa.array([one.kernel.name for _, one in found], pa.string()),
        "kind": pa.array([one.kernel.kind.value for _, one in found], pa.string()),
        "op": pa.array([one.op or None for _, one in found], pa.string()),
        "file": pa.array([line and line.file for line in first], pa.string()),
        "line": pa.array([line and line.line for line in first], pa.int64()),
        "function": pa.array([line and line.function for line in first], pa.string()),
        "lines": pa.array(
            [[line_text(line) for line in one.lines] for _, one in found], pa.list_(pa.string())
        ),
        "stack": pa.array(
            [[line_text(frame) for frame in one.frames if frame.file] for _, one in found],
            pa.list_(pa.string()),
        ),
        "whose": pa.array([one.whose.value for _, one in found], pa.string()),
        "found_by": pa.array([one.rule.value for _, one in found], pa.string()),
        "is_backward": pa.array([one.is_backward for _, one in found], pa.bool_()),
        "is_inferred": pa.array([one.is_inferred for _, one in found], pa.bool_()),
    }
    pq.write_table(pa.table(columns), stream, compression="zstd")

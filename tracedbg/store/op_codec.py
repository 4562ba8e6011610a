"""The form of single executions of ops inside a recording: packed columns, as differences, compressed.

Four columns of 64-bit integers, one after the other: kind, thread, start (the difference to the row before),
duration.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from typing import TYPE_CHECKING

from tracedbg.ran import OpRows
from tracedbg.store.guarded import inflate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tracedbg.ran import OpKind

_COLUMNS = 4


def pack_rows(rows: OpRows, kinds: Sequence[int]) -> bytes:
    """Executions as they stand in the database; `kinds` has the number of each of `rows.kinds` there."""
    last, starts = 0, array("q")
    for start in rows.start_ns:
        starts.append(start - last)
        last = start
    columns = (
        array("q", [kinds[number] for number in rows.kind]),
        array("q", rows.thread_id),
        starts,
        array("q", rows.duration_ns),
    )
    return zlib.compress(b"".join(map(_bytes, columns)), 1)


def unpack_rows(blob: bytes, kinds: Mapping[int, OpKind]) -> OpRows:
    """The inverse of `pack_rows`; `kinds` has each kind by its number in the database.

    Raises:
        ValueError, KeyError: the bytes are damaged.
    """
    data = inflate(blob)
    values = array("q")
    values.frombytes(data)
    if sys.byteorder == "big":
        values.byteswap()
    count, left = divmod(len(values), _COLUMNS)
    if left:
        raise ValueError("a column of ops is shorter than the others")
    numbers, threads, differences, durations = (
        values[count * column : count * (column + 1)] for column in range(_COLUMNS)
    )
    order = list(dict.fromkeys(numbers))
    place = {number: position for position, number in enumerate(order)}
    total, starts = 0, array("q")
    for difference in differences:
        total += difference
        starts.append(total)
    return OpRows(
        kinds=tuple(kinds[number] for number in order),
        kind=array("I", [place[number] for number in numbers]),
        thread_id=threads,
        start_ns=starts,
        duration_ns=durations,
    )


def _bytes(column: array[int]) -> bytes:
    if sys.byteorder == "big":
        column.byteswap()
    return column.tobytes()

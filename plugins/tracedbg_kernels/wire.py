"""The wire format of protobuf, as far as it takes to read: no package, no generated code.

Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MORE = 0x80
_SIGN = 1 << 63
_WHOLE = 1 << 64
_MAX_VARINT_BITS = 70


class BrokenWireError(ValueError):
    """The bytes are no message, or end before it does."""

    def __init__(self, at: int) -> None:
        super().__init__(f"no protobuf message at byte {at}")
        self.at = at


def fields(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int, int]]:
    """The fields of a message: number, value, and where it ends.

    Of a number (varint or fixed) the value is the number and the end is -1; of bytes, a text or a message
    the value is where it begins. What is cut off is given as far as it goes, before the error.

    Raises:
        BrokenWireError: something is wrong, or cut off.
    """
    at = start
    end = len(data) if end is None else end
    while at < end:
        key, at = varint(data, at, end)
        kind = key & 7
        if kind == _VARINT:
            value, at = varint(data, at, end)
            yield key >> 3, value, -1
        elif kind == _BYTES:
            size, at = varint(data, at, end)
            if at + size > end:
                yield key >> 3, at, end
                raise BrokenWireError(end)
            yield key >> 3, at, at + size
            at += size
        elif kind in {_FIXED64, _FIXED32}:
            size = 8 if kind == _FIXED64 else 4
            if at + size > end:
                raise BrokenWireError(at)
            yield key >> 3, int.from_bytes(data[at : at + size], "little"), -1
            at += size
        else:
            raise BrokenWireError(at)


def varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """The number at `at`, and where the next thing begins."""
    value = shift = 0
    while at < end and shift < _MAX_VARINT_BITS:
        byte = data[at]
        at += 1
        value |= (byte & ~_MORE) << shift
        if not byte & _MORE:
            return value, at
        shift += 7
    raise BrokenWireError(at)


def signed(value: int) -> int:
    """An `int64` from its varint."""
    return value - _WHOLE if value & _SIGN else value


def packed(data: bytes, value: int, end: int) -> list[int]:
    """The numbers of a repeated field: one, or many in a block."""
    if end == -1:
        return [value]
    found = []
    at = value
    while at < end:
        number, at = varint(data, at, end)
        found.append(number)
    return found

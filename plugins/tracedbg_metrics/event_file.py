"""A file of TensorBoard's events: scalars and texts, written without TensorBoard, torch or TensorFlow.

It must not know what the numbers are. Source: tensorflow/core/util/event.proto, summary.proto and
lib/io/record_writer.cc of TensorFlow 2.21; the wire format: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import os
import socket
import struct
import time
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_VERSION = b"brain.Event:2"
_STRING = 7
"""DT_STRING."""
_POLYNOMIAL = 0x82F63B78
_MASK = 0xA282EAD8
_numbers = count()


def _table() -> tuple[int, ...]:
    found = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
        found.append(value)
    return tuple(found)


_TABLE = _table()


class EventFile:
    """One file in a folder that TensorBoard reads; what is written is there at once."""

    def __init__(self, folder: str) -> None:
        """Begin a file.

        Raises:
            OSError: it cannot be written.
        """
        os.makedirs(folder, exist_ok=True)
        now_s = time.time()
        name = f"events.out.tfevents.{now_s:010.0f}.{socket.gethostname()}.{os.getpid()}.{next(_numbers)}"
        self.path = os.path.join(folder, f"{name}.tracedbg")
        self._file = open(self.path, "ab", buffering=0)  # noqa: SIM115  it is closed by `close`
        self._write(_double(1, now_s) + _bytes(3, _VERSION))

    def add(self, step: int, scalars: Mapping[str, float], texts: Mapping[str, str]) -> None:
        """Write values of a step, by their tags.

        Raises:
            OSError: they cannot be written.
        """
        values = [_bytes(1, tag.encode()) + _float(2, value) for tag, value in scalars.items()]
        values += [_text(tag, text) for tag, text in texts.items()]
        summary = b"".join(_bytes(1, value) for value in values)
        self._write(_double(1, time.time()) + _varint(2, step) + _bytes(5, summary))

    def close(self) -> None:
        """End it."""
        self._file.close()

    def _write(self, event: bytes) -> None:
        """One record: its length and the event itself, each with its checksum."""
        size = struct.pack("<Q", len(event))
        self._file.write(size + _checksum(size) + event + _checksum(event))


def _text(tag: str, text: str) -> bytes:
    """A `Summary.Value` for the text plugin: a tensor of one string."""
    shape = _bytes(2, _bytes(2, _varint(1, 1)))
    tensor = _varint(1, _STRING) + shape + _bytes(8, text.encode())
    plugin = _bytes(1, _bytes(1, b"text"))
    return _bytes(1, tag.encode()) + _bytes(8, tensor) + _bytes(9, plugin)


def _varint(field: int, value: int) -> bytes:
    return _number(field << 3) + _number(value)


def _double(field: int, value: float) -> bytes:
    return _number(field << 3 | 1) + struct.pack("<d", value)


def _float(field: int, value: float) -> bytes:
    return _number(field << 3 | 5) + struct.pack("<f", value)


def _bytes(field: int, value: bytes) -> bytes:
    return _number(field << 3 | 2) + _number(len(value)) + value


def _number(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the highest bit says that more follow."""
    value &= (1 << 64) - 1
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _checksum(data: bytes) -> bytes:
    """CRC-32C, masked."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF)

"""A file's bytes in blocks, decompressed where it is gzip. It must not know what they mean."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from tracedbg.errors import TraceFileError
from tracedbg.kernels import Damage

if TYPE_CHECKING:
    from collections.abc import Iterator

_GZIP_MAGIC = b"\x1f\x8b"
_READ_BYTES = 1 << 18
_FEW_BYTES = 64
_GZIP_WINDOW = 31
"""For zlib: the largest window, with gzip's header."""


class Blocks:
    """The bytes of `file` in blocks of at most `size`; afterwards, `damage` says whether they broke off."""

    def __init__(self, file: str, size: int) -> None:
        self.file = file
        self.damage: Damage | None = None
        self._size = size

    def __iter__(self) -> Iterator[bytes]:
        """Read.

        Raises:
            TraceFileError: it cannot be opened.
        """
        try:
            with open(self.file, "rb") as opened:
                if opened.peek(2)[:2] == _GZIP_MAGIC:
                    yield from self._inflated(iter(lambda: opened.read(_READ_BYTES), b""))
                else:
                    yield from iter(lambda: opened.read(self._size), b"")
        except OSError as error:
            raise TraceFileError(f"cannot read {self.file}: {error.strerror or error}") from error

    def _inflated(self, packed: Iterator[bytes]) -> Iterator[bytes]:
        member = _Member()
        read = 0
        for block in packed:
            rest = block
            while rest:
                before = member.copy()
                try:
                    data, rest = member.feed(rest, self._size)
                except zlib.error:
                    at = read + len(block) - len(rest)
                    yield from self._up_to_the_damage(before, rest, at)
                    return
                if data:
                    yield data
            read += len(block)
        if member.is_within:
            self.damage = Damage("its gzip data break off", read)

    def _up_to_the_damage(self, member: _Member, block: bytes, at: int) -> Iterator[bytes]:
        """What of a block can be decompressed: a few bytes at a time, up to those that cannot."""
        for start in range(0, len(block), _FEW_BYTES):
            rest = block[start : start + _FEW_BYTES]
            while rest:
                try:
                    data, rest = member.feed(rest, self._size)
                except zlib.error:
                    self.damage = Damage("its gzip data are damaged", at + start)
                    return
                if data:
                    yield data


class _Member:
    """One member of a gzip file after the other: there may be several, and zeros behind the last."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(_GZIP_WINDOW)
        self.is_within = False
        """Whether one has begun and not ended."""

    def copy(self) -> _Member:
        """The same state, to go back to."""
        found = _Member()
        found._inflate, found.is_within = self._inflate.copy(), self.is_within
        return found

    def feed(self, data: bytes, size: int) -> tuple[bytes, bytes]:
        """At most `size` bytes of what `data` holds, and what is left of it.

        Raises:
            zlib.error: it is damaged.
        """
        self.is_within = True
        plain = self._inflate.decompress(data, size)
        if not self._inflate.eof:
            return plain, self._inflate.unconsumed_tail
        rest = self._inflate.unused_data.lstrip(b"\0")
        self._inflate, self.is_within = zlib.decompressobj(_GZIP_WINDOW), False
        return plain, rest

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
        inflate = zlib.decompressobj(_GZIP_WINDOW)
        is_within = False
        read = 0
        for block in packed:
            rest = block
            while rest:
                is_within = True
                try:
                    data = inflate.decompress(rest, self._size)
                except zlib.error:
                    self.damage = Damage(
                        f"its gzip data are damaged between the bytes {read} and", read + len(block)
                    )
                    return
                if data:
                    yield data
                rest = inflate.unconsumed_tail
                if inflate.eof:  # a gzip file may have several members, and zeros after the last
                    is_within = False
                    rest = inflate.unused_data.lstrip(b"\0")
                    inflate = zlib.decompressobj(_GZIP_WINDOW)
            read += len(block)
        if is_within:
            self.damage = Damage("its gzip data break off", read)
            yield inflate.flush()

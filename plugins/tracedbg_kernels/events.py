"""The events of a Chrome trace, a chunk at a time: any layout, bounded memory, also damaged ones.

A chunk ends where one event seems to end and the next to begin; that it decodes proves it. It must not know
what an event means.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from tracedbg.errors import TraceFileError
from tracedbg.kernels import Damage
from tracedbg_kernels.inflate import Blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

E = TypeVar("E")

CHUNK_BYTES = 1 << 19
"""Larger ones take longer: they no longer fit a cache of the processor."""
_MAX_HEAD = 64 << 20
_MAX_EVENT = 256 << 20
_MAX_DAMAGE = 5
_BETWEEN = re.compile(rb'\}\s*,\s*(?=\{\s*"(?:ph|name|cat|pid|tid|ts|dur|args|s|id|bp)")')
_LIST_OF = re.compile(rb'"traceEvents"\s*:\s*\[')
_AT_BYTE = re.compile(r"\(byte (\d+)\)$")
_LOOK_BACK = 1 << 13


class _Fault(Enum):
    ENDED = "trailing characters"
    """The list has ended, and something follows it."""
    CUT = "truncated"
    """An event has no end."""
    BROKEN = ""


class Events(Generic[E]):
    """The events of `file`, in lists; afterwards, `damage` says what could not be read."""

    def __init__(self, file: str, kind: type[E], chunk_bytes: int = CHUNK_BYTES) -> None:
        self.file = file
        self.damage: list[Damage] = []
        self.size_bytes = 0
        self._kind = kind
        self._decoder = msgspec.json.Decoder(list[kind])  # type: ignore[valid-type]
        self._blocks = Blocks(file, chunk_bytes)
        self._rest = b""
        self._at = 0
        """Where in the file `_rest` begins."""
        self._is_over = False
        self._left_out = 0

    def __iter__(self) -> Iterator[list[E]]:
        """Read.

        Raises:
            TraceFileError: it cannot be opened, or is no Chrome trace.
        """
        blocks = iter(self._blocks)
        self._find_list(blocks)
        for block in blocks:
            self.size_bytes += len(block)
            if not self._is_over:
                self._rest += block
                yield from self._chunk()
        yield from self._end()
        if self._blocks.damage is not None:
            self.damage.insert(0, self._blocks.damage)
        if self._left_out:
            self.damage.append(
                Damage(f"{self._left_out} of its events have values of another type than they should")
            )

    def _find_list(self, blocks: Iterator[bytes]) -> None:
        head = b""
        for block in blocks:
            head += block
            start = head.lstrip().startswith(b"[") and head.index(b"[") + 1
            found = _LIST_OF.search(head)
            if start or found:
                self._at = start or (found.end() if found else 0)
                self._rest = head[self._at :]
                self.size_bytes = len(head)
                return
            if len(head) > _MAX_HEAD:
                break
        if head:
            raise TraceFileError(f"{self.file} has no list of traceEvents: it is no Chrome trace")
        damage = self._blocks.damage
        told = " is empty" if damage is None else f": {damage.message} at byte {damage.byte}"
        raise TraceFileError(f"{self.file}{told}")

    def _chunk(self) -> Iterator[list[E]]:
        """The events that are whole in what is there of the file."""
        while cut := _last_boundary(self._rest):
            events, fault, at = self._parse(_as_list(self._rest[:cut]))
            if fault is None:
                self._advance(cut)
                yield events
                return
            if fault is _Fault.ENDED:
                self._is_over = True
                yield self._parse(b"[" + self._rest[:at])[0]
                return
            if fault is _Fault.CUT:  # what looked like a boundary is inside of an event: wait for its end
                break
            yield from self._skip(at)
        if len(self._rest) > _MAX_EVENT:
            raise TraceFileError(
                f"{self.file} has an event of over {_MAX_EVENT >> 20} MiB at byte {self._at}"
            )

    def _end(self) -> Iterator[list[E]]:
        """What is left at the end of the file, with the end of the list if nothing is missing."""
        while not self._is_over:
            text = b"[" + self._rest
            events, fault, at = self._parse(text)
            if fault is None or fault is _Fault.ENDED:
                self._is_over = True
                yield events if fault is None else self._parse(b"[" + self._rest[:at])[0]
            elif fault is _Fault.CUT:
                cut = _last_boundary(self._rest, is_whole=True)
                yield self._parse(_as_list(self._rest[:cut]))[0]
                yield self._parse(_as_list(self._rest[cut:]))[0]
                if self._blocks.damage is None:
                    self._note("its JSON breaks off", self.size_bytes)
                return
            else:
                yield from self._skip(at)

    def _skip(self, at: int) -> Iterator[list[E]]:
        """Give what comes before the event that is damaged at `at`, and leave that out."""
        self._note("its JSON is damaged, and an event left out", self._at + at)
        before = _last_boundary(self._rest[:at], is_whole=True)
        yield self._parse(_as_list(self._rest[:before]))[0]
        after = _BETWEEN.search(self._rest, at)
        self._advance(after.end() if after else len(self._rest))

    def _advance(self, count: int) -> None:
        self._rest = self._rest[count:]
        self._at += count

    def _parse(self, text: bytes) -> tuple[list[E], _Fault | None, int]:
        """The events of a list; else what is wrong, and at which byte after its bracket."""
        try:
            return self._decoder.decode(text), None, 0
        except msgspec.ValidationError:
            pass
        except msgspec.DecodeError as error:
            return [], *_fault(error, len(text))
        except UnicodeDecodeError:
            return self._parse(text.decode("utf-8", "replace").encode())
        try:
            return self._convertible(msgspec.json.decode(text)), None, 0
        except msgspec.DecodeError as error:
            return [], *_fault(error, len(text))
        except UnicodeDecodeError:
            return self._parse(text.decode("utf-8", "replace").encode())

    def _convertible(self, values: list[Any]) -> list[E]:
        """The events whose values can be read; the others are counted."""
        kept = []
        for value in values:
            try:
                kept.append(msgspec.convert(value, self._kind, strict=False))
            except msgspec.ValidationError:
                self._left_out += 1
        return kept

    def _note(self, message: str, byte: int) -> None:
        if len(self.damage) < _MAX_DAMAGE:
            self.damage.append(Damage(message, byte))


def _as_list(events: bytes) -> bytes:
    return b"[" + events.rstrip().removesuffix(b",") + b"]"


def _fault(error: msgspec.DecodeError, length: int) -> tuple[_Fault, int]:
    text = str(error)
    found = _AT_BYTE.search(text)
    at = int(found[1]) if found else length
    kind = next(fault for fault in _Fault if fault.value in text)
    if kind is _Fault.ENDED:
        at -= 1  # what follows was read already
    elif kind is _Fault.BROKEN and at >= length - 1:
        kind = _Fault.CUT  # by the bracket that we put there
    return kind, at - 1


def _last_boundary(text: bytes, *, is_whole: bool = False) -> int:
    """Where the last event of `text` begins; 0 if it has no beginning near its end.

    Args:
        text: some events.
        is_whole: look for it in all of the text.
    """
    back = _LOOK_BACK
    while True:
        start = max(len(text) - back, 0)
        last = 0
        for found in _BETWEEN.finditer(text, start):
            last = found.end()
        if last or start == 0 or (back >= _LOOK_BACK << 8 and not is_whole):
            return last
        back *= 16

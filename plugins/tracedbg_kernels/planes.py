"""An `XSpace`: planes of lines of events, with their names and values looked up.

Source: tsl/profiler/protobuf/xplane.proto of TensorFlow 2.21; a test compares with its own reader.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracedbg.kernels import Damage
from tracedbg_kernels.wire import BrokenWireError, fields, signed

if TYPE_CHECKING:
    from collections.abc import Iterator

Value = int | float | str | bytes
_PS_IN_NS = 1000


@dataclass
class Event:
    """Something on a line."""

    name: str
    start_ns: int
    duration_ns: int
    stats: dict[str, Value]


@dataclass
class Line:
    """Events one after the other, or in each other: a thread, or a stream."""

    number: int = 0
    name: str = ""
    start_ns: int = 0
    spans: list[tuple[int, int]] = field(default_factory=list)
    """Where its events lie in the file."""


class Plane:
    """One plane: a device, the host, or what is known of programs."""

    def __init__(self, data: bytes, start: int, end: int) -> None:
        self.name = ""
        self.damage: int | None = None
        """Where it breaks off."""
        self.lines: list[Line] = []
        self._data = data
        self._events: dict[int, tuple[int, int]] = {}
        self._event_names: dict[int, str] = {}
        self._stat_names: dict[int, str] = {}
        try:
            for number, value, stop in fields(data, start, end):
                self._take(number, value, stop)
        except BrokenWireError as error:
            self.damage = error.at

    def events(self, line: Line) -> Iterator[Event]:
        """The events of a line."""
        for start, end in line.spans:
            try:
                event = self._event(line, start, end)
            except BrokenWireError as error:
                self.damage = error.at
            else:
                yield event

    def metadata(self) -> Iterator[tuple[int, dict[str, Value]]]:
        """Number and values of each kind of event; of `/host:metadata`, these are programs."""
        for number, (start, end) in self._events.items():
            try:
                spans = [(value, stop) for at, value, stop in fields(self._data, start, end) if at == 5]
                stats = dict(self._stat(*span) for span in spans)
            except BrokenWireError as error:
                self.damage = error.at
            else:
                yield number, stats

    def _take(self, number: int, value: int, stop: int) -> None:
        if number == 2:
            self.name = self._string(value, stop)
        elif number == 3:
            self.lines.append(self._line(value, stop))
        elif number == 4:
            key, entry = self._entry(value, stop)
            self._events[key] = entry
            self._event_names[key] = self._name_of(*entry)
        elif number == 5:
            key, entry = self._entry(value, stop)
            self._stat_names[key] = self._name_of(*entry)

    def _string(self, start: int, end: int) -> str:
        return self._data[start:end].decode("utf-8", "replace")

    def _entry(self, start: int, end: int) -> tuple[int, tuple[int, int]]:
        """Key and value of an entry of a map."""
        key, entry = 0, (start, start)
        for number, value, stop in fields(self._data, start, end):
            if number == 1:
                key = signed(value)
            elif number == 2:
                entry = (value, stop)
        return key, entry

    def _name_of(self, start: int, end: int) -> str:
        return next(
            (self._string(value, stop) for at, value, stop in fields(self._data, start, end) if at == 2), ""
        )

    def _line(self, start: int, end: int) -> Line:
        line = Line()
        try:
            for number, value, stop in fields(self._data, start, end):
                if number == 1:
                    line.number = signed(value)
                elif number == 2:
                    line.name = self._string(value, stop)
                elif number == 3:
                    line.start_ns = signed(value)
                elif number == 4:
                    line.spans.append((value, stop))
        except BrokenWireError as error:
            self.damage = error.at
        return line

    def _event(self, line: Line, start: int, end: int) -> Event:
        name = offset_ps = duration_ps = 0
        stats: dict[str, Value] = {}
        for number, value, stop in fields(self._data, start, end):
            if number == 1:
                name = signed(value)
            elif number == 2:
                offset_ps = signed(value)
            elif number == 3:
                duration_ps = signed(value)
            elif number == 4:
                key, found = self._stat(value, stop)
                stats[key] = found
        start_ns = line.start_ns + round(offset_ps / _PS_IN_NS)
        text = self._event_names.get(name, f"event {name}")
        return Event(text, start_ns, round(duration_ps / _PS_IN_NS), stats)

    def _stat(self, start: int, end: int) -> tuple[str, Value]:
        key, found = 0, 0
        result: Value = 0
        for number, value, stop in fields(self._data, start, end):
            if number == 1:
                key = signed(value)
            elif number == 2:
                result = struct.unpack("<d", value.to_bytes(8, "little"))[0]
            elif number == 3:
                result = value
            elif number == 4:
                result = signed(value)
            elif number == 5:
                result = self._string(value, stop)
            elif number == 6:
                result = self._data[value:stop]
            elif number == 7:
                found = value
        return self._stat_names.get(key, ""), self._stat_names.get(found, "") if found else result


def planes_of(data: bytes) -> tuple[list[Plane], list[Damage]]:
    """The planes of an `XSpace`, and where it breaks off; damage within planes shows while they are read."""
    found: list[Plane] = []
    try:
        for number, start, end in fields(data):
            if number == 1 and end != -1:
                found.append(Plane(data, start, end))
    except BrokenWireError:
        return found, [Damage("it breaks off", len(data))]
    return found, []

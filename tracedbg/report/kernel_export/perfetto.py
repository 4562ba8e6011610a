"""Perfetto's own format, for https://ui.perfetto.dev: smaller than JSON, and slices may overlap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from tracedbg.errors import MissingExtraError
from tracedbg.report.kernel_export.slices import tracks_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tracedbg.explain.kernels import Explained
    from tracedbg.report.kernel_export.slices import AnyTrack, Slice

_SEQUENCE = 1
_AN_END = -1
_PACKET = b"\n"
"""Begins field 1 of a `Trace`: a packet."""
_SEVEN_BITS = 0x80
_VALUES = "debug_annotation_string_values"
_CLEARED, _NEEDED = 1, 2
"""Of `TracePacket.SequenceFlags`: nothing is interned yet; what is interned is needed."""


def write(explained: Sequence[Explained], stream: BinaryIO, more: Sequence[AnyTrack] = ()) -> None:
    """Write a track for each stream and thread, and `more`; slices that overlap go to a lane beside it.

    Raises:
        MissingExtraError: the package `perfetto` is not installed.
    """
    try:
        # Deferred: it is an extra.
        from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import TrackEvent  # noqa: PLC0415
        from perfetto.trace_builder.proto_builder import StreamingTraceProtoBuilder  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("writing Perfetto's format", "export") from error
    writer = _Writer(StreamingTraceProtoBuilder(stream), TrackEvent, stream)
    for track in (*tracks_of(explained), *more):
        for lane, slices in enumerate(track.lanes()):
            writer.write_track(f"{track.name}, lane {lane}" if lane else track.name, slices)


class _Writer:
    """Writes tracks, each text only once: later packets have its number."""

    def __init__(self, builder: Any, track_event: Any, stream: BinaryIO) -> None:
        self._builder = builder
        self._stream = stream
        self._begin, self._end = track_event.TYPE_SLICE_BEGIN, track_event.TYPE_SLICE_END
        self._tracks = 0
        self._is_first = True
        self._numbers: dict[tuple[str, str], int] = {}
        self._stamp = builder.create_packet()
        self._bodies: dict[int, bytes] = {}
        """Of the track: by kind, what its packets are but for their times."""

    def write_track(self, name: str, slices: Iterable[Slice]) -> None:
        """A track with its slices, none of which overlaps another without being inside of it."""
        self._tracks += 1
        self._bodies.clear()
        packet = self._builder.create_packet()
        packet.track_descriptor.uuid = self._tracks
        packet.track_descriptor.name = name
        self._builder.write_packet(packet)
        for time_ns, one in _ends(slices):
            self._write_end(time_ns, one)

    def _write_end(self, time_ns: int, one: Slice | None) -> None:
        kind = _AN_END if one is None else one.kind
        body = None if kind is None else self._bodies.get(kind)
        if body is None:
            known = len(self._numbers)
            body = self._body(one)
            if kind is not None and len(self._numbers) == known:  # and none of its texts is in it
                self._bodies[kind] = body
        self._stamp.timestamp = time_ns
        # Messages that are written one after the other are one message, as Protocol Buffers are encoded.
        packet = body + self._stamp.SerializeToString()
        self._stream.write(_PACKET + _varint(len(packet)) + packet)

    def _body(self, one: Slice | None) -> bytes:
        """A packet without its time."""
        packet = self._builder.create_packet()
        packet.trusted_packet_sequence_id = _SEQUENCE
        packet.sequence_flags = _NEEDED | (_CLEARED if self._is_first else 0)
        self._is_first = False
        event = packet.track_event
        event.track_uuid = self._tracks
        event.type = self._end if one is None else self._begin
        if one is not None:
            event.name_iid = self._interned(packet, "event_names", one.name)
            event.category_iids.append(self._interned(packet, "event_categories", one.category))
            for key, value in one.arguments.items():
                annotation = event.debug_annotations.add()
                annotation.name_iid = self._interned(packet, "debug_annotation_names", key)
                annotation.string_value_iid = self._interned(packet, _VALUES, value)
        body: bytes = packet.SerializeToString()
        return body

    def _interned(self, packet: Any, kind: str, text: str) -> int:
        """The number of `text`, which comes with this packet if it is new."""
        number = self._numbers.get((kind, text))
        if number is None:
            number = self._numbers[kind, text] = len(self._numbers) + 1
            entry = getattr(packet.interned_data, kind).add()
            entry.iid = number
            if kind == _VALUES:
                entry.str = text.encode()
            else:
                entry.name = text
        return number


def _ends(slices: Iterable[Slice]) -> Iterator[tuple[int, Slice | None]]:
    """The beginning of each slice, and the end of each (None), in the order in which they happen."""
    open_until_ns: list[int] = []
    for one in slices:
        while open_until_ns and open_until_ns[-1] <= one.start_ns:
            yield open_until_ns.pop(), None
        yield one.start_ns, one
        open_until_ns.append(one.start_ns + one.duration_ns)
    for end_ns in reversed(open_until_ns):
        yield end_ns, None


def _varint(number: int) -> bytes:
    """A length, as Protocol Buffers have it."""
    found = bytearray()
    while number >= _SEVEN_BITS:
        found.append(number % _SEVEN_BITS | _SEVEN_BITS)
        number //= _SEVEN_BITS
    found.append(number)
    return bytes(found)

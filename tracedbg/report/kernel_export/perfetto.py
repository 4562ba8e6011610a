"""Perfetto's own format, for https://ui.perfetto.dev: smaller than JSON, and slices may overlap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from tracedbg.errors import MissingExtraError
from tracedbg.report.kernel_export.slices import lanes, tracks_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.explain.kernels import Explained
    from tracedbg.report.kernel_export.slices import Slice, Track

_SEQUENCE = 1
_VALUES = "debug_annotation_string_values"
_CLEARED, _NEEDED = 1, 2
"""Of `TracePacket.SequenceFlags`: nothing is interned yet; what is interned is needed."""


def write(explained: Sequence[Explained], stream: BinaryIO, more: Sequence[Track] = ()) -> None:
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
    writer = _Writer(StreamingTraceProtoBuilder(stream), TrackEvent)
    for track in (*tracks_of(explained), *more):
        for lane, slices in enumerate(lanes(track.slices)):
            writer.write_track(f"{track.name}, lane {lane}" if lane else track.name, slices)


class _Writer:
    """Writes tracks, each text only once: later packets have its number."""

    def __init__(self, builder: Any, track_event: Any) -> None:
        self._builder = builder
        self._begin, self._end = track_event.TYPE_SLICE_BEGIN, track_event.TYPE_SLICE_END
        self._tracks = 0
        self._is_first = True
        self._numbers: dict[tuple[str, str], int] = {}

    def write_track(self, name: str, slices: Sequence[Slice]) -> None:
        """A track with its slices, none of which overlaps another without being inside of it."""
        self._tracks += 1
        packet = self._builder.create_packet()
        packet.track_descriptor.uuid = self._tracks
        packet.track_descriptor.name = name
        self._builder.write_packet(packet)
        for time_ns, one in _ends(slices):
            self._write_end(time_ns, one)

    def _write_end(self, time_ns: int, one: Slice | None) -> None:
        packet = self._builder.create_packet()
        packet.timestamp = time_ns
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
        self._builder.write_packet(packet)

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


def _ends(slices: Sequence[Slice]) -> list[tuple[int, Slice | None]]:
    """The beginning of each slice, and the end of each (None), in the order in which they happen."""
    found: list[tuple[int, Slice | None]] = []
    open_until_ns: list[int] = []
    for one in slices:
        while open_until_ns and open_until_ns[-1] <= one.start_ns:
            found.append((open_until_ns.pop(), None))
        found.append((one.start_ns, one))
        open_until_ns.append(one.start_ns + one.duration_ns)
    return found + [(end_ns, None) for end_ns in reversed(open_until_ns)]

"""Perfetto's own format, for https://ui.perfetto.dev: smaller than JSON, and slices may overlap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from tracedbg.errors import MissingExtraError
from tracedbg.report.kernel_export.slices import lanes, tracks_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.explain.kernels import Explained
    from tracedbg.report.kernel_export.slices import Slice

_SEQUENCE = 1


def write(explained: Sequence[Explained], stream: BinaryIO) -> None:
    """Write a track for each stream and thread; slices that overlap go to a lane beside it.

    Raises:
        MissingExtraError: the package `perfetto` is not installed.
    """
    try:
        # Deferred: it is an extra.
        from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import TrackEvent  # noqa: PLC0415
        from perfetto.trace_builder.proto_builder import StreamingTraceProtoBuilder  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("writing Perfetto's format", "export") from error
    builder = StreamingTraceProtoBuilder(stream)
    number = 0
    for track in tracks_of(explained):
        for lane, slices in enumerate(lanes(track.slices)):
            number += 1
            packet = builder.create_packet()
            packet.track_descriptor.uuid = number
            packet.track_descriptor.name = f"{track.name}, lane {lane}" if lane else track.name
            builder.write_packet(packet)
            for time_ns, one in _ends(slices):
                packet = builder.create_packet()
                packet.timestamp = time_ns
                packet.trusted_packet_sequence_id = _SEQUENCE
                packet.track_event.track_uuid = number
                if one is None:
                    packet.track_event.type = TrackEvent.TYPE_SLICE_END
                else:
                    packet.track_event.type = TrackEvent.TYPE_SLICE_BEGIN
                    _describe(packet.track_event, one)
                builder.write_packet(packet)


def _describe(event: Any, one: Slice) -> None:
    event.name = one.name
    event.categories.append(one.category)
    for key, value in one.arguments.items():
        annotation = event.debug_annotations.add()
        annotation.name, annotation.string_value = key, value


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

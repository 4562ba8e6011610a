"""Chrome's trace format: for chrome://tracing and everything that reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from tracedbg.report.kernel_export.slices import tracks_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tracedbg.explain.kernels import Explained
    from tracedbg.report.kernel_export.slices import AnyTrack


def write(explained: Sequence[Explained], stream: BinaryIO, more: Sequence[AnyTrack] = ()) -> None:
    """Write an event for each slice, one to a line; those of the tracks of `more` as well."""
    encode = msgspec.json.Encoder().encode
    stream.write(b'{"displayTimeUnit": "ns", "traceEvents": [\n')
    events = enumerate(_events(encode, (*tracks_of(explained), *more)))
    stream.writelines((b",\n" if number else b"") + encode(event) for number, event in events)
    stream.write(b"\n]}\n")


def _events(encode: Callable[[Any], bytes], tracks: Sequence[AnyTrack]) -> Iterator[dict[str, Any]]:
    groups: dict[str, int] = {}
    for thread, track in enumerate(tracks):
        if track.group not in groups:
            groups[track.group] = len(groups)
            yield _named("process_name", groups[track.group], 0, track.group)
        process = groups[track.group]
        yield _named("thread_name", process, thread, track.name)
        known: dict[int, msgspec.Raw] = {}
        for one in track.slices:
            arguments: dict[str, str] | msgspec.Raw = one.arguments
            if one.kind is not None:  # the same again and again
                if one.kind not in known:
                    known[one.kind] = msgspec.Raw(encode(arguments))
                arguments = known[one.kind]
            yield {
                "ph": "X",
                "name": one.name,
                "cat": one.category,
                "pid": process,
                "tid": thread,
                "ts": one.start_ns / 1000,
                "dur": one.duration_ns / 1000,
                "args": arguments,
            }


def _named(what: str, process: int, thread: int, name: str) -> dict[str, Any]:
    return {"ph": "M", "name": what, "pid": process, "tid": thread, "args": {"name": name}}

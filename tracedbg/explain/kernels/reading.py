"""From a profiler's file to its kernels with their lines: puts sources, sidecar and attribution together."""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracedbg import plugins
from tracedbg.errors import TraceFileError
from tracedbg.explain.kernels.attribute import Attribution
from tracedbg.explain.kernels.hints import hints
from tracedbg.explain.kernels.host import host_kernels
from tracedbg.explain.kernels.infer import infer_before, infer_replayed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.explain.kernels.attributed import Attributed
    from tracedbg.explain.kernels.view import View
    from tracedbg.kernels import Sidecar, Timeline

_HEAD_BYTES = 1 << 16
_GZIP_WINDOW = 31
_SOME_FILES = 3


@dataclass(frozen=True)
class Explained:
    """The kernels of one file, with their lines."""

    timeline: Timeline
    kernels: list[Attributed]
    attribution: Attribution
    is_host_time: bool = False
    """Whether there was no device, so that these are the ops of the CPU."""
    notes: tuple[str, ...] = field(default=())
    """What could be done to see more."""

    @property
    def total_ns(self) -> int:
        """The time of all kernels."""
        return sum(one.duration_ns for one in self.kernels)


def read_timeline(file: str, source: str | None = None) -> Timeline:
    """What `file` tells.

    Args:
        file: a profiler's file.
        source: the name of the kernel source that is to read it; by default the first that recognises it.

    Raises:
        TraceFileError: it cannot be read.
        UnknownPluginError: there is no such source.
    """
    head = _head(file)
    if source is not None:
        return plugins.load_source(source).read(file)
    names = plugins.source_names()
    for name in names:
        reader = plugins.load_source(name)
        if reader.recognises(file, head):
            return reader.read(file)
    raise TraceFileError(f"{file} is of no format that is known; installed: {', '.join(names)}")


def explain(
    timeline: Timeline,
    view: View | None = None,
    sidecar: Sidecar | None = None,
    captures: Sequence[Timeline] = (),
) -> Explained:
    """The kernels of `timeline` with their lines; without any, the ops of its CPU.

    Args:
        timeline: what a source has read.
        view: whose lines count.
        sidecar: what is known beyond it; by default what stands beside the file.
        captures: other timelines, in which the graphs were captured that this one replays.
    """
    from tracedbg.explain.kernels.sidecar import read_sidecar  # noqa: PLC0415  deferred: it loads msgspec

    sidecar = read_sidecar(timeline.file) if sidecar is None else sidecar
    attribution = Attribution(timeline, view, sidecar)
    if not timeline.kernels:
        kernels = [attribution.of(kernel) for kernel in host_kernels(timeline)]
        return Explained(timeline, kernels, attribution, is_host_time=True, notes=hints(timeline, kernels))
    found = [attribution.of(kernel) for kernel in timeline.kernels]
    others = [Attribution(capture, view, read_sidecar(capture.file)) for capture in captures]
    found = infer_before(infer_replayed(found, [attribution, *others]))
    return Explained(timeline, found, attribution, notes=hints(timeline, found))


def _head(file: str) -> bytes:
    """How `file` begins, after decompression.

    Raises:
        TraceFileError: it is empty, a folder, or cannot be opened.
    """
    if os.path.isdir(file):
        raise TraceFileError(_about_folder(file))
    try:
        with open(file, "rb") as opened:
            head = opened.read(_HEAD_BYTES)
    except OSError as error:
        raise TraceFileError(f"cannot read {file}: {error.strerror or error}") from error
    if not head:
        raise TraceFileError(f"{file} is empty")
    try:
        return zlib.decompressobj(_GZIP_WINDOW).decompress(head, _HEAD_BYTES)
    except zlib.error:
        return head


def _about_folder(folder: str) -> str:
    endings = (".json", ".json.gz", ".sqlite", ".xplane.pb")
    found = [
        os.path.join(where, name)
        for where, _, names in os.walk(folder)
        for name in sorted(names)
        if name.endswith(endings)
    ]
    if not found:
        return f"{folder} is a folder, and no profiler's file is in it"
    some = ", ".join(found[:_SOME_FILES]) + (", ..." if len(found) > _SOME_FILES else "")
    return f"{folder} is a folder; name a file in it: {some}"

"""Times a function's kernels in this process, and tells them by line."""

from __future__ import annotations

from collections import Counter

from tracedbg.source import is_user_file


def kernels(function, times=2):
    """What the profiler saw of `function`, which was called once before."""
    from adapters.sink import ListSink
    from tracedbg.adapters.torch_kernels.generated import Generated
    from tracedbg.adapters.torch_kernels.recording import TorchRecording
    from tracedbg.hooks import Hooks

    sink = ListSink()
    recording = TorchRecording(Hooks(sink, "torch_kernels"), Generated())
    function()
    assert recording.start()
    for _ in range(times):
        function()
    seen = recording.stop()
    assert sink.events == []
    return seen.kernels


def line_of(kernel):
    """The innermost line of the user's."""
    return next((frame.line for frame in kernel.frames if frame.file and is_user_file(frame.file)), None)


def by_line(found):
    """(line, whether in the backward) -> nanoseconds."""
    times = Counter()
    for kernel in found:
        times[line_of(kernel), kernel.is_backward] += kernel.duration_ns
    return times

"""CPU ops as kernels: what a machine without a device has instead, each with the time of its own.

It must not know where ops were read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.kernels import Kernel, Kind, Launch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracedbg.kernels import Spans, ThreadKey, Timeline

CPU = "cpu"


def host_kernels(timeline: Timeline) -> list[Kernel]:
    """All ops of all threads, in the order of their starts; those without time of their own are left out."""
    found = [
        kernel
        for key, thread in timeline.threads.items()
        for kernel in _of_thread(key, thread.ops, timeline.names)
    ]
    return sorted(found, key=lambda kernel: kernel.start_ns)


def _of_thread(key: ThreadKey, ops: Spans, names: list[str]) -> Iterator[Kernel]:
    own_ns = _own_times(ops)
    for row, duration_ns in enumerate(own_ns):
        if duration_ns > 0:
            start_ns, name = ops.start_ns[row], names[ops.names[row]]
            launch = Launch(key, start_ns, name, name)
            yield Kernel(CPU, key.thread, start_ns, duration_ns, name, Kind.HOST_OP, launch, name)


def _own_times(ops: Spans) -> list[int]:
    """The time of each op that it spent in no other op."""
    own: list[int] = []
    stack: list[int] = []
    for start_ns, end_ns in zip(ops.start_ns, ops.end_ns, strict=True):
        while stack and ops.end_ns[stack[-1]] <= start_ns:
            stack.pop()
        if stack:
            own[stack[-1]] -= min(end_ns, ops.end_ns[stack[-1]]) - start_ns
        stack.append(len(own))
        own.append(end_ns - start_ns)
    return own

"""Kernels of a GPU: the place of the host from which each was launched."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_kernels.tree import place_of
from tracedbg.kernels import Kernel, Kind, Launch, ThreadKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.adapters.torch_kernels.tree import Op, Place, Walked

_KINDS = {"Memcpy": Kind.COPY, "Memset": Kind.FILL}


def device_kernels(results: Any, walked: Walked) -> tuple[Kernel, ...]:
    """What ran on devices other than the CPU; empty where nothing did."""
    launches: dict[int, Any] = {}
    on_device: list[Any] = []
    for event in results.events():
        if event.device_type().name == "CPU":
            number = event.correlation_id()
            if event.linked_correlation_id() and number:
                launches.setdefault(number, event)
        elif not event.is_user_annotation():
            on_device.append(event)
    if not on_device:
        return ()
    ops = {op.event.correlation_id: op for op in walked.ops}
    calls = Calls(walked.calls)
    return tuple(
        _kernel(event, launches.get(event.correlation_id()), ops, calls, walked) for event in on_device
    )


def _kernel(event: Any, launch: Any, ops: dict[int, Op], calls: Calls, walked: Walked) -> Kernel:
    op = ops.get(event.linked_correlation_id())
    place: Place | None
    if op is not None:
        place, is_backward = place_of(op.place, walked.forwards)
    else:  # a kernel that Python launches itself, as Triton's
        found = None if launch is None else calls.at(launch.start_thread_id(), launch.start_ns())
        place, is_backward = (None, False) if found is None else place_of(found, walked.forwards)
    return Kernel(
        device=f"{event.device_type().name.lower()}:{event.device_index()}",
        stream=str(event.device_resource_id()),
        start_ns=event.start_ns(),
        duration_ns=event.duration_ns(),
        name=event.name(),
        kind=next((kind for begin, kind in _KINDS.items() if event.name().startswith(begin)), Kind.KERNEL),
        launch=None
        if launch is None
        else Launch(ThreadKey("", str(launch.start_thread_id())), launch.start_ns(), launch.name()),
        op="" if op is None else op.event.name,
        frames=() if place is None else place.stack.frames,
        fused=() if place is None else place.fused,
        is_backward=is_backward,
    )


class Calls:
    """The calls of a tree, to be found by thread and time."""

    def __init__(self, calls: Sequence[tuple[int, int, int, Place]]) -> None:
        """Prepare.

        Args:
            calls: thread, start, end and place of each; an inner one after those around it.
        """
        self._threads: dict[int, tuple[list[int], list[tuple[int, Place]]]] = {}
        for thread, start_ns, end_ns, place in sorted(calls, key=lambda call: (call[0], call[1])):
            starts, found = self._threads.setdefault(thread, ([], []))
            starts.append(start_ns)
            found.append((end_ns, place))

    def at(self, thread: int, time_ns: int) -> Place | None:
        """Where that thread was then: the last call to begin before it that was still under way."""
        starts, found = self._threads.get(thread, ([], []))
        for number in range(bisect_right(starts, time_ns) - 1, -1, -1):
            end_ns, place = found[number]
            if end_ns >= time_ns:
                return place
        return None

"""The JSON of torch.profiler (Kineto), packed or not: the form of 2021 and today's, CUDA and ROCm.

It must not know how a line is found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec

from tracedbg.errors import TraceFileError
from tracedbg.kernels import NO_SEQUENCE, Kind, ThreadKey, Timeline
from tracedbg_kernels.columns import Launches, Names, Works, sort_spans
from tracedbg_kernels.events import Events
from tracedbg_kernels.frames import frame_of, stack_of

if TYPE_CHECKING:
    from tracedbg.kernels import CallFrame

_WORK = {
    "kernel": Kind.KERNEL,
    "Kernel": Kind.KERNEL,
    "concurrent_kernel": Kind.KERNEL,
    "gpu_memcpy": Kind.COPY,
    "Memcpy": Kind.COPY,
    "gpu_memset": Kind.FILL,
    "Memset": Kind.FILL,
}
_RUNTIME = frozenset(
    {
        "cuda_runtime",
        "cuda_driver",
        "hip_runtime",
        "hip_driver",
        "xpu_runtime",
        "privateuse1_runtime",
        "Runtime",
    }
)
_OPS = frozenset({"cpu_op", "Operator"})
_FLOWS = frozenset({"fwdbwd", "forward_backward"})
_FRAMES = "python_function"


_Time = (
    Annotated[int, msgspec.Meta(ge=-(10**15), le=10**16)] | Annotated[float, msgspec.Meta(ge=-1e15, le=1e16)]
)
"""Microseconds, of which 64 bits hold the nanoseconds."""
_Number = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class _Args(
    msgspec.Struct,
    gc=False,
    rename={
        "external": "External id",
        "external_2021": "external id",
        "sequence": "Sequence number",
        "forward_thread": "Fwd thread id",
        "python_id": "Python id",
        "python_parent": "Python parent id",
        "call_stack": "Call stack",
    },
):
    external: _Number | None = None
    python_id: _Number | None = None
    python_parent: _Number | None = None
    correlation: _Number | None = None
    external_2021: _Number | None = None
    sequence: _Number | None = None
    forward_thread: _Number | None = None
    call_stack: str = ""
    kernel: str = ""
    kernel_file: str = ""
    device: int | str | None = None
    stream: int | str | None = None


class _Event(msgspec.Struct, gc=False):
    ph: str = ""
    cat: str = ""
    name: str = ""
    pid: int | str = 0
    tid: int | str = 0
    ts: _Time = 0
    dur: _Time = 0
    id: int | str | None = None
    args: _Args | None = None


_NO_ARGS = _Args()
_Place = tuple[str, Any, Any]


class KinetoSource:
    """Reads what `torch.profiler`'s `export_chrome_trace` writes."""

    name: ClassVar[str] = "kineto"

    def recognises(self, file: str, head: bytes) -> bool:
        """JSON begins with a brace or a bracket."""
        if file.endswith(".pb"):
            return False
        return head.lstrip()[:1] in {b"{", b"["} or file.endswith((".json", ".json.gz"))

    def read(self, file: str) -> Timeline:
        """Read all of it.

        Raises:
            TraceFileError: it is no Chrome trace, or nothing of it ran.
        """
        reading = _Reading(file)
        events = Events(file, _Event)
        for chunk in events:
            reading.take(chunk)
        return reading.finish(events)


class _Reading:
    """One reading of one file: events are sorted into columns, chunk by chunk."""

    def __init__(self, file: str) -> None:
        self._timeline = Timeline(file, KinetoSource.name, frame_of=frame_of)
        self._names = Names(self._timeline.names)
        self._keys: dict[tuple[Any, Any], ThreadKey] = {}
        self._launches = Launches(self._names)
        self._works = Works(self._names)
        self._begun: dict[Any, tuple[ThreadKey, int]] = {}
        self._ended: dict[Any, tuple[ThreadKey, int]] = {}
        self._stacks: dict[str, tuple[CallFrame, ...]] = {}

    def take(self, events: list[_Event]) -> None:
        """Sort a chunk of events by what they are and where they ran, and each group into its columns."""
        groups: dict[_Place, list[_Event]] = {}
        for event in events:
            place = (event.cat, event.pid, event.tid)
            group = groups.get(place)
            if group is None:
                groups[place] = [event]
            else:
                group.append(event)
        for (category, process, thread), group in groups.items():
            key = self._key(process, thread)
            if category == _FRAMES:
                self._take_frames(key, group)
            elif category in _OPS:
                self._take_ops(key, group)
            elif category in _RUNTIME:
                self._take_launches(key, group)
            elif category in _WORK:
                self._take_works(_WORK[category], group)
            elif category in _FLOWS:
                self._take_flows(key, group)

    def finish(self, events: Events[_Event]) -> Timeline:
        """The timeline of all that was taken.

        Raises:
            TraceFileError: nothing of it ran.
        """
        timeline = self._timeline
        timeline.damage, timeline.size_bytes = events.damage, events.size_bytes
        launched = self._launches.of(self._works.correlations)
        timeline.kernels = self._works.kernels(launched)
        timeline.captured = self._launches.without(self._works.correlations)
        timeline.forwards = {
            ended: self._begun[flow] for flow, ended in self._ended.items() if flow in self._begun
        }
        has_frames = any(len(thread.frames) for thread in timeline.threads.values())
        for thread in timeline.threads.values():
            if (
                has_frames
            ):  # they know more than the stacks at ops, whose lines then begin their functions as well
                thread.ops.stacks.clear()
            sort_spans(thread.ops)
            sort_spans(thread.frames)
        if not timeline.kernels and not any(map(len, (t.ops for t in timeline.threads.values()))):
            told = f" ({events.damage[0].message})" if events.damage else ""
            raise TraceFileError(f"{events.file} has neither kernels nor ops of a profiler{told}")
        return timeline

    def _key(self, process: Any, thread: Any) -> ThreadKey:
        key = self._keys.get((process, thread))
        if key is None:
            key = self._keys[process, thread] = ThreadKey(str(process), str(thread))
        return key

    def _take_frames(self, key: ThreadKey, events: list[_Event]) -> None:
        frames = self._timeline.thread(key).frames
        self._take_times(frames, events)
        frames.ids.extend([event.args.python_id or 0 if event.args else 0 for event in events])
        frames.parent_ids.extend([event.args.python_parent or 0 if event.args else 0 for event in events])

    def _take_times(self, spans: Any, events: list[_Event]) -> None:
        name_of = self._names.row
        starts = [round(event.ts * 1000) for event in events]
        spans.start_ns.extend(starts)
        spans.end_ns.extend(
            [start + round(event.dur * 1000) for start, event in zip(starts, events, strict=True)]
        )
        spans.names.extend([name_of(event.name) for event in events])

    def _take_ops(self, key: ThreadKey, events: list[_Event]) -> None:
        ops = self._timeline.thread(key).ops
        first = len(ops)
        self._take_times(ops, events)
        all_args = [event.args or _NO_ARGS for event in events]
        ops.ids.extend([args.external or 0 for args in all_args])
        ops.sequences.extend([NO_SEQUENCE if args.sequence is None else args.sequence for args in all_args])
        ops.forward_threads.extend([args.forward_thread or 0 for args in all_args])
        for row, args in enumerate(all_args, first):
            if args.kernel_file:
                ops.sources[row] = args.kernel_file
            if args.call_stack:
                ops.stacks[row] = self._stack(args.call_stack)

    def _stack(self, text: str) -> tuple[CallFrame, ...]:
        stack = self._stacks.get(text)
        if stack is None:
            stack = self._stacks[text] = stack_of(text)
        return stack

    def _take_launches(self, key: ThreadKey, events: list[_Event]) -> None:
        for event in events:
            args = event.args
            if args is not None and args.correlation:
                self._launches.add(key, round(event.ts * 1000), event.name, args.kernel, args.correlation)

    def _take_works(self, kind: Kind, events: list[_Event]) -> None:
        for event in events:
            args = event.args or _NO_ARGS
            device = event.pid if args.device is None else args.device
            stream = event.tid if args.stream is None else args.stream
            self._works.add(
                kind,
                (str(device), str(stream)),
                round(event.ts * 1000),
                round(event.dur * 1000),
                event.name,
                args.correlation or 0,
                args.external or args.external_2021 or 0,
            )

    def _take_flows(self, key: ThreadKey, events: list[_Event]) -> None:
        for event in events:
            ends = self._begun if event.ph == "s" else self._ended
            ends[event.id] = (key, round(event.ts * 1000))

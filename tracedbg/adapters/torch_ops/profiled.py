"""Without the observer: what torch.profiler sees of the ops in a short window. It is less, and said to be."""

from __future__ import annotations

import os
import threading
import weakref
from array import array
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_kernels.attach import open_window
from tracedbg.adapters.torch_kernels.generated import Generated
from tracedbg.adapters.torch_kernels.recording import TorchRecording
from tracedbg.adapters.torch_kernels.tree import place_of
from tracedbg.adapters.torch_ops.compiled import is_generated
from tracedbg.adapters.torch_ops.syncs import IS_INDEXING, names
from tracedbg.events import Frame
from tracedbg.hooks import Hooks
from tracedbg.kernels import KernelsSeen
from tracedbg.main_thread import MainThread
from tracedbg.op_window import MAX_ROWS
from tracedbg.ran import OpKind, OpRows, OpsSeen, OpTotal
from tracedbg.source import is_user_file
from tracedbg.ticker import Ticker
from tracedbg.window import WindowSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracedbg.adapters.torch_kernels.tree import Op, Place, Walked
    from tracedbg.events import Event
    from tracedbg.hooks import Sink
    from tracedbg.op_window import OpWindow
    from tracedbg.window import Window

NAME = "torch.profiler"
LOOK_S = 0.1
MAX_USER_FRAMES = 16
_NAMES = names()


def profile(hooks: Hooks, wanted: OpWindow, why: str) -> None:
    """Have one window of the program profiled.

    Args:
        hooks: where to install, and whom to tell.
        wanted: how much of the program was asked for; as much of it is profiled, from the first step on that
            repeats itself.
        why: there is no observer.
    """
    generated = Generated()
    sink = _AsOps(hooks.sink, why)
    inner = Hooks(sink, hooks.name)
    recording = _Recording(inner, generated, has_rows=not wanted.is_empty)
    sink.recording = recording
    window = open_window(recording, inner, spec_of(wanted), at_once=False)
    main = MainThread(window.look)

    def look() -> bool:
        if window.is_due:
            main.ask()
        return not window.is_done

    ticker = Ticker(look, LOOK_S)
    ticker.start()
    _open.add(window)
    hooks.on_remove(inner.remove)
    hooks.on_remove(window.close)
    hooks.on_remove(ticker.stop)


def spec_of(wanted: OpWindow) -> WindowSpec:
    """As much as was asked for."""
    if wanted.is_empty or wanted.function:
        return WindowSpec.parse("")
    return WindowSpec.parse(f"{wanted.end - wanted.begin:g}{'s' if wanted.is_seconds else ''}", "--ops-steps")


_open: weakref.WeakSet[Window] = weakref.WeakSet()


def _before_fork() -> None:
    for window in list(_open):
        if window.is_open:  # a child could neither end it nor use it
            window.close("the program forked")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork)


class _AsOps:
    """A sink that tells of ops where a window tells of kernels."""

    def __init__(self, sink: Sink, why: str) -> None:
        self._sink = sink
        self._why = why
        self.recording: _Recording | None = None

    def emit(self, event: Event) -> None:
        """See `Sink`; the same for the methods below."""
        if isinstance(event, KernelsSeen):
            note = "; ".join(filter(None, (self._note(event), event.note)))
            seen = self.recording.seen if self.recording is not None else OpsSeen(NAME)
            event = replace(seen, rows=_moved(seen.rows, event.start_ns), note=note)
        self._sink.emit(event)

    def _note(self, event: KernelsSeen) -> str:
        ms = (event.end_ns - event.start_ns) / 1e6
        what = f"{event.steps} steps" if event.steps else f"{ms:.0f} ms"
        return f"{what} of the program, and no more: {self._why}"

    def flush(self) -> None:
        self._sink.flush()

    def new_id(self) -> int:
        return self._sink.new_id()

    def now_ns(self) -> int:
        return self._sink.now_ns()


class _Recording(TorchRecording):
    """As of kernels, but that ops are what is looked for."""

    has_shapes = True

    def __init__(self, hooks: Hooks, generated: Generated, *, has_rows: bool) -> None:
        super().__init__(hooks, generated)
        self._has_rows = has_rows
        self.seen = OpsSeen(NAME)

    def _seen(self, results: Any, walked: Walked) -> KernelsSeen | None:
        told = super()._seen(results, walked)
        self.seen = _OpsOf(walked, self._generated).seen(has_rows=self._has_rows)
        return told


@dataclass
class _Total:
    """An `OpTotal` that is being added up."""

    count: int = 0
    duration_ns: int = 0
    self_ns: int = 0
    longest_ns: int = 0


class _OpsOf:
    """The ops of one profile."""

    def __init__(self, walked: Walked, generated: Generated) -> None:
        self._walked = walked
        self._generated = generated
        self._kinds: dict[tuple[Any, ...], OpKind] = {}
        self._shown = {id(op.event) for op in walked.ops}

    def seen(self, *, has_rows: bool) -> OpsSeen:
        """In totals; and one by one, up to a bound."""
        totals: dict[tuple[OpKind, int], _Total] = {}
        rows, places, left_out = OpRows(), dict[OpKind, int](), 0
        threads = _threads(self._walked.ops)
        for op in self._walked.ops:
            kind, event = self._kind(op), op.event
            thread = threads[event.start_tid]
            total = totals.setdefault((kind, thread), _Total())
            total.count += 1
            total.duration_ns += event.duration_time_ns
            total.self_ns += max(op.self_ns, 0)
            total.longest_ns = max(total.longest_ns, event.duration_time_ns)
            if has_rows and len(rows) < MAX_ROWS:
                rows.kind.append(places.setdefault(kind, len(places)))
                rows.thread_id.append(thread)
                rows.start_ns.append(event.start_time_ns)
                rows.duration_ns.append(event.duration_time_ns)
            else:
                left_out += has_rows
        told = tuple(
            OpTotal(kind, thread, one.count, one.duration_ns, one.self_ns, one.longest_ns)
            for (kind, thread), one in totals.items()
        )
        return OpsSeen(NAME, told, _zeroed(rows, tuple(places)), left_out + self._walked.dropped)

    def _kind(self, op: Op) -> OpKind:
        place, is_backward = place_of(op.place, self._walked.forwards)
        sync, is_outer = self._around(op.event)
        traced = bool(op.place.fused) or self._is_in_generated(op.place)
        key = (op.event.name, _inputs(op.event), _stack(place), is_backward, traced, is_outer, sync)
        kind = self._kinds.get(key)
        if kind is None:
            kind = self._kinds[key] = OpKind("torch", *key)
        return kind

    def _is_in_generated(self, place: Place) -> bool:
        return place.body is not None and self._generated.owns(place.body.file)

    def _around(self, event: Any) -> tuple[str, bool]:
        """What the op makes the host wait for, if no op around it is said to; and whether there is none."""
        sync, traits = _NAMES.get(event.name, ("", 0))
        is_outer, is_in_sync, is_indexing = True, False, bool(traits & IS_INDEXING)
        for outer in _parents(event):
            is_outer = is_outer and id(outer) not in self._shown
            around, bits = _NAMES.get(outer.name, ("", 0))
            is_in_sync = is_in_sync or bool(around)
            is_indexing = is_indexing or bool(bits & IS_INDEXING)
        if is_in_sync:
            return "", is_outer
        return ("mask" if sync == "nonzero" and is_indexing else sync), is_outer


def _parents(event: Any) -> Iterator[Any]:
    outer = event.parent
    while outer is not None:
        yield outer
        outer = outer.parent


def _inputs(event: Any) -> str:
    given = getattr(event.extra_fields, "inputs", ())
    tensors = [tensor for one in given for tensor in (one if isinstance(one, list) else [one])]
    return ", ".join(
        f"{str(tensor.dtype).removeprefix('torch.')}{list(tensor.sizes)}"
        for tensor in tensors
        if hasattr(tensor, "sizes") and tensor.dtype is not None
    )


def _stack(place: Place) -> tuple[Frame, ...]:
    frames = place.fused[0] if place.fused else ()
    return tuple(
        Frame(frame.file, frame.line, frame.function)
        for frame in (*frames, *place.stack.frames)
        if frame.file and is_user_file(frame.file) and not is_generated(frame.file)
    )[:MAX_USER_FRAMES]


def _threads(ops: list[Op]) -> dict[int, int]:
    """The profiler's number of each thread -> Python's, where that is known: of the one that was profiled."""
    numbers = list(dict.fromkeys(op.event.start_tid for op in ops))
    return {number: number if at else threading.get_ident() for at, number in enumerate(numbers)}


def _zeroed(rows: OpRows, kinds: tuple[OpKind, ...]) -> OpRows | None:
    """Their times from the first one on: the profiler has a clock of its own."""
    if not len(rows):
        return None
    return _moved(replace(rows, kinds=kinds), -min(rows.start_ns))


def _moved(rows: OpRows | None, by_ns: int) -> OpRows | None:
    if rows is None:
        return None
    return replace(rows, start_ns=array("q", [start + by_ns for start in rows.start_ns]))

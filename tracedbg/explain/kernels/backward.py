"""Kernels of a backward pass: the forward op that each belongs to, and the call of `backward()`.

It must not know what makes a line the user's.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from tracedbg.kernels import NO_PARENT, NO_SEQUENCE, ThreadKey

if TYPE_CHECKING:
    from tracedbg.explain.kernels.stacks import Stacks
    from tracedbg.kernels import Timeline

_ENGINE = ("autograd::engine::evaluate_function", "CompiledFunctionBackward")
_BACKWARD_CALLS = (": _engine_run_backward", ": backward", ": grad")
_AUTOGRAD = ("torch/autograd/__init__.py(", "torch/autograd/graph.py(")


class Moment(NamedTuple):
    """A moment of a thread."""

    thread: ThreadKey
    time_ns: int


class Backward(NamedTuple):
    """What is known of an op of a backward pass."""

    since_ns: int
    """When the engine began with the op."""
    forward: Moment | None


class BackwardPass:
    """Finds, for ops at a launch, whether they are of a backward pass, and of which forward."""

    def __init__(self, stacks: Stacks) -> None:
        self._stacks = stacks
        self._timeline = stacks.timeline
        self._by_sequence: dict[int, list[Moment]] | None = None
        self._threads: dict[int, ThreadKey] = {}
        self._calls: list[tuple[int, int, ThreadKey]] | None = None

    def of(self, thread: ThreadKey, rows: list[int]) -> Backward | None:
        """What the ops of `rows`, innermost first, say of a backward pass; None if they are of none."""
        if not rows:
            return None
        spans = self._stacks.ops(thread).spans
        since_ns = None
        for row in rows:
            start_ns = spans.start_ns[row]
            flow = self._timeline.forwards.get((thread, start_ns))
            if flow is not None:
                return Backward(start_ns, Moment(*flow))
            number = spans.forward_threads[row] if spans.forward_threads else 0
            if number and spans.sequences[row] != NO_SEQUENCE:
                forward = self._forward(number, spans.sequences[row], start_ns)
                if forward is not None:
                    return Backward(start_ns, forward)
                since_ns = start_ns
            elif self._timeline.names[spans.names[row]].startswith(_ENGINE):
                since_ns = start_ns
        return None if since_ns is None else Backward(since_ns, None)

    def call_at(self, time_ns: int, other_than: ThreadKey | None = None) -> Moment | None:
        """The call of `backward()` that was under way; by another thread, unless there is no other."""
        if self._calls is None:
            self._calls = _backward_calls(self._timeline)
        found = [Moment(thread, time_ns) for start, end, thread in self._calls if start <= time_ns <= end]
        return next((moment for moment in found if moment.thread != other_than), found[0] if found else None)

    def _forward(self, number: int, sequence: int, before_ns: int) -> Moment | None:
        """The latest forward op of that sequence number on autograd's thread `number`."""
        if self._by_sequence is None:
            self._by_sequence = _forwards_by_sequence(self._timeline)
            self._threads = _thread_numbers(self._timeline, self._by_sequence)
        found = [
            moment
            for moment in self._by_sequence.get(sequence, ())
            if moment.time_ns < before_ns and moment.thread == self._threads.get(number, moment.thread)
        ]
        if len({moment.thread for moment in found}) > 1:
            return None
        return max(found, key=lambda moment: moment.time_ns, default=None)


def _forwards_by_sequence(timeline: Timeline) -> dict[int, list[Moment]]:
    found: dict[int, list[Moment]] = defaultdict(list)
    for thread, host in timeline.threads.items():
        ops = host.ops
        for row, sequence in enumerate(ops.sequences):
            if sequence != NO_SEQUENCE and not ops.forward_threads[row]:
                found[sequence].append(Moment(thread, ops.start_ns[row]))
    return found


def _thread_numbers(timeline: Timeline, forwards: dict[int, list[Moment]]) -> dict[int, ThreadKey]:
    """Autograd's number of a thread -> the thread: as the flows have it, else as only one thread can be."""
    votes: dict[int, Counter[ThreadKey]] = defaultdict(Counter)
    for (thread, start_ns), (forward_thread, _) in timeline.forwards.items():
        ops = timeline.threads[thread].ops if thread in timeline.threads else None
        row = bisect_left(ops.start_ns, start_ns) if ops is not None else NO_PARENT
        if ops is not None and row < len(ops) and ops.forward_threads:
            votes[ops.forward_threads[row]][forward_thread] += 1
    found = {number: votes[number].most_common(1)[0][0] for number in votes if number}
    threads = {moment.thread for moments in forwards.values() for moment in moments}
    if len(threads) == 1:
        found.setdefault(1, next(iter(threads)))
    return found


def _backward_calls(timeline: Timeline) -> list[tuple[int, int, ThreadKey]]:
    """Start, end and thread of each call into autograd's engine from Python."""
    wanted = {
        row
        for row, name in enumerate(timeline.names)
        if name.startswith(_AUTOGRAD) and name.endswith(_BACKWARD_CALLS)
    }
    return [
        (host.frames.start_ns[row], host.frames.end_ns[row], thread)
        for thread, host in timeline.threads.items()
        if wanted
        for row, name in enumerate(host.frames.names)
        if name in wanted
    ]

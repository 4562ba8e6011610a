"""From a kernel to its line: kernel, launch, op, innermost line of the user; one kernel at a time.

What can be told only by comparing kernels is in `align`. It must not know any format of file.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tracedbg.explain.kernels import nodes
from tracedbg.explain.kernels.attributed import Attributed, Rule, Whose
from tracedbg.explain.kernels.backward import BackwardPass
from tracedbg.explain.kernels.stacks import Stacks
from tracedbg.explain.kernels.view import View
from tracedbg.kernels import CallFrame, Kernel, Launch, Sidecar, ThreadKey

if TYPE_CHECKING:
    from tracedbg.explain.kernels.backward import Backward
    from tracedbg.kernels import Timeline

_GRAPH = re.compile(r"^graph_\d+_(?=cpp_)")
"""Inductor writes it before the name of a C++ kernel in a profile."""


class Attribution:
    """Attributes the kernels of one timeline, as one user wants to see them."""

    def __init__(self, timeline: Timeline, view: View | None = None, sidecar: Sidecar | None = None) -> None:
        self.timeline = timeline
        self.view = view or View()
        self.sidecar = sidecar or Sidecar()
        self.stacks = Stacks(timeline, self.sidecar)
        self._backward = BackwardPass(self.stacks)
        self._op_threads: dict[int, tuple[ThreadKey, int]] | None = None
        self._lines: dict[int, tuple[tuple[CallFrame, ...], Whose, CallFrame | None]] = {}
        self._launched: dict[tuple[ThreadKey, int], Attributed] = {}

    def of(self, kernel: Kernel) -> Attributed:
        """Where `kernel` came from."""
        fused = self._fused_of(kernel)
        if kernel.frames or fused:
            return self._told(kernel, fused)
        if kernel.launch is None:
            return self._by_op(kernel)
        key = (kernel.launch.thread, kernel.launch.start_ns)
        found = self._launched.get(key)
        if found is None:
            found = self._launched[key] = self.of_launch(kernel.launch, kernel)
        return found._replace(kernel=kernel, op=kernel.op or found.op)

    def of_launch(self, launch: Launch, kernel: Kernel) -> Attributed:
        """Where `launch` was made; `kernel` is what it launched."""
        thread, time_ns = launch.thread, launch.start_ns
        rows = self.stacks.ops_at(thread, time_ns)
        backward = self._backward.of(thread, rows)
        op = self.op_name(thread, rows) or kernel.op
        if backward is not None:
            return self._of_backward(kernel, launch, rows, backward, op)
        frames = launch.frames or self.stack_at(thread, time_ns, rows)
        return self._or_by_name(self._seen(kernel, Rule.LAUNCH, frames, op))

    def stack_at(
        self, thread: ThreadKey, time_ns: int, rows: list[int] | None = None
    ) -> tuple[CallFrame, ...]:
        """The stack of a thread at a moment, by its ops (at `rows`) where the file has stacks at those."""
        rows = self.stacks.ops_at(thread, time_ns) if rows is None else rows
        return self._op_stack(thread, rows) or self.stacks.stack_at(thread, time_ns)

    def line_of(self, frames: tuple[CallFrame, ...]) -> tuple[Whose, CallFrame | None]:
        """The user's line in a stack; see `View.line_of`. Equal stacks are mostly one object: it is kept."""
        known = self._lines.get(id(frames))
        if known is None:
            known = self._lines[id(frames)] = (frames, *self.view.line_of(frames))
        return known[1], known[2]

    def line_at(self, launch: Launch, time_ns: int, rows: list[int]) -> tuple[Whose, CallFrame | None]:
        """The user's line that the thread of `launch` was on; `rows` are the ops that it was in."""
        told = launch.frames or self._op_stack(launch.thread, rows)
        return self.view.line_of(told or self.stacks.frames_at(launch.thread, time_ns))

    def _of_backward(
        self, kernel: Kernel, launch: Launch, rows: list[int], backward: Backward, op: str
    ) -> Attributed:
        """A kernel of a backward pass: Python that the engine called comes first, then the forward's line."""
        thread, time_ns = launch.thread, launch.start_ns
        moment = self._backward.call_at(time_ns, thread)
        call = self.line_of(self.stacks.stack_at(*moment))[1] if moment is not None else None
        inside = self.stacks.stack_at(thread, time_ns, backward.since_ns)
        candidates = [(Rule.LAUNCH, inside)]
        if backward.forward is not None:
            there = backward.forward
            candidates.append((Rule.FORWARD, self.stack_at(*there)))
        if moment is not None:
            candidates.append((Rule.BACKWARD_CALL, self.stacks.stack_at(*moment)))
        candidates.append((Rule.LAUNCH, launch.frames or self._op_stack(thread, rows)))
        tried = [self._seen(kernel, rule, frames, op) for rule, frames in candidates if frames]
        best = next((one for one in tried if one.whose is Whose.LINE), tried[0] if tried else None)
        best = best or self._seen(kernel, Rule.LAUNCH, (), op)
        return best._replace(is_backward=True, backward_call=call)

    def _fused_of(self, kernel: Kernel) -> tuple[tuple[CallFrame, ...], ...]:
        """The stacks of what `kernel` was fused from, by the file or else by its name; empty for most."""
        if kernel.fused or not (self.sidecar.fused or self.sidecar.fused_stacks):
            return kernel.fused
        name = _GRAPH.sub("", kernel.name.removesuffix(".kd"))
        lines = self.sidecar.fused.get(name, ())
        return self.sidecar.fused_stacks.get(name, ()) or tuple((line,) for line in lines)

    def _told(self, kernel: Kernel, fused: tuple[tuple[CallFrame, ...], ...]) -> Attributed:
        """A kernel of which the file, or the sidecar, tells the lines itself."""
        below = Attributed(kernel, Rule.NONE, Whose.BEFORE)
        if kernel.frames:
            below = self._or_by_name(self._seen(kernel, Rule.LAUNCH, kernel.frames, kernel.op))
        elif kernel.launch is not None:
            below = self.of_launch(kernel.launch, kernel)
        below = below._replace(is_backward=below.is_backward or kernel.is_backward)
        seen = [self.view.line_of(stack) for stack in fused]
        own = tuple(dict.fromkeys(line for whose, line in seen if whose is Whose.LINE and line is not None))
        if not own:
            return below
        return below._replace(rule=Rule.FUSED, whose=Whose.LINE, lines=own, is_inferred=False)

    def _by_op(self, kernel: Kernel) -> Attributed:
        """A kernel without a launch: its op may be known by its id, or by its name."""
        if self._op_threads is None:
            wanted = {one.op_id for one in self.timeline.kernels if one.launch is None and one.op_id}
            self._op_threads = {
                number: (thread, row)
                for thread, host in self.timeline.threads.items()
                if wanted
                for row, number in enumerate(host.ops.ids)
                if number in wanted
            }
        found = self._op_threads.get(kernel.op_id)
        if found is not None:
            thread, row = found
            launch = Launch(thread, self.timeline.threads[thread].ops.start_ns[row], "")
            return self.of_launch(launch, kernel)
        if kernel.op:
            frames = self._named(kernel.op)
            return self._seen(kernel, Rule.LAUNCH if frames else Rule.NONE, frames, kernel.op)
        return Attributed(kernel, Rule.NONE, Whose.BEFORE, is_backward=kernel.is_backward)

    def _seen(self, kernel: Kernel, rule: Rule, frames: tuple[CallFrame, ...], op: str) -> Attributed:
        whose, line = self.line_of(frames)
        if whose is Whose.OP and not op:
            whose = Whose.LAUNCH
        lines = () if line is None else (line,)
        is_backward = kernel.is_backward or op.startswith(nodes.GRADIENTS)
        return Attributed(kernel, rule, whose, lines, frames, op, is_backward)

    def op_name(self, thread: ThreadKey, rows: list[int]) -> str:
        """The name of the first of some ops; empty if there are none."""
        if not rows:
            return ""
        return self.timeline.names[self.stacks.ops(thread).spans.names[rows[0]]]

    def _op_stack(self, thread: ThreadKey, rows: list[int]) -> tuple[CallFrame, ...]:
        """The stack that the file has at the innermost op that has one."""
        stacks = self.timeline.threads[thread].ops.stacks if rows else {}
        return next((stacks[row] for row in rows if row in stacks), ()) if stacks else ()

    def _or_by_name(self, seen: Attributed) -> Attributed:
        """`seen`, if it is of a line; else what the name of its op tells, if that is a line."""
        if seen.whose is Whose.LINE or not seen.op:
            return seen
        named = self._seen(seen.kernel, seen.rule, self._named(seen.op), seen.op)
        return named if named.whose is Whose.LINE else seen

    def _named(self, op: str) -> tuple[CallFrame, ...]:
        """The stack of an op by its name."""
        return nodes.stack_of(op, self.sidecar.op_stacks or self.timeline.op_stacks)

"""From the profiler's tree of events to kernels: each op with its own time, and its stack.

The tree says of each call of a Python function from which line it came. Where an op was run by an operator,
see `operators`; where by generated code, see `generated`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_kernels import _compat
from tracedbg.adapters.torch_kernels.operators import Anchor, code_at, lines_of
from tracedbg.kernels import CallFrame, Kernel, Kind
from tracedbg.source import is_ours, is_user_file
from tracedbg.window import IMPORTING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tracedbg.adapters.torch_kernels.files import Files
    from tracedbg.adapters.torch_kernels.generated import Generated, Stacks

MAX_KERNELS = 500_000
_MAX_RUN = 400
"""Ops in a row that are laid beside a function's operators at once."""
_PYTHON, _C, _OP = "PyCall", "PyCCall", "TorchOp"
_ENGINE = "autograd::engine::"
_FUSED_ON_CPU = "cpp_fused"
_BACKWARD_NODE = "BACKWARD_FUNCTION"


class Stack:
    """A frame and those around it. Equal stacks are one object."""

    __slots__ = ("_frames", "frame", "inner", "outer")

    def __init__(self, outer: Stack | None, frame: CallFrame | None) -> None:
        self.outer = outer
        self.frame = frame
        self.inner: dict[CallFrame, Stack] = {}
        self._frames: tuple[CallFrame, ...] | None = None

    def add(self, frame: CallFrame) -> Stack:
        """That frame, called from this one."""
        found = self.inner.get(frame)
        if found is None:
            found = self.inner[frame] = Stack(self, frame)
        return found

    @property
    def frames(self) -> tuple[CallFrame, ...]:
        """Innermost first."""
        if self._frames is None:
            found = []
            at: Stack | None = self
            while at is not None and at.frame is not None:
                found.append(at.frame)
                at = at.outer
            self._frames = tuple(found)
        return self._frames


@dataclass(frozen=True)
class Body:
    """A function that runs: what is called around it, and which it is."""

    around: Stack
    file: str
    function: str
    line: int
    """Of its `def`; of a frame that was there before, the one that it was on."""

    def at(self, line: int, *, is_exact: bool) -> Stack:
        """The stack with this function on it, in that line."""
        return self.around.add(CallFrame(self.file, line, self.function, is_exact))


@dataclass(slots=True)
class Place:
    """Where an op runs."""

    body: Body | None
    stack: Stack
    fused: Stacks = ()
    node: tuple[int, int] | None = None
    """In a backward pass: thread and number of the forward node; number -1 where it has none."""
    is_in_users_backward: bool = False
    """Whether a function of the user's has been called inside the node's."""


@dataclass
class Op:
    """An op that was run, and what has to be known to tell of it."""

    event: Any
    place: Place
    self_ns: int
    is_kernel: bool = True
    """False for what has no time of its own, as a call of a compiled region."""


@dataclass
class Walked:
    """All of a tree."""

    ops: list[Op] = field(default_factory=list)
    calls: list[tuple[int, int, int, Place]] = field(default_factory=list)
    """Calls from generated code: thread, start, end and place. A kernel that is launched there has no op."""
    forwards: dict[tuple[int, int], Place] = field(default_factory=dict)
    """Thread and number of an autograd node -> where it was made."""
    dropped: int = 0


class TreeWalker:
    """Walks one tree."""

    def __init__(self, generated: Generated, files: Files, forward_threads: dict[int, int]) -> None:
        """Prepare.

        Args:
            generated: knows the code that compilers have written.
            files: knows the whole paths of files.
            forward_threads: correlation id of an op of a backward pass -> thread of its forward.
        """
        self._generated = generated
        self._whole = files.whole
        self._forward_threads = forward_threads
        self._root = Stack(None, None)
        self._found = Walked()
        self._is_counted: dict[str, bool] = {}

    def walk(self, roots: Sequence[Any]) -> Walked:
        """Everything below `roots`."""
        before = sys.getrecursionlimit()
        sys.setrecursionlimit(max(before, 20_000))  # calls, and ops in calls: deeper than Python's own stack
        try:
            self._children(roots, Place(None, self._root), None)
        finally:
            sys.setrecursionlimit(before)
        return self._found

    def _children(self, children: Sequence[Any], place: Place, op: Op | None) -> None:
        """The events inside of a function, a call of C, or an op.

        Args:
            children: the events.
            place: where ops among them run, if no call says more.
            op: the op that they are inside of.
        """
        body = place.body
        is_body = body is not None and op is None and place.stack is body.around
        lines = self._lines(children, body) if is_body and body is not None else {}
        # Most events of a Python program: calls with nothing in them tell nothing, but from generated code.
        is_plain = body is not None and not place.fused and not self._generated.owns(body.file)
        for number, event in enumerate(children):
            kind = event.tag.name
            if kind == _OP:
                self._op(event, self._placed(place, lines.get(number)) if is_body else place, op)
            elif is_plain and not event.children:
                continue
            elif kind == _PYTHON:
                self._python(event, place, op)
            elif kind == _C:
                self._c(event, place, op)
            else:
                self._children(event.children, place, op)

    def _placed(self, place: Place, line: int | None) -> Place:
        """An op that an operator of a function's runs."""
        body = place.body
        if body is None:
            return place
        if self._generated.owns(body.file):
            return self._in_generated(place, line or body.line)
        stack = body.at(line or body.line, is_exact=line is not None)
        return Place(body, stack, place.fused, place.node, place.is_in_users_backward)

    def _in_generated(self, place: Place, line: int) -> Place:
        assert place.body is not None  # noqa: S101  of the caller
        fused = self._generated.lines(place.body.file, line) or place.fused
        return Place(place.body, place.body.around, fused, place.node, place.is_in_users_backward)

    def _lines(self, children: Sequence[Any], body: Body) -> dict[int, int]:
        """The lines of the ops among `children` that no call says the line of: by their numbers."""
        if not is_user_file(body.file) or not any(event.tag.name == _OP for event in children):
            return {}
        code = code_at(body.file, body.function, body.line)
        if code is None:
            return {}
        found: dict[int, int] = {}
        for numbers, ran in _runs(children, body, self._whole):
            is_begin = numbers[0] == 0
            found.update(zip(numbers, lines_of(code, ran, is_begin=is_begin), strict=True))
        return found

    def _python(self, event: Any, place: Place, op: Op | None) -> None:
        called = event.extra_fields
        site, caller = called.callsite, called.caller
        file = self._whole(site.file_name)
        if caller.file_name.endswith(IMPORTING):
            return  # a module's code: its name is gone by now, and the profiler's pointer to it dangles
        if file.endswith(_compat.COMPILERS):
            return
        around = self._called(event, caller, place)
        if event.parent is None and (self._whole(caller.file_name), caller.function_name) == (
            file,
            site.function_name,
        ):
            around = place  # the first frame of a thread: nobody called it
        stack = around.stack
        module = called.module
        if module is not None:
            stack = stack.add(CallFrame("", 0, "", module=f"{module.cls_name}"))
        is_users = is_user_file(file) and not self._generated.owns(file)
        in_users = place.is_in_users_backward or (place.node is not None and is_users)
        body = Body(stack, file, site.function_name, site.line_number)
        inner = Place(body, stack, around.fused, place.node, in_users)
        self._children(event.children, inner, None)
        if op is not None:
            op.self_ns -= self._counted_ns(event)

    def _c(self, event: Any, place: Place, op: Op | None) -> None:
        self._children(event.children, self._called(event, event.extra_fields.caller, place), op)

    def _called(self, event: Any, caller: Any, place: Place) -> Place:
        around = self._around(caller, place)
        if around.fused:
            start_ns = event.start_time_ns
            self._found.calls.append((event.start_tid, start_ns, start_ns + event.duration_time_ns, around))
        return around

    def _around(self, caller: Any, place: Place) -> Place:
        """Where a call is made."""
        file = self._whole(caller.file_name)
        if is_ours(file):
            return place
        body = place.body
        if body is None or (body.file, body.function) != (file, caller.function_name):
            if body is not None and place.stack is not body.around:
                return place  # from inside of an op: the frame around it is known already
            body = Body(place.stack, file, caller.function_name, caller.line_number)
        at = Place(body, body.around, place.fused, place.node, place.is_in_users_backward)
        if self._generated.owns(file):
            return self._in_generated(at, caller.line_number)
        at.stack = body.at(caller.line_number, is_exact=True)
        return at

    def _op(self, event: Any, place: Place, outer: Op | None) -> None:
        name = event.name
        fields = event.extra_fields
        number = fields.sequence_number
        thread = event.start_tid
        if name.startswith(_ENGINE) or fields.scope.name == _BACKWARD_NODE:
            forward = self._forward_threads.get(event.correlation_id, thread)
            place = Place(place.body, place.stack, place.fused, (forward, number))
            op = Op(event, place, event.duration_time_ns, is_kernel=False)
        else:
            is_kernel = self._counts(name, fields.scope.name)
            op = Op(event, place, event.duration_time_ns, is_kernel=is_kernel)
            if number >= 0 and place.node is None:
                self._found.forwards[thread, number] = place
        if op.is_kernel:
            if outer is not None:
                outer.self_ns -= event.duration_time_ns
            if len(self._found.ops) < MAX_KERNELS:
                self._found.ops.append(op)
            else:
                self._found.dropped += 1
            self._children(event.children, place, op)
        else:
            self._children(event.children, place, outer)

    def _counts(self, name: str, scope: str) -> bool:
        """Whether an event is an op, and no name that somebody gave to a stretch of the program."""
        known = self._is_counted.get(name)
        if known is None:
            is_op = "::" in name and not name.startswith("## ")
            known = self._is_counted[name] = scope != "USER_SCOPE" and (is_op or _FUSED_ON_CPU in name)
        return known

    def _counted_ns(self, event: Any) -> int:
        """The time of the outermost ops below an event."""
        total = 0
        waiting = list(event.children)
        while waiting:
            one = waiting.pop()
            if one.tag.name == _OP and self._counts(one.name, one.extra_fields.scope.name):
                total += one.duration_time_ns
            else:
                waiting.extend(one.children)
        return total


def _runs(
    children: Sequence[Any], body: Body, whole: Callable[[str], str]
) -> Iterator[tuple[list[int], tuple[str | Anchor, ...]]]:
    """Ops that follow each other in a function, by number and name, with the calls before and after them."""
    ran: list[str | Anchor] = []
    numbers: list[int] = []
    for number, event in enumerate(children):
        kind = event.tag.name
        if kind == _OP:
            numbers.append(number)
            ran.append(event.name)
            if len(numbers) == _MAX_RUN:
                yield numbers, tuple(ran)
                ran, numbers = [], []
        elif kind in {_PYTHON, _C}:
            caller = event.extra_fields.caller
            if caller.function_name == body.function and whole(caller.file_name) == body.file:
                anchor = Anchor(caller.line_number)
                if numbers:
                    yield numbers, (*ran, anchor)
                ran, numbers = [anchor], []
    if numbers:
        yield numbers, tuple(ran)


def place_of(place: Place, forwards: dict[tuple[int, int], Place]) -> tuple[Place, bool]:
    """Where an op comes from: its forward, if it is of a backward pass. And whether it is of one."""
    if place.node is None:
        return place, False
    if place.is_in_users_backward:
        return place, True
    forward = forwards.get(place.node) if place.node[1] >= 0 else None
    if forward is None:
        return place, True
    return Place(forward.body, forward.stack, place.fused or forward.fused), True


def kernels_of(walked: Walked) -> tuple[Kernel, ...]:
    """The ops as kernels of the CPU."""
    found = []
    for op in walked.ops:
        place, is_backward = place_of(op.place, walked.forwards)
        event = op.event
        found.append(
            Kernel(
                device="cpu",
                stream=str(event.start_tid),
                start_ns=event.start_time_ns,
                duration_ns=max(op.self_ns, 0),
                name=event.name,
                kind=Kind.HOST_OP,
                op=event.name,
                frames=place.stack.frames,
                fused=place.fused,
                is_backward=is_backward,
            )
        )
    return tuple(found)

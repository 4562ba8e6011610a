"""The compiles that are under way in each thread, and what is told of them."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_script import _compat
from tracedbg.adapters.torch_script.functions import traceable
from tracedbg.adapters.torch_script.graphs import count_ops, node_kinds, op_sites
from tracedbg.events import GraphMade, Outcome, PhaseSpan, Role, Signature, TraceEnded, TraceStarted
from tracedbg.source import current_stack

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from tracedbg.events import Traceable
    from tracedbg.hooks import Hooks

Options = tuple[tuple[str, str], ...]
STAGE = "torchscript"
SCRIPTED, TRACED = ("mode", "script"), ("mode", "trace")


@dataclass(eq=False)
class Compile:
    """One compile, from its start to its end."""

    id: int
    traceable: Traceable
    start_ns: int
    role: Role = Role.FORWARD
    is_trace: bool = False
    """It runs the function, and records also what it calls."""
    end_ns: int | None = None
    """Where the end was before it is told."""


class _Thread(threading.local):
    """What is under way in this thread, the innermost last."""

    def __init__(self) -> None:
        self.open: list[Compile] = []
        self.scopes: list[Any] = []
        self.trace_calls: list[Any] = []
        self.checked: Compile | None = None
        """The last one that was traced, and is no check: what a check is about."""


class Compiles:
    """Reports compiles."""

    def __init__(self, hooks: Hooks) -> None:
        self.hooks = hooks
        self.sink = hooks.sink
        self.thread = _Thread()
        self._earlier: Counter[tuple[str, str, int, str]] = Counter()

    @property
    def innermost(self) -> Compile | None:
        """The compile that this thread is in."""
        return self.thread.open[-1] if self.thread.open else None

    def begin(
        self,
        function: Any,
        closure_id: str,
        frame: FrameType,
        options: Options,
        signature: Signature,
    ) -> Compile:
        """A compile of `function` begins; what it leads to is not yet inside it: see `enter`.

        Args:
            function: see `functions.traceable`; the same for `closure_id`.
            closure_id: what it is bound to.
            frame: torch's, which begins it.
            options: `SCRIPTED` or `TRACED`, and what the user asked for.
            signature: what it is made for.
        """
        start_ns = self.sink.now_ns()
        call_stack = self.hooks.safely("call_stack", current_stack, frame, default=())
        subject = traceable(function, closure_id, call_stack[0] if call_stack else None)
        role = Role.CHECK if _is_check(frame) else Role.FORWARD
        checked = self.thread.checked
        if role is Role.CHECK and checked is not None and checked.traceable.name == subject.name:
            subject = checked.traceable
        is_trace = options[0] == TRACED
        started = Compile(self.sink.new_id(), subject, start_ns, role, is_trace)
        key = (subject.file, subject.name, subject.line, closure_id)
        parent = self.innermost
        self.sink.emit(
            TraceStarted(
                started.id,
                subject,
                start_ns,
                threading.get_ident(),
                role,
                None if parent is None else parent.id,
                signature=signature,
                cached_count=self._earlier[key],
                call_stack=call_stack,
                options=options,
            )
        )
        self.sink.flush()
        if role is Role.FORWARD:
            self._earlier[key] += 1
        return started

    def enter(self, started: Compile) -> None:
        """Further compiles of this thread are inside `started`, until `leave`."""
        self.thread.open.append(started)

    def leave(self, started: Compile) -> None:
        """No more: called before anything that may fail, at its end."""
        if started in self.thread.open:
            self.thread.open.remove(started)

    def phase(self, started: Compile, name: str, start_ns: int) -> None:
        """A part of its time is over."""
        self.sink.emit(PhaseSpan(started.id, name, start_ns, self.sink.now_ns() - start_ns))

    def end(self, started: Compile, *, compiled: bool, graph: Callable[[], Any]) -> None:
        """It is over.

        Args:
            started: what `begin` gave.
            compiled: whether there is a result; else torch has raised.
            graph: gives its graph, or None.
        """
        end_ns = started.end_ns or self.sink.now_ns()
        if not compiled:
            self.sink.emit(TraceEnded(started.id, end_ns, Outcome.FAILED))
            return
        op_count = self.hooks.safely("graph", self._graph, started, graph)
        self.sink.emit(TraceEnded(started.id, end_ns, Outcome.COMPILED, op_count=op_count))

    def _graph(self, started: Compile, graph: Callable[[], Any]) -> int | None:
        """Tell the graph, and how many operations it has.

        Only for the user's functions: no line of the user's is in what a library's was scripted to.
        """
        made = graph()
        if made is None:
            return None
        if not started.traceable.is_user and not started.is_trace:
            return count_ops(node_kinds(made))
        sites = op_sites(made)
        self.sink.emit(GraphMade(started.id, STAGE, sites))
        return count_ops(site.op for site in sites)


def _is_check(frame: FrameType) -> bool:
    """Whether torch traces a second time, to compare."""
    at: FrameType | None = frame
    while at is not None:
        if at.f_code.co_name == _compat.CHECK and at.f_globals.get("__name__") == _compat.TRACE_MODULE:
            return True
        at = at.f_back
    return False

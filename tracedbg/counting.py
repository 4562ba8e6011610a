"""Traces, retraces and compile time counted in a running program, without a recording: `tracedbg.count()`.

For production: nothing is written, memory is bounded, and a step that traces nothing runs no code of ours. It
must not know who shows the numbers.

Life of an event: `emit` puts it into a queue; who asks for the numbers has it explained. Where nobody asks,
`emit` does that itself now and then.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracedbg import redaction, session
from tracedbg.counts import FunctionCounts, Totals
from tracedbg.errors import UsageError
from tracedbg.events import (
    CauseKind,
    Fallback,
    Fault,
    FrameworkSeen,
    Outcome,
    PhaseSpan,
    Role,
    TraceEnded,
    TraceStarted,
)
from tracedbg.explain.causes import CALLED, Explainer, is_retrace
from tracedbg.explain.eager import LIMITS
from tracedbg.explain.retrace import Retrace
from tracedbg.explain.spans import length, union
from tracedbg.recorder import complain_on_stderr
from tracedbg.store.records import TraceRecord

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from tracedbg.events import Cause, Event, Traceable
    from tracedbg.explain.spans import Span
    from tracedbg.redaction.redactor import Redactor

MAX_FUNCTIONS = 200
"""Functions that are counted one by one, by default; all others are counted together."""
OTHERS = "(other functions)"
"""The name under which they stand."""
_WANTED = (TraceStarted, TraceEnded, PhaseSpan, Fallback, FrameworkSeen, Fault)
_MANY = 64
"""Events that wait; the next one has them explained."""
_KEPT = 16
"""Traces of each function that a new one is compared with, at least."""
_OPEN = 1024
"""Traces that are under way, and that have ended but may go on later, as a backward does."""
_PATIENCE_S = 1.0
_NS = 1e9


def count(
    *,
    max_functions: int = MAX_FUNCTIONS,
    redact: bool | None = None,
    on_retrace: Callable[[Retrace], None] | None = None,
) -> Counts:
    """Count traces, retraces and compile time, in all threads, until `stop` or to the end of a `with` block.

    Nothing is written to disk and memory is bounded, so that a program may run for weeks with it.

    Args:
        max_functions: so many functions are told one by one, all others together.
        redact: keep the program's values out of causes; by default as the environment says (TRACEDBG_REDACT).
        on_retrace: is given each retrace, in the thread that asks for the numbers, or that traces.

    Raises:
        UsageError: an argument is wrong.
    """
    if max_functions < 1:
        raise UsageError(f"max_functions is {max_functions}; it must be 1 or more")
    return Counts(max_functions, redact=redact, on_retrace=on_retrace).start()


@dataclass
class _Function:
    """A `FunctionCounts` that grows, and the traces that its next one is compared with."""

    name: str
    file: str
    line: int
    framework: str
    numbers: Counter[str] = field(default_factory=Counter)
    spent_ns: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    explainer: Explainer = field(default_factory=Explainer)
    traces: deque[TraceRecord] = field(default_factory=lambda: deque(maxlen=_KEPT))
    explained: int = 0
    """Traces that `explainer` knows."""

    def why(self, trace: TraceRecord, versions: dict[str, str]) -> tuple[Cause, ...]:
        """Its causes; what is compared with stays bounded."""
        if not self.explained or self.explained >= 2 * _KEPT:
            self.explainer = Explainer(versions)
            for earlier in self.traces:
                self.explainer.add(earlier)
            self.explained = len(self.traces)
        self.explained += 1
        self.traces.append(trace)
        return self.explainer.next(trace)

    def done(self) -> FunctionCounts:
        numbers = self.numbers
        return FunctionCounts(
            self.framework,
            self.name,
            self.file,
            self.line,
            traces=numbers["traces"],
            retraces=numbers["retraces"],
            settled=numbers["settled"],
            failed=numbers["failed"],
            seconds=self.spent_ns / _NS,
            limit_hits=numbers["limit_hits"],
            causes=tuple(sorted(self.causes.items())),
        )


@dataclass
class _Trace:
    """One that is under way, or may go on later."""

    started: TraceStarted
    function: _Function
    nested_ns: int = 0
    end_ns: int | None = None
    later: list[Span] = field(default_factory=list)
    """What came after its end, as stretches that do not overlap."""


_Key = tuple[str, str, str, int]


class Counts:
    """What `tracedbg.count()` counts; a sink of events."""

    def __init__(
        self,
        max_functions: int = MAX_FUNCTIONS,
        *,
        redact: bool | None = None,
        on_retrace: Callable[[Retrace], None] | None = None,
    ) -> None:
        self._max_functions = max_functions
        self._on_retrace = on_retrace
        self._redactor = _redactor() if (redaction.is_wanted() if redact is None else redact) else None
        self._undo: Callable[[], None] | None = None
        self._waiting: deque[Event] = deque()
        self._versions: dict[str, str] = {}
        self._begin_anew()
        _every.add(self)

    def _begin_anew(self) -> None:
        self._lock = threading.RLock()
        self._is_busy = False
        self._waiting.clear()
        self._functions: dict[_Key, _Function] = {}
        self._open: OrderedDict[int, _Trace] = OrderedDict()
        self._newest: Retrace | None = None

    def start(self) -> Counts:
        """Count from now on; nothing if it does already."""
        if self._undo is None:
            self._undo = session.observe(self)
        return self

    def stop(self) -> None:
        """Count no more: the numbers stay."""
        undo, self._undo = self._undo, None
        if undo is not None:
            undo()

    def __enter__(self) -> Counts:
        return self.start()

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def has_news(self) -> bool:
        """Whether anything was traced since the numbers were asked for: costs next to nothing."""
        return bool(self._waiting)

    def totals(self) -> Totals:
        """What everything came to so far."""
        self._catch_up(wait=True)
        with self._lock:
            return Totals(tuple(one.done() for one in self._functions.values()), self._newest)

    # --- a sink ------------------------------------------------------------------------------

    def emit(self, event: Event) -> None:
        """See `tracedbg.hooks.Sink`; the same for the methods below."""
        if isinstance(event, _WANTED):
            self._waiting.append(event)
            if len(self._waiting) >= _MANY:
                self._catch_up(wait=False)

    def flush(self) -> None:
        """Nothing has to survive."""

    def new_id(self) -> int:
        """A number that no other trace of this process has."""
        return session.hub().new_id()

    def now_ns(self) -> int:
        """Nanoseconds since the start of the hub."""
        return session.hub().now_ns()

    # --- counting ----------------------------------------------------------------------------

    def _catch_up(self, *, wait: bool) -> None:
        """Explain what waits; a fault of ours is told, and the program goes on."""
        if not self._lock.acquire(timeout=_PATIENCE_S if wait else 0):
            return
        found: list[Retrace] = []
        try:
            if self._is_busy:
                return  # a finalizer or signal handler, inside our own work: that one goes on with it
            self._is_busy = True
            while self._waiting:
                retrace = self._safely(self._waiting.popleft())
                if retrace is not None:
                    self._newest = retrace
                    found.append(retrace)
        finally:
            self._is_busy = False
            self._lock.release()
        if self._on_retrace is not None:
            for retrace in found:
                self._on_retrace(retrace)

    def _safely(self, event: Event) -> Retrace | None:
        try:
            return self._take(event if self._redactor is None else self._redactor.event(event))
        except Exception as error:  # noqa: BLE001  the user's program always wins
            _complain(f"counting.{type(event).__name__}", f"{type(error).__name__}: {error}")
            return None

    def _take(self, event: Event) -> Retrace | None:
        match event:
            case TraceStarted():
                self._begin(event)
            case TraceEnded():
                return self._end(event)
            case PhaseSpan():
                self._add_later(event)
            case Fallback(kind=kind) if kind in LIMITS:
                self._function(event.function).numbers["limit_hits"] += 1
            case FrameworkSeen():
                self._versions[event.name] = event.version
            case Fault():
                _complain(event.where, event.message)
        return None

    def _begin(self, event: TraceStarted) -> None:
        while len(self._open) >= _OPEN:
            self._open.popitem(last=False)
        self._open[event.id] = _Trace(event, self._function(event.traceable))

    def _end(self, event: TraceEnded) -> Retrace | None:
        trace = self._open.get(event.id)
        if trace is None:  # it began before us
            return None
        started, function = trace.started, trace.function
        trace.end_ns = event.end_ns
        duration_ns = max(event.end_ns - started.start_ns, 0)
        function.spent_ns += max(duration_ns - trace.nested_ns, 0)
        parent = self._open.get(started.parent_id or 0)
        if parent is not None:
            parent.nested_ns += duration_ns
        if started.role in (Role.BACKWARD, Role.CHECK):
            return None
        if event.outcome is Outcome.FAILED:
            function.numbers["failed"] += 1
        else:
            function.numbers["traces"] += 1
        record = TraceRecord(started, event)
        if function.name == OTHERS:
            causes = Explainer(self._versions).next(record)
            is_one = is_retrace(record, causes) or (started.cached_count > 0 and started.role in CALLED)
        else:
            causes = function.why(record, self._versions)
            is_one = is_retrace(record, causes)
        if not is_one:
            return None
        retrace = Retrace(record, causes)
        function.numbers["retraces"] += 1
        function.numbers["settled"] += retrace.settled
        kind = causes[0].kind
        function.causes[(CauseKind.UNKNOWN if kind is CauseKind.FIRST_CALL else kind).value] += 1
        return retrace

    def _add_later(self, span: PhaseSpan) -> None:
        """Time that a trace took after its end: its backward that is compiled when it is needed, for one."""
        trace = self._open.get(span.trace_id)
        if trace is None or trace.end_ns is None or span.start_ns < trace.end_ns:
            return
        before_ns = length(trace.later)
        trace.later = union([*trace.later, (span.start_ns, span.start_ns + span.duration_ns)])
        trace.function.spent_ns += length(trace.later) - before_ns

    def _function(self, traceable: Traceable) -> _Function:
        """Where a function is counted: the rest of one after a graph break, with that one."""
        framework, file = traceable.framework.value, traceable.file
        key: _Key = (framework, traceable.name, file, traceable.line)
        if traceable.owner:
            above = [
                one
                for one in self._functions
                if one[:3] == (framework, traceable.owner, file) and one[3] <= traceable.line
            ]
            key = max(above, key=lambda one: one[3], default=(framework, traceable.owner, file, key[3]))
        found = self._functions.get(key)
        if found is None:
            if len(self._functions) >= self._max_functions:
                key = (framework, OTHERS, "", 0)
            found = self._functions.setdefault(key, _Function(key[1], key[2], key[3], framework))
        return found


_every: weakref.WeakSet[Counts] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    """A forked child counts for itself, from nothing; another thread may have held the lock."""
    for counts in list(_every):
        counts._begin_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def _redactor() -> Redactor:
    from tracedbg.redaction.redactor import Redactor  # noqa: PLC0415  only where it is wanted

    return Redactor(redaction.new_key())


def _complain(where: str, message: str) -> None:
    """Say that a part of ours is off, once in this process."""
    if session.hub().is_news(message):
        complain_on_stderr(f"{where} is off: {message}; the program and the rest go on")

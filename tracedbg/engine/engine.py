"""Decides, at each line and op of a walk, whether the thread stops, and how it goes on.

It must not know frameworks, protocols or screens: adapters ask it, a `Frontend` answers.
"""

from __future__ import annotations

import sys
import threading
import weakref
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Protocol

from tracedbg.engine.breakpoints import Breakpoint, Breakpoints
from tracedbg.engine.evaluating import evaluate
from tracedbg.engine.stepper import Action, Go, Step
from tracedbg.engine.stop import Stop
from tracedbg.engine.values import Values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from types import CodeType

    from tracedbg.debugging import Outline, View
    from tracedbg.events import Frame
    from tracedbg.tensors import Tensors


class Frontend(Protocol):
    """Who answers a stop: a debug adapter server, a terminal prompt, a test."""

    def interact(self, stop: Stop) -> Action:
        """Called on the stopped thread, which stands still until it returns."""

    def say(self, text: str, stop: Stop | None = None) -> None:
        """A line for the person: a log point, a condition that failed."""


class Engine:
    """The debugger of one process: a `tracedbg.debugging.Debugger`.

    Everything that touches the program's values runs on the stopped thread, with our hooks
    suspended in it: an expression that calls a compiled function does not stop in it.
    """

    def __init__(
        self, frontend: Frontend, around_stop: Callable[[Stop], AbstractContextManager[object]] = nullcontext
    ) -> None:
        """Stop nowhere yet.

        Args:
            frontend: who answers the stops.
            around_stop: what is done while a thread stands still, on that thread; it must not raise.
        """
        self.breakpoints = Breakpoints()
        self.frontend = frontend
        self._around_stop = around_stop
        self.values = Values()
        self._local = threading.local()
        self._pause: set[int] = set()
        self._steps: dict[int, Step] = {}
        """What threads have been told; one that has ended may still be in it."""
        self._epoch = 0
        """Raised when the frontend leaves: steps that it asked for are void, in whatever thread."""
        self._on_change: list[Callable[[], None]] = []
        self._on_go: list[Callable[[], None]] = []
        self._tracing: list[Callable[[], Frame | None]] = []
        self._generated: dict[int, weakref.ref[CodeType]] = {}
        """By identity: code objects compare by value, and without their file."""
        self._own_code: frozenset[CodeType] = frozenset()
        self.breakpoints.on_change(self._changed)

    # --- asked by adapters: see `Debugger` -----------------------------------------------------

    def on_change(self, listener: Callable[[], None]) -> None:
        """See `Debugger`; the same for the methods below."""
        self._on_change.append(listener)

    def on_go(self, listener: Callable[[], None]) -> None:  # noqa: D102
        self._on_go.append(listener)

    def add_outline(self, outline: Outline) -> None:  # noqa: D102
        self.breakpoints.bind(outline)

    def add_tensors(self, tensors: Tensors) -> None:  # noqa: D102
        self.values.add(tensors)

    def add_tracing(self, where: Callable[[], Frame | None]) -> None:  # noqa: D102
        self._tracing.append(where)

    def traced_line(self) -> Frame | None:
        """The user's line that this thread is tracing; None if it traces nothing, or nobody can tell."""
        return next((at for where in self._tracing if (at := where()) is not None), None)

    def may_walk(self, outline: Outline) -> bool:  # noqa: D102
        if self._pause or any(step.may_need_walks for step in tuple(self._steps.values())):
            return True
        return self.breakpoints.concern(outline.lines, outline.ops)

    def wants_walk(self, outline: Outline, depth: int = sys.maxsize) -> bool:  # noqa: D102
        if self._is_suspended:
            return False
        step = self._step
        if (step is not None and step.needs_walk(depth)) or threading.get_ident() in self._pause:
            return True
        return self.breakpoints.concern(outline.lines, outline.ops)

    def may_stop_at_ops(self) -> bool:  # noqa: D102
        breakpoints = self.breakpoints
        if breakpoints.by_op or breakpoints.wants_values or breakpoints.in_backward:
            return True
        if "host_sync" in breakpoints.filters:
            return True
        return any(step.needs_ops for step in tuple(self._steps.values()))

    def lines_in(self, file: str) -> frozenset[int]:  # noqa: D102
        return self.breakpoints.lines_in(file)

    def files(self) -> frozenset[str]:  # noqa: D102
        return self.breakpoints.files

    def is_stepping(self) -> bool:  # noqa: D102
        if self._is_suspended:
            return False
        step = self._step
        return (step is not None and step.needs_lines) or threading.get_ident() in self._pause

    def stepping(self) -> frozenset[int]:  # noqa: D102
        return frozenset(self._pause).union(
            thread_id for thread_id, step in tuple(self._steps.items()) if step.needs_lines
        )

    def add_generated(self, code: CodeType) -> None:  # noqa: D102
        key, known = id(code), self._generated
        known[key] = weakref.ref(code, lambda _: known.pop(key, None))

    def is_generated(self, code: CodeType) -> bool:  # noqa: D102
        return id(code) in self._generated

    def add_own_code(self, code: CodeType) -> None:  # noqa: D102
        self._own_code |= {code}
        self._changed()

    def own_code(self) -> frozenset[CodeType]:  # noqa: D102
        return self._own_code

    def looks_at_line(self, file: str, line: int) -> bool:  # noqa: D102
        if self.breakpoints.at_line(file, line):
            return not self._is_suspended
        return self.is_stepping()

    def looks_at_ops(self) -> bool:  # noqa: D102
        breakpoints = self.breakpoints
        if breakpoints.by_op or breakpoints.by_index or breakpoints.wants_values or breakpoints.in_backward:
            return not self._is_suspended
        step = self._step
        return step is not None and step.needs_ops and not self._is_suspended

    def stops_in_backward(self, file: str, line: int) -> bool:  # noqa: D102
        return (file, line) in self.breakpoints.in_backward

    def enter(self, view: View) -> None:  # noqa: D102
        step = self._step
        if not self._is_suspended and step is not None and step.action.go is Go.GRAPH:
            self._stop("step", view)

    def line(self, view: View) -> None:  # noqa: D102
        if self._is_suspended or (view.walk is None and self.traced_line() is not None):
            return
        hit = self._first_hit(self.breakpoints.at_line(view.file, view.line), view)
        if hit is not None:
            self._stop("breakpoint", view, breakpoints=(hit,))
        elif self._arrives_by_pause():
            self._stop("pause", view)
        elif (step := self._step) is not None and step.arrives_at_line(view):
            self._stop("step", view)

    def before_op(self, view: View) -> None:  # noqa: D102
        if self._is_suspended or view.op is None:
            return
        index, graph = view.op.index, view.walk.graph if view.walk else ""
        numbered = [one for one in self.breakpoints.by_index if (one.op_index, one.graph) == (index, graph)]
        named = self.breakpoints.for_op(view.op.site.op) if self.breakpoints.by_op else []
        if (hit := self._first_hit(numbered, view)) is not None:
            self._stop("instruction breakpoint", view, breakpoints=(hit,))
        elif (hit := self._first_hit(named, view)) is not None:
            self._stop("function breakpoint", view, f"{view.op.site.op} is next", (hit,))
        elif (step := self._step) is not None and step.arrives_at_op(view):
            self._stop("step", view)
        if self.breakpoints.wants_values:
            self.values.before(view)

    def after_op(self, view: View) -> None:  # noqa: D102
        if self._is_suspended or not self.breakpoints.wants_values:
            return
        with self.suspended():
            found = self.values.after(view, self.breakpoints.filters.keys())
        for name, text in found:
            self.happened(name, view, text)

    def failed(self, view: View, error: BaseException) -> None:  # noqa: D102
        if self.wants("error"):
            with self.suspended():
                text = f"{self.values.where(view)}: {type(error).__name__}: {error}"
            self.happened("error", view, text)

    def wants(self, name: str) -> bool:  # noqa: D102
        return name in self.breakpoints.filters and not self._is_suspended

    def happened(self, name: str, view: View, text: str) -> None:  # noqa: D102
        waiting = self.breakpoints.filters.get(name)
        if self._is_suspended or waiting is None:
            return
        if (hit := self._first_hit((waiting,), view, text)) is not None:
            self._stop("exception", view, text, (hit,), name)

    @contextmanager
    def walking(self) -> Iterator[None]:  # noqa: D102
        self._local.walking = getattr(self._local, "walking", 0) + 1
        try:
            yield
        finally:
            self._local.walking -= 1

    def is_walking(self) -> bool:  # noqa: D102
        return getattr(self._local, "walking", 0) > 0 or self._is_suspended

    def stop_here(self, view: View, reason: str, text: str = "") -> None:
        """Stop, whatever is armed: the program has said so itself."""
        if not self._is_suspended:
            self._stop(reason, view, text)

    # --- asked by frontends ------------------------------------------------------------------

    def pause(self, thread_id: int) -> None:
        """Stop that thread at its next line."""
        self._pause.add(thread_id)
        self._changed()

    def reset_after_fork(self) -> None:
        """In a forked child: others may have held locks, and do not exist here. Nothing stops any more."""
        self.breakpoints.reset_after_fork()
        self.let_go()

    def let_go(self) -> None:
        """Nobody is there to answer: take all breakpoints out, and never stop again."""
        self._epoch += 1
        self._pause.clear()
        self._steps.clear()
        self.breakpoints.clear()

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Run code in this thread that must not stop."""
        self._local.suspended = getattr(self._local, "suspended", 0) + 1
        try:
            yield
        finally:
            self._local.suspended -= 1

    def evaluate(self, text: str, view: View, frame: int = 0) -> object:
        """The value of an expression in a frame of `view`; `is_backward` is a name in it.

        Raises:
            Exception: whatever it raises.
        """
        at = view.frames()[frame]
        with self.suspended():
            return evaluate(text, at, {"is_backward": view.is_backward})

    # --- inside ------------------------------------------------------------------------------

    @property
    def _is_suspended(self) -> bool:
        return getattr(self._local, "suspended", 0) > 0

    @property
    def _step(self) -> Step | None:
        epoch, step = getattr(self._local, "step", (0, None))
        return step if epoch == self._epoch else None

    def _arrives_by_pause(self) -> bool:
        if not self._pause:
            return False
        me = threading.get_ident()
        if me in self._pause:
            self._pause.discard(me)
            self._changed()
            return True
        return False

    def _first_hit(self, candidates: Iterable[Breakpoint], view: View, what: str = "") -> Breakpoint | None:
        """The first that stops; those that only log have done so.

        Args:
            candidates: the breakpoints of this place or event.
            view: where the thread is.
            what: what has happened; `{what}` in a log message.
        """
        first = None
        for candidate in candidates:
            if not self._holds(candidate, view) or not candidate.counts():
                continue
            if candidate.log_message:
                self.frontend.say(self._filled(candidate.log_message, view, what))
            elif first is None:
                first = candidate
        return first

    def _holds(self, candidate: Breakpoint, view: View) -> bool:
        if not candidate.condition:
            return True
        try:
            return bool(self.evaluate(candidate.condition, view))
        except Exception as error:  # noqa: BLE001  told; and stopped at, so that it can be mended
            self.frontend.say(f"condition {candidate.condition!r}: {type(error).__name__}: {error}")
            return True

    def _filled(self, message: str, view: View, what: str) -> str:
        """A log message with its `{expression}`s filled in, as an f-string would be."""
        before, found, after = message.partition("{what}")
        try:
            texts = [str(self.evaluate(f"f{part!r}", view)) if part else "" for part in (before, after)]
        except Exception as error:  # noqa: BLE001  told in its place
            return f"{message} ({type(error).__name__}: {error})"
        return texts[0] + (what if found else "") + texts[1]

    def _stop(
        self,
        reason: str,
        view: View,
        text: str = "",
        breakpoints: tuple[Breakpoint, ...] = (),
        filter_name: str = "",
    ) -> None:
        once = [one.id for one in breakpoints if one.is_once]
        if once:
            self.breakpoints.remove(once)
        ids = tuple(one.id for one in breakpoints)
        stop = Stop(threading.get_ident(), reason, view, text, ids, filter_name)
        self._take_step(None)
        with self.suspended(), self._around_stop(stop):
            action = self.frontend.interact(stop)
        if action.go is not Go.CONTINUE and action.go is not Go.ABORT:
            self._take_step(Step(action, view.depth))
        for listener in tuple(self._on_go):
            listener()
        if action.go is Go.ABORT:
            raise KeyboardInterrupt

    def _take_step(self, step: Step | None) -> None:
        me = threading.get_ident()
        self._local.step = (self._epoch, step)
        if step is not None:
            self._steps[me] = step
        elif self._steps.pop(me, None) is None:
            return
        self._changed()

    def _changed(self) -> None:
        for listener in tuple(self._on_change):
            listener()

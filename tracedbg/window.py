"""When kernels are timed: a stretch of a program that is short, and begins when it repeats itself.

An adapter tells of steps (a call of a compiled function, a backward pass) and starts and stops its
framework's profiler; this module decides when. It must not know any framework, nor what a profiler says.
"""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Protocol

from tracedbg.errors import UsageError
from tracedbg.kernels import KernelsSeen

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from tracedbg.hooks import Hooks

DEFAULT = "10"
"""What is timed where the user says no more than that kernels are to be."""
DEFAULT_SECONDS, DEFAULT_MOST_S = 1.0, 3.0
STEPS_MOST_S = 60.0
"""How long as many steps as the user has named may take."""
MAX_SECONDS = 600.0
MAX_STEPS = 10_000
PATIENCE_S = 2.0
"""After so long without any step, timing begins anyway."""
MAX_UNCLEAN = 5
"""Timing begins after so many steps, even if each of them traced."""
FULL = "it ended early: what the profiler kept had come to its bound"
"""Why a window has ended early, where it was full."""
MORE_PATIENT = 4
"""Where nothing but Python was seen, and that was too much: so many times longer until the next look."""
IMPORTING = ("<frozen importlib._bootstrap>",)
"""Ends of the files that are on the stack while a module is imported."""
_FORM = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>s?)")


@dataclass(frozen=True)
class WindowSpec:
    """How much is timed: until one of these is reached."""

    steps: int | None
    seconds: float
    """Until the step ends that is under way then."""
    most_s: float
    """Whatever is under way then."""

    @classmethod
    def parse(cls, text: str, option: str = "--kernels") -> WindowSpec:
        """`10`: so many steps; `2.5s`: so many seconds; empty: the default.

        Raises:
            UsageError: it is neither.
        """
        if not text:
            return cls(int(DEFAULT), DEFAULT_SECONDS, DEFAULT_MOST_S)
        found = _FORM.fullmatch(text)
        if found is None or (not found["unit"] and "." in found["number"]):
            raise UsageError(
                f"{option}={text}: name a number of steps, such as {option}=10, or of seconds, such as"
                f" {option}=2s"
            )
        number = float(found["number"])
        if not 0 < number <= (MAX_SECONDS if found["unit"] else MAX_STEPS):
            raise UsageError(
                f"{option}={text}: steps may be 1 to {MAX_STEPS}, seconds more than 0 and at most"
                f" {MAX_SECONDS:.0f}"
            )
        if found["unit"]:
            return cls(None, number, number)
        return cls(int(number), STEPS_MOST_S, STEPS_MOST_S)


class Recording(Protocol):
    """One framework's profiler, used once."""

    profiler: str
    """As `KernelsSeen.profiler`."""

    def is_good_moment(self) -> bool:
        """Whether this thread is not in the middle of a trace or compile."""

    def start(self) -> bool:
        """Start it in this thread; False where the program's own is running."""

    def is_full(self) -> bool:
        """Whether it has seen as much as it can keep. Asked in any thread, while it runs."""

    def before_trace(self) -> None:
        """Something is about to be traced."""

    def cancel(self) -> None:
        """Stop it in the same thread, without a look at what it has seen."""

    def stop(self) -> KernelsSeen | None:
        """Stop it in the same thread; what it has seen. None where there is nothing to be told."""


class Profiler(Protocol):
    """What times one framework's kernels. Loaded only where kernels are asked for."""

    name: ClassVar[str]
    modules: tuple[str, ...]
    """Attach when the first of these has been imported."""

    def attach(self, module: ModuleType, hooks: Hooks, spec: WindowSpec, *, at_once: bool) -> Window:
        """Install what tells of steps, and prepare the framework; `hooks` removes it again."""


class Window:
    """Decides when one profiler starts and stops. Each method may be called in any thread.

    Args:
        spec: how much.
        recording: the profiler.
        hooks: contain its faults, and take what was seen.
        at_once: begin without waiting for a step that repeats.
        clock: seconds.
    """

    def __init__(
        self,
        spec: WindowSpec,
        recording: Recording,
        hooks: Hooks,
        *,
        at_once: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spec = spec
        self._recording = recording
        self._hooks = hooks
        self._clock = clock
        self._began_waiting = clock()
        self._thread: int | None = None
        """The thread that is timed; None before, and after."""
        self._started = 0.0
        self._start_ns = 0
        self._key: object = None
        """What repeats; None while that is open."""
        self._offset = 0
        """1 where the first step is one that began inside: only the next one tells that it is over."""
        self._seen: dict[object, int] = {}
        """Kind of step -> the number of traces at its last one, or of steps since the start."""
        self._unclean: dict[object, int] = {}
        self._traces = 0
        self._is_by_patience = False
        """Whether it has begun without a step: the first one then begins anew."""
        self._is_busy = False
        self._is_full = False
        """Whether the profiler can keep no more."""
        self._patience_s = PATIENCE_S
        self._is_refused = False
        """Whether it would have begun, but for another profiler."""
        self.is_done = False
        self.on_step: Callable[[Window], object] | None = None
        """Told of the first step."""
        if at_once:
            self._start()

    @property
    def is_open(self) -> bool:
        """Whether it is being timed."""
        return self._thread is not None

    @property
    def is_due(self) -> bool:
        """Whether it should start, or stop, although no step says so."""
        if self.is_done or self._is_busy:
            return False
        if self.is_open:
            return self._clock() - self._started >= self._spec.most_s or self._fills()
        return not self._seen and self._clock() - self._began_waiting >= self._patience_s

    def _fills(self) -> bool:
        if not self._is_full:
            self._is_full = self._hooks.safely("is_full", self._recording.is_full, default=False)
        return self._is_full

    @property
    def has_steps(self) -> bool:
        """Whether any step was told of."""
        return bool(self._seen) or self._key is not None

    def step(self, key: object) -> None:
        """A step begins; `key` tells one kind of step from others."""
        if self.is_done or self._is_busy:
            return
        if self.on_step is not None:
            on_step, self.on_step = self.on_step, None
            on_step(self)
        is_mine = self._thread == threading.get_ident()
        if is_mine and self._is_by_patience:
            self._cancel()
        if not self.is_open:
            self._wait(key)
        elif is_mine:
            self._count(key)

    def traced(self) -> None:
        """Something is traced: the step that is under way is none that repeats."""
        self._traces += 1
        self._hooks.safely("before_trace", self._recording.before_trace)
        if self._is_busy or not self.is_open or self._thread != threading.get_ident():
            return
        if self.steps:  # to compile is millions of calls: none of them shall be kept
            self._stop("a function was traced again")
        else:
            self._cancel()

    def look(self) -> None:
        """In the thread that is to be timed, now and then: start or stop if it is time."""
        if not self.is_due:
            return
        if not self._hooks.safely("look", self._recording.is_good_moment, default=False):
            self._began_waiting = self._clock()
        elif not self.is_open:
            self._start()
            self._is_by_patience = self.is_open
        elif self._thread == threading.get_ident():
            self._stop(FULL if self._is_full else "")

    def close(self, note: str = "") -> None:
        """There is no more: tell what was seen. In another thread than the one that is timed, forget it."""
        if self.is_open and self._thread == threading.get_ident():
            self._stop(note)
        elif not self.is_open and not self.is_done and not self._hooks.is_broken("start"):
            self._hooks.sink.emit(KernelsSeen(self._recording.profiler, note=self._why_nothing()))
        self.is_done = True

    def _why_nothing(self) -> str:
        if self._is_refused:
            return "the program's own profiler was running"
        if self._seen:
            return "no step repeated itself without being traced; more of them would have to be run"
        return f"the program ended before any step, and within {PATIENCE_S:.0f} seconds"

    def wait(self) -> None:
        """Another framework is at work: what has begun without a step begins again with one."""
        if self.is_open and not self.has_steps and self._thread == threading.get_ident():
            self._cancel()

    def give_way(self, to: str) -> None:
        """Somebody else wants the framework's profiler, of which there can be one."""
        if self.is_open and self._thread == threading.get_ident():
            self._stop(f"{to} took over")

    def _wait(self, key: object) -> None:
        before = self._seen.get(key)
        self._seen[key] = self._traces
        if before is None:
            return
        if before != self._traces:
            self._unclean[key] = self._unclean.get(key, 0) + 1
            if self._unclean[key] < MAX_UNCLEAN:
                return
        self._start(key)

    def _count(self, key: object) -> None:
        if self._key is None or self._key == key:
            self._seen[key] = self._seen.get(key, 0) + 1
            limit = self._spec.steps
            if limit is not None and self._seen[key] - self._offset >= limit:
                self._key = key
                self._stop()
                return
        if self._is_full:
            self._stop(FULL)
        elif self._clock() - self._started >= self._spec.seconds:
            self._stop()

    @property
    def steps(self) -> int:
        """Whole steps since it began to be timed."""
        if self._key is not None:
            return max(self._seen.get(self._key, 0) - self._offset, 0)
        return max(max(self._seen.values(), default=0) - self._offset, 0)

    def _cancel(self) -> None:
        self._is_busy = True
        self._thread, self._is_by_patience = None, False
        self._key, self._seen = None, {}
        try:
            self._hooks.safely("cancel", self._recording.cancel)
        finally:
            self._is_busy = False

    def _start(self, key: object = None) -> None:
        self._is_busy = True
        try:
            if self._hooks.safely("start", self._recording.start, default=False):
                self._key, self._seen = key, {}
                self._is_full = False
                self._offset = 0 if key is not None else 1
                self._started = self._clock()
                self._start_ns = self._hooks.sink.now_ns()
                self._thread = threading.get_ident()
            else:
                self._is_refused = True
        finally:
            self._is_busy = False

    def _stop(self, note: str = "") -> None:
        self._is_busy = True
        self._thread = None
        self.is_done = True
        try:
            end_ns = self._hooks.sink.now_ns()
            seen: KernelsSeen | None = self._hooks.safely("stop", self._recording.stop)
            if self._is_by_patience and seen is not None and not seen.kernels and note in ("", FULL):
                self._is_by_patience = self.is_done = False  # it was doing something else: again, later
                self._began_waiting = self._clock()
                if note:
                    self._patience_s *= MORE_PATIENT
            elif seen is not None:
                note = note or seen.note
                seen = replace(seen, start_ns=self._start_ns, end_ns=end_ns, steps=self.steps, note=note)
                self._hooks.sink.emit(seen)
        finally:
            self._is_busy = False

"""Is called before each backward: looks at its graph as often as that costs next to nothing, and counts."""

from __future__ import annotations

import sys
import time
from collections import Counter
from threading import get_ident
from typing import TYPE_CHECKING, Any, Protocol

from tracedbg.adapters.steps import Places, place_of
from tracedbg.adapters.torch_common._compat import NO_SUBCLASSES
from tracedbg.adapters.torch_compile.apart._compat import leaver_alone
from tracedbg.adapters.torch_ops.observer import loaded
from tracedbg.adapters.torch_steps import _compat
from tracedbg.adapters.torch_steps.fast import FastLooker
from tracedbg.adapters.torch_steps.saved import saved_bytes
from tracedbg.adapters.torch_steps.sequences import Sequences
from tracedbg.adapters.torch_steps.walk import SlowLooker
from tracedbg.events import OpSite

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import CodeType, FrameType

    from tracedbg.adapters.steps import Place
    from tracedbg.adapters.torch_steps.walk import Walked
    from tracedbg.hooks import Hooks

SHARE = 0.01
"""The part of the time that looking may take."""
FIRST = 32
"""Steps of a place that are looked at in any case."""
FIRST_GRAPHS = 64
"""Different graphs of a place that are kept in any case."""
FIRST_SAVED = 8
"""Of those: how many are asked in any case for what they keep."""
PAIR = 2
"""Steps in a row that are looked at: a change is told of two that follow each other."""
_ROUND = frozenset(10**power for power in range(1, 19))


class Looker(Protocol):
    """Reads graphs."""

    is_fast: bool
    """Whether each step can be looked at."""

    def fingerprint(self, outputs: Sequence[Any]) -> str | None:
        """Of the graph of these outputs; None where there is none."""

    def walk(self, outputs: Sequence[Any]) -> Walked:
        """The graph itself."""


class Pace:
    """Decides which steps are looked at, so that it takes no more than a share of the time."""

    def __init__(self, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        self._clock = clock
        self._spent_ns = 0
        self._start_ns = clock()

    def has_time(self) -> bool:
        """Whether less than the share has been taken so far."""
        return self._spent_ns <= (self._clock() - self._start_ns) * SHARE

    def begin(self) -> int:
        """The present moment, for `spent`."""
        return self._clock()

    def spent(self, since_ns: int) -> None:
        """Something was looked at since then."""
        self._spent_ns += self._clock() - since_ns


class Steps:
    """The steps of all threads."""

    def __init__(self, hooks: Hooks, looker: Looker) -> None:
        self._places = Places(hooks.sink, "autograd")
        self._looker = looker
        self._pace = Pace()
        self._is_running = _compat.RUNNING.get()
        self._mode_count = _compat.MODE_COUNT.get()
        self._mode = _compat.MODE.get()
        keys = _compat.MODE_KEYS.get()
        self._no_functions = NO_SUBCLASSES.get()
        self._tracing = [getattr(keys, name) for name in _compat.TRACING if hasattr(keys, name)]
        self._left: dict[int, int] = {}
        """Of places that are in the middle of a row: how many steps of it are left."""
        self._looking: set[int] = set()
        """Threads in which a look is under way; a signal's handler may ask for a backward in the midst of it,
        when what it imports is only half there."""
        hooks.on_tell(self._places.tell)

    def step(self, outputs: Sequence[Any], frame: FrameType) -> None:
        """A backward is about to begin; called by the thread that asked for it."""
        if self._is_running() != -1 or (self._mode_count() and self._is_traced()):
            return
        place = self._places.at(place_of(frame), frame)
        place.step(self._look(place, outputs) if self._is_wanted(place) else None)

    def _is_traced(self) -> bool:
        """Whether torch runs it only to see what it does."""
        return any(self._mode(key) is not None for key in self._tracing)

    def _is_wanted(self, place: Place) -> bool:
        if self._looker.is_fast or place.steps < FIRST:
            return True
        left = self._left.pop(id(place), 0)
        if not left and self._pace.has_time():
            left = PAIR
        if left > 1:
            self._left[id(place)] = left - 1
        return left > 0

    def _look(self, place: Place, outputs: Sequence[Any]) -> str | None:
        found = self._looker.fingerprint(outputs) if self._looker.is_fast else None
        if found in place.kept and not _is_round(place.looked_at):
            return found
        thread_id = get_ident()
        if thread_id in self._looking:
            return found
        begin_ns = self._pace.begin()
        self._looking.add(thread_id)
        try:
            with self._no_functions():
                found = found or self._looker.fingerprint(outputs)
                if found is not None:
                    self._look_closely(place, found, outputs)
        finally:
            self._looking.discard(thread_id)
        self._pace.spent(begin_ns)
        return found

    def _look_closely(self, place: Place, fingerprint: str, outputs: Sequence[Any]) -> None:
        """Keep a graph that is new; of a known one, see now and then whether it keeps more than before."""
        if fingerprint not in place.kept:
            if not self._may_keep(place):
                return
            walked = self._looker.walk(outputs)
            lines = Counter(one.line for one in walked.nodes)
            self._places.keep(place, fingerprint, tuple(_sites(walked)), lines)
            if len(place.kept) > FIRST_SAVED and not self._pace.has_time():
                return
        elif _is_round(place.looked_at) and self._pace.has_time():
            walked = self._looker.walk(outputs)
        else:
            return
        place.save(saved_bytes(walked))

    def _may_keep(self, place: Place) -> bool:
        return self._places.has_room(place) and (len(place.kept) < FIRST_GRAPHS or self._pace.has_time())


def _is_round(number: int) -> bool:
    """10, 100, 1000, ...: batches may have become larger."""
    return number in _ROUND


def _sites(walked: Walked) -> list[OpSite]:
    names = [f"{one.name.removesuffix('0')}_{number}" for number, one in enumerate(walked.nodes)]
    sites = []
    for number, one in enumerate(walked.nodes):
        inputs = tuple(_input(names, of, output) for of, output in one.inputs)
        line = one.line
        callers = one.stack[1:]
        sites.append(OpSite(names[number], one.name, inputs, "", line.file, line.line, callers=callers))
    return sites


def _input(names: list[str], of: int | str, output: int) -> str:
    if isinstance(of, str):
        return of or "no gradient"
    return f"{names[of]}:{output}" if output else names[of]


def attach(hooks: Hooks) -> None:
    """Look at each backward until the hooks are removed."""
    observer = loaded()
    steps = Steps(hooks, SlowLooker() if observer is None else FastLooker(observer.native))
    if observer is not None:
        hooks.safely("sequences", Sequences, hooks, observer.native)

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def _make_grads(outputs: Any, *args: Any, **kwargs: Any) -> Any:
            made = original(outputs, *args, **kwargs)  # what it raises ends the backward before it begins
            hooks.safely("step", steps.step, outputs, sys._getframe(1))
            return made

        return _as_torchs_own(_make_grads, original)

    hooks.patch(*_compat.MAKE_GRADS.find(), make)
    hooks.safely("own code", leave_alone, getattr(*_compat.MAKE_GRADS.find()).__code__)


def _as_torchs_own(wrapper: Any, original: Any) -> Any:
    """Have frames of `wrapper` look like those of what it wraps.

    The ops that this runs are the program's: whoever looks at their stacks, the observer of ops among them,
    is not to take them for ours.
    """
    code = getattr(original, "__code__", None)
    if code is not None:
        wrapper.__code__ = wrapper.__code__.replace(
            co_filename=code.co_filename, co_firstlineno=code.co_firstlineno
        )
    return wrapper


def leave_alone(code: CodeType) -> None:
    """Have Dynamo leave our code alone: below a compiled function it looks at each Python frame."""
    leaver_alone()(code)

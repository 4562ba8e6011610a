"""Samples what all threads of this process are doing: where the time goes, at a cost of under a percent.

A thread that nobody sees (see `ticker`) looks at the stacks and at the threads' CPU clocks. It learns more
from the interpreter's lock than from the stacks: a sampler that wakes up and gets the lock at once sees
threads that are outside of the interpreter, in an op or in a wait; one that has to wait for it sees a
thread that runs Python. The time since the last sample belongs to the sample, so that the times of a
thread add up to the run.

It must not know frameworks, hold a frame, or touch a variable of the program's.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from tracedbg import plugins, thread_clocks, ticker
from tracedbg.activities import HELD, Activity, Classifier, Doing
from tracedbg.callees import Callee, Callees
from tracedbg.hooks import Hooks
from tracedbg.ran import SamplesSeen, SampleTotal
from tracedbg.stacks import Stacks
from tracedbg.stays import Stays

if TYPE_CHECKING:
    from types import FrameType

    from tracedbg.hooks import Hub
    from tracedbg.stacks import Stack

MAX_COST = 0.005
"""The share of one core's time that sampling may take; beyond it, samples become rarer.

At `USUAL_HZ` or less; who asks for more may have it, at its price.
"""
USUAL_HZ = 100
HANDOVER_NS = 100_000
"""What a program loses by a sample beside that: the interpreter's lock changes hands twice."""
MAX_INTERVAL_S = 0.08
"""So rare they become at most, for what they say to be true."""
FIRST_COST_NS = 20_000_000
"""What it may take beside: code that is seen for the first time costs more."""
MOST_DEBT_NS = 1_000_000
"""What is paid back of that by rarer samples: an import shows much code for the first time, and soon ends."""
MAX_OTHERS = 8
"""Threads beside the main one that one sample looks at; the others have their turn in the next ones."""
MAX_THREADS = 2_000
"""Threads that something is known of: those that have ended are forgotten with the others."""
HELD_NS = 400_000
"""Who waits so long for the interpreter's lock has waited for a thread that ran Python.

A free lock is there after 0.1 ms; one that has to be asked for, after the 5 ms of `sys.getswitchinterval`.
"""
_BUSY = 0.7
"""The share of its time from which on a thread has not waited."""
_SMOOTH = 0.05
_SPIKE = 2
_SPIKE_NS = 50_000
_NS = 1e9
_NATIVE = "native code"

_JUDGED, _WAITS, _CALLS_OP, _CALLS_NATIVE = range(4)
"""What a thread does: as its stack says, or what its frames cannot tell."""
_CALLS = {Callee.OP: _CALLS_OP, Callee.WAIT: _WAITS, Callee.OTHER: _CALLS_NATIVE}
"""A thread runs, but no Python: its innermost frame has called something."""
_Place = tuple["Stack", int]


class _Thread:
    """What the last look at a thread has left."""

    __slots__ = ("cpu_ns", "ident", "is_main", "number", "seen_ns", "totals")

    def __init__(self, ident: int, *, is_main: bool, seen_ns: int) -> None:
        self.ident = ident
        self.is_main = is_main
        self.number = thread_clocks.thread_number(ident)
        self.cpu_ns = thread_clocks.run_ns(self.number)
        self.seen_ns = seen_ns
        self.totals: dict[_Place, _Total] = {}


class _Total:
    """What samples that saw one thread do one thing at one place have in common."""

    __slots__ = ("count", "cpu_ns", "wall_ns")

    def __init__(self) -> None:
        self.count = self.wall_ns = self.cpu_ns = 0


class Sampler:
    """The samples of one recording; see `options.Extra`."""

    def __init__(self, hub: Hub, rate_hz: int, *, is_whole: bool = False, is_rank: bool = False) -> None:
        """Prepare.

        Args:
            hub: where all events of this process pass.
            rate_hz: samples a second, at most.
            is_whole: the recording is of the whole process: what was before belongs to it.
            is_rank: other processes may make this one wait: where it stays for long is told with its moments.
        """
        self._hub = hub
        self._rate_hz = rate_hz
        self._max_cost = MAX_COST * max(rate_hz / USUAL_HZ, 1)
        self._is_whole = is_whole
        self._hooks = Hooks(hub, "samples")
        self._stacks = Stacks(Classifier(plugins.activity_rules()))
        self._callees = Callees(plugins.watched_packages())
        self._ticker = ticker.Ticker(self._tick, 1 / rate_hz)
        self._lock = threading.RLock()
        self._stays = Stays(hub.emit) if is_rank else None
        self._begin()

    def _begin(self) -> None:
        """Begin a new stretch: nothing is known of any thread."""
        self._threads: dict[int, _Thread] = {}
        self._turn = 0
        self._last: _Place | None = None
        """Where the main thread was."""
        self._own_ns = 0
        self._credit_ns: float = FIRST_COST_NS
        """CPU time that may be spent without sleeping longer."""
        self._cost_ns = 0.0
        """Of a sample, smoothed."""
        self._paid: tuple[int, int] = (0, 0)
        """Our thread, and its CPU clock when it was read."""
        self._core_waits = thread_clocks.CoreWaits()
        self._late_ns = 0
        """How late the samples since then were, all together: so much of it was theirs at the most."""
        self._start_ns = self._told_ns = self._seen_ns = self._slept_ns = self._hub.now_ns()
        self._main = threading.main_thread().ident or 0
        self._threads[self._main] = _Thread(self._main, is_main=True, seen_ns=self._start_ns)

    def start(self) -> None:
        """See `options.Extra`; the same for the methods below."""
        if self._is_whole:
            self._hooks.safely("startup", self._tell_startup)
        self._ticker.start()

    def _tell_startup(self) -> None:
        """The time before: Python's own start, and what ran before a framework was imported."""
        began_ns = thread_clocks.began_ns(self._hub.now_ns())
        if began_ns is None or began_ns >= self._start_ns:
            return
        zero_ns = min(max(began_ns, 0), self._start_ns)
        """When the first module of the recording was loaded; what came then was ours."""
        held_ns = self._hub.held_ns
        rest_ns = self._start_ns - zero_ns - held_ns
        own_ns = rest_ns if self._hub.own_ns is None else min(self._hub.own_ns, rest_ns)
        main = threading.main_thread().ident or 0
        spent_ns = time.process_time_ns()
        at_ns = began_ns
        for wall_ns, activity, phase in (
            (zero_ns - began_ns + rest_ns - own_ns, Activity.STARTUP, "starting"),
            (held_ns, Activity.OVERHEAD, HELD),
            (own_ns, Activity.OVERHEAD, "starting"),
        ):
            if wall_ns > 0:
                cpu_ns = 0 if phase == HELD else min(spent_ns, wall_ns)
                total = SampleTotal((), activity.value, phase, main, True, 0, wall_ns, cpu_ns)
                self._hub.emit(SamplesSeen(self._rate_hz, at_ns, at_ns + wall_ns, 0, (total,)))
                at_ns += wall_ns

    def close(self) -> None:  # noqa: D102
        self._ticker.stop()
        self._tell()
        self._hooks.remove()

    def before_fork(self) -> None:
        """What was seen is the parent's; both go on when they are two."""
        self._ticker.suspend()
        self._tell()

    def after_fork_in_child(self) -> None:  # noqa: D102
        self._lock = threading.RLock()
        with self._lock:
            self._stays = None
            self._begin()

    def _tell(self) -> None:
        """Tell the rest; the time since the last sample goes to where the main thread was."""
        with self._lock:
            self._hooks.safely("tell", self._emit, self._hub.now_ns())

    # --- a sample ----------------------------------------------------------------------------

    def _tick(self) -> bool:
        if self._hooks.is_broken("sample") or self._hub.is_idle:
            return False
        with self._lock:
            with ticker.no_collection():  # not while totals are told: the program could notice
                self._hooks.safely("sample", self._sample)
            now_ns = self._hub.now_ns()
            next_ns = now_ns + int(self._ticker.interval_s * _NS)
            if next_ns - self._told_ns > ticker.TELL_S * _NS:
                self._hooks.safely("tell", self._emit, now_ns)
            self._pay()
        return True

    def _sample(self) -> None:
        """Look at all threads. The frames are let go of before anything else is done."""
        woke_ns = self._hub.now_ns()
        late_ns = woke_ns - self._slept_ns - int(self._ticker.interval_s * _NS)
        frames = sys._current_frames()
        for ident in tuple(ticker.idents):
            frames.pop(ident, None)
        if len(frames) > MAX_OTHERS + 1:
            frames = self._chosen(frames)
        looks = [(ident, self._look(frame)) for ident, frame in frames.items()]
        frames.clear()
        held_ns = self._waited_for_lock_ns(late_ns)
        for ident, (stack, names) in looks:
            if names is not None and not held_ns:
                stack.called = _CALLS[self._callees.of(stack.code, stack.instruction, names)]
            self._count(ident, stack, woke_ns, held_ns=held_ns)
        self._seen_ns = woke_ns

    def _chosen(self, frames: dict[int, FrameType]) -> dict[int, FrameType]:
        """Those of the main thread, and of the others whose turn it is."""
        idents = [ident for ident in frames if ident != self._main]
        first = self._turn % len(idents)
        self._turn = first + MAX_OTHERS
        chosen = (idents[first:] + idents[:first])[:MAX_OTHERS]
        if self._main in frames:
            chosen.insert(0, self._main)
        return {ident: frames[ident] for ident in chosen}

    def _look(self, frame: FrameType) -> tuple[Stack, dict[str, Any] | None]:
        """What is taken of a frame: its names only where it is not known yet what it has called."""
        stack = self._stacks.read(frame)
        is_asked = stack.called is None and stack.doing.activity is Activity.PYTHON
        return stack, frame.f_globals if is_asked else None

    def _waited_for_lock_ns(self, late_ns: int) -> int:
        """How long we are late because a thread ran Python, not because the machine had no core for us."""
        if late_ns < HELD_NS:
            self._late_ns += max(late_ns, 0)
            return 0
        held_ns = late_ns - max(self._core_waits.since_asked_ns() - self._late_ns, 0)
        self._late_ns = 0
        return held_ns if held_ns >= HELD_NS else 0

    def _count(self, ident: int, stack: Stack, now_ns: int, *, held_ns: int) -> None:
        thread = self._threads.get(ident)
        is_new = thread is None
        if thread is None:  # what is sure is the time since the last sample
            thread = _Thread(ident, is_main=ident == self._main, seen_ns=min(self._seen_ns, now_ns))
            self._threads[ident] = thread
        before_ns, cpu_ns = thread.cpu_ns, thread_clocks.run_ns(thread.number)
        if cpu_ns < before_ns:  # that thread has ended: this one was given its identity
            thread.number = thread_clocks.thread_number(ident)
            before_ns, cpu_ns, is_new = 0, thread_clocks.run_ns(thread.number), True
        wall_ns, spent_ns = now_ns - thread.seen_ns, max(cpu_ns - before_ns, 0)
        thread.seen_ns, thread.cpu_ns = now_ns, cpu_ns
        does = _JUDGED
        if stack.doing.activity is Activity.PYTHON:
            if not is_new and self._is_idle(thread, wall_ns, spent_ns, held_ns):
                does = _WAITS
            elif not held_ns:
                does = stack.called or _JUDGED
        place = (stack, does)
        total = thread.totals.get(place)
        if total is None:
            total = thread.totals[place] = _Total()
        total.count += 1
        total.wall_ns += wall_ns
        total.cpu_ns += min(spent_ns, wall_ns)
        if thread.is_main:
            self._last = place
            if self._stays is not None:
                self._stays.seen(stack.users, _doing(stack, does), now_ns - wall_ns, now_ns, spent_ns)

    def _is_idle(self, thread: _Thread, wall_ns: int, spent_ns: int, held_ns: int) -> bool:
        """Whether a thread waits, by what it has run for since the last look, and by whether it runs now."""
        if thread.number is None or wall_ns <= 0:
            return False
        if spent_ns >= _BUSY * wall_ns:
            return False
        if held_ns and spent_ns >= held_ns / 2:
            return False  # it has run while we waited for the interpreter's lock
        return not thread_clocks.may_run(thread.number)

    # --- what it came to ---------------------------------------------------------------------

    def _emit(self, now_ns: int) -> None:
        main = self._threads[self._main]
        if self._last is not None:
            total = main.totals.setdefault(self._last, _Total())
            total.wall_ns += now_ns - self._seen_ns
            main.seen_ns = self._seen_ns = now_ns
        totals = tuple(total for thread in self._threads.values() for total in _totals(thread))
        if len(self._threads) > MAX_THREADS:
            self._threads = {self._main: main}
        if not totals:
            return
        self._told_ns = now_ns
        own_ns, self._own_ns = self._own_ns, 0
        self._hub.emit(SamplesSeen(self._rate_hz, self._start_ns, self._seen_ns, own_ns, totals))
        if self._stays is not None:
            self._stays.tell()

    def _pay(self) -> None:
        """Count what this tick has cost, and sleep longer if that is too much."""
        me, paid_ns, now_ns = threading.get_ident(), time.thread_time_ns(), self._hub.now_ns()
        last, before_ns = self._paid
        is_same = last == me and paid_ns >= before_ns  # a new thread may have an old number
        cost_ns = paid_ns - before_ns if is_same else paid_ns
        slept_ns = now_ns - self._slept_ns if is_same else self._ticker.interval_s * _NS
        self._own_ns += cost_ns
        typical_ns = min(cost_ns, _SPIKE * self._cost_ns + _SPIKE_NS)  # code seen for the first time is rare
        self._cost_ns += _SMOOTH * (typical_ns - self._cost_ns)
        credit_ns = self._credit_ns + self._max_cost * slept_ns - typical_ns - HANDOVER_NS
        self._credit_ns = max(min(credit_ns, FIRST_COST_NS), -MOST_DEBT_NS)
        needed_s = (self._cost_ns + HANDOVER_NS) / self._max_cost / _NS if self._credit_ns < 0 else 0.0
        self._ticker.interval_s = max(1 / self._rate_hz, min(needed_s, MAX_INTERVAL_S))
        self._paid = (me, paid_ns)
        self._slept_ns = now_ns


def _totals(thread: _Thread) -> list[SampleTotal]:
    """What was counted of a thread, and is from now on forgotten; one for each place of the user's."""
    merged: dict[tuple[tuple[int, ...], Doing], SampleTotal] = {}
    for (stack, does), total in thread.totals.items():
        doing = _doing(stack, does)
        key = (stack.users_key, doing)
        before = merged.get(key)
        merged[key] = SampleTotal(
            stack=stack.users,
            activity=doing.activity.value,
            phase=doing.phase,
            thread_id=thread.ident,
            is_main=thread.is_main,
            count=total.count + (before.count if before else 0),
            wall_ns=total.wall_ns + (before.wall_ns if before else 0),
            cpu_ns=total.cpu_ns + (before.cpu_ns if before else 0),
        )
    thread.totals.clear()
    return list(merged.values())


def _doing(stack: Stack, does: int) -> Doing:
    if does == _WAITS:
        return Doing(Activity.WAITING)
    if does == _CALLS_OP:
        return Doing(Activity.EAGER_OPS)
    if does == _CALLS_NATIVE:
        return Doing(Activity.PYTHON, stack.doing.phase or _NATIVE)
    return stack.doing

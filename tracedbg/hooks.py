"""How adapters hook into a framework, and the only thing of ours that they know: the `Sink`.

It must not know what happens to an event, nor any framework.
"""

from __future__ import annotations

import functools
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from tracedbg.events import Event, Fault

if TYPE_CHECKING:
    from types import ModuleType

_PATIENCE_S = 1.0
_NOTHING = (None,)
F = TypeVar("F", bound=Callable[..., Any])


class Sink(Protocol):
    """Where events go. Every method is safe in any thread, and never raises."""

    def emit(self, event: Event) -> None:
        """Take one event; returns at once."""

    def flush(self) -> None:
        """Return when everything emitted so far would survive a `kill -9`."""

    def new_id(self) -> int:
        """A number that no other trace of this process has."""

    def now_ns(self) -> int:
        """Nanoseconds on the monotonic clock since the run's start."""


class Adapter(Protocol):
    """One tracing system's hooks."""

    name: str
    modules: tuple[str, ...]
    """Attach when the first of these has been imported by the program, and not before."""

    def attach(self, module: ModuleType, hooks: Hooks) -> None:
        """Install the hooks; `hooks` removes them again.

        Args:
            module: the member of `modules` that has just been imported.
            hooks: where to install; its `sink` is where events go.
        """


class Hooks:
    """The hooks that one adapter has installed: removes them all, and contains their faults.

    A hook of ours that raises is caught, reported once as a `Fault`, and taken out; the user's
    program goes on as if it had never been there.
    """

    def __init__(self, sink: Sink, name: str) -> None:
        self.sink = sink
        self.name = name
        self._stack = ExitStack()
        self._broken: set[str] = set()
        self._tellers: list[Callable[[], None]] = []
        self._telling = threading.Lock()

    def on_remove(self, undo: Callable[[], object]) -> None:
        """Call `undo` when the hooks are removed, the last one first."""
        self._stack.callback(undo)

    def on_tell(self, tell: Callable[[], None]) -> None:
        """Call `tell` now and then, and before a recording ends: it emits what was only counted until then.

        It must emit what is new since the last time; it may be called in any thread, in one at a time.
        """
        self._tellers.append(tell)

    def tell(self) -> None:
        """Have everything emitted that was only counted until now."""
        if not self._telling.acquire(timeout=_PATIENCE_S):
            return  # a signal handler inside our own telling: that one goes on with it
        try:
            for number, teller in enumerate(tuple(self._tellers)):
                self.safely(f"tell.{number}", teller)
        finally:
            self._telling.release()

    @property
    def has_tellers(self) -> bool:
        """Whether anything is counted."""
        return bool(self._tellers)

    def patch(self, owner: Any, attribute: str, make: Callable[[Any], Any]) -> None:
        """Replace `owner.attribute` by `make(original)` until the hooks are removed.

        If somebody else has patched over us by then, ours stays in the chain but is not used:
        a `make` should look at `self.active`, or simply be harmless without a sink.
        """
        original = getattr(owner, attribute)
        inherited = attribute not in vars(owner)
        held = vars(owner).get(attribute)  # `getattr` unwraps what a class holds: a staticmethod, ...
        ours = make(original)
        functools.update_wrapper(ours, original)
        ours.__tracedbg__ = self.name
        setattr(owner, attribute, ours)

        def undo() -> None:
            if vars(owner).get(attribute) is not ours:
                return
            if inherited:
                delattr(owner, attribute)
            else:
                setattr(owner, attribute, held)

        self.on_remove(undo)

    def is_broken(self, where: str) -> bool:
        """Whether the part called `where` has raised before: it is then left out."""
        return where in self._broken

    @contextmanager
    def guarded(self, where: str) -> Iterator[None]:
        """Run code of ours inside the user's program: what it raises is recorded, not raised."""
        try:
            yield
        except Exception as error:  # noqa: BLE001  the user's program always wins
            self.fault(where, error)

    def safely(self, where: str, function: Callable[..., Any], *args: Any, default: Any = None) -> Any:
        """`function(*args)`, or `default` if it raises or has raised before."""
        if where in self._broken:
            return default
        try:
            return function(*args)
        except Exception as error:  # noqa: BLE001  the user's program always wins
            self.fault(where, error)
            return default

    def fault(self, where: str, error: BaseException) -> None:
        """Record a fault of ours, once for each place; what is none, but comes of an interrupt, is raised."""
        _raise_earlier(error)
        if where in self._broken:
            return
        self._broken.add(where)
        message = f"{type(error).__name__}: {error}"
        self.sink.emit(Fault(f"{self.name}.{where}", message, self.sink.now_ns()))

    def remove(self) -> None:
        """Take everything out again."""
        self._tellers.clear()
        self._stack.close()


def raise_pending() -> None:
    """Raise what was raised already, if code in C calls us in the middle of that: a callback's first line.

    TensorFlow's does so with the gradient of a traced function, where Ctrl+C came just before. Such an
    exception is lost as soon as a name is looked for in a type whose cache does not have it, or another
    exception is handled: not even an attribute of `self` may be read before. An item that is read by the
    index -1 is all in Python that asks whether this is an error, and does no more.

    Source: `PyNumber_AsSsize_t` and `_PyType_Lookup` of CPython; seen to hold for 3.10-3.13.
    """
    return _NOTHING[-1]


def _raise_earlier(error: BaseException) -> None:
    """Raise what was raised already when code of ours was called, if `error` comes of that.

    C code may call Python in the middle of an exception, as TensorFlow does with a gradient's functions where
    Ctrl+C came just before. The next function that is written in C then ends in a SystemError.
    """
    if isinstance(error, SystemError) and error.__cause__ is not None:
        raise error.__cause__ from None


class Hub:
    """The process-wide sink: adapters emit into it, sessions subscribe to it.

    With no subscriber it drops events, so that a hook which somebody has copied elsewhere
    before we removed it does no harm.
    """

    def __init__(self) -> None:
        self._sinks: tuple[Sink, ...] = ()
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._told: set[str] = set()
        self.start_ns = time.monotonic_ns()
        self.own_ns: int | None = None
        """How long we took before the program began, where we were there first: where it is debugged."""
        self.held_ns = 0
        """How long its main thread stood still for whoever debugs it."""

    def is_news(self, fault: str) -> bool:
        """Whether nobody has asked for these words before: what several parts need is told once."""
        if fault in self._told:
            return False
        self._told.add(fault)
        return True

    def subscribe(self, sink: Sink) -> None:
        """Send every event from now on to `sink` as well."""
        with self._lock:
            self._sinks = (*self._sinks, sink)

    def unsubscribe(self, sink: Sink) -> None:
        """Send no more events to `sink`."""
        with self._lock:
            self._sinks = tuple(s for s in self._sinks if s is not sink)

    def reset_after_fork(self) -> None:
        """In a forked child: another thread may have held the lock, and does not exist here."""
        self._lock = threading.Lock()

    @property
    def is_idle(self) -> bool:
        """Whether nobody listens."""
        return not self._sinks

    def emit(self, event: Event) -> None:
        """See `Sink`; the same for the methods below."""
        for sink in self._sinks:
            sink.emit(event)

    def flush(self) -> None:  # noqa: D102
        for sink in self._sinks:
            sink.flush()

    def new_id(self) -> int:  # noqa: D102
        return next(self._ids)

    def now_ns(self) -> int:  # noqa: D102
        return time.monotonic_ns() - self.start_ns

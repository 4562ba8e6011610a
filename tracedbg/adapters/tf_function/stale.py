"""Traces that go on being used although something that they were made from has changed.

What a trace depends on is noted while it is made. Afterwards its first few uses are looked at, and then one
use in each quarter of a second: TensorFlow looks for a trace in a cache, and for those uses alone something
of ours stands in the cache's place. All other calls run TensorFlow's own code and nothing else. So what is
said was seen: at that use, the value was another one. See docs/decisions/0003-stale-traces.md.
"""

from __future__ import annotations

import weakref
from functools import partial
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.py_state.observed import Observed, Watch, by_name
from tracedbg.adapters.tf_common import running
from tracedbg.adapters.tf_common.weak import WeakTable
from tracedbg.adapters.tf_function.closures import instance_of
from tracedbg.adapters.tf_function.subjects import links
from tracedbg.events import Stale, Traceable
from tracedbg.ticker import Ticker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tracedbg.adapters.tf_common.running import OpenTrace
    from tracedbg.hooks import Hooks

FIRST_USES = 16
"""How many uses after a trace are looked at, each."""
MAX_WATCHED = 256
MAX_SAID = 1000


class StaleTraces:
    """Reports stale traces."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._watched: dict[int, _Lookups] = {}
        self._said: set[tuple[str, int, str, str]] = set()
        self._ticker = Ticker(self._look_again)
        hooks.on_remove(self._remove)

    def begin(self, trace: OpenTrace, options: Any, found: Mapping[str, Any]) -> None:
        """A trace begins: note what its function reads."""
        trace.observed = Observed()
        chain = list(links(options.python_function))
        bound = next((_bound(link) for link in chain if not isinstance(link, FunctionType | partial)), None)

        def arguments() -> dict[str, Any]:
            given = (bound, *found["args"]) if bound is not None else found["args"]
            return by_name(chain[-1], given, found["kwargs"])

        trace.observed.enter(chain[-1], arguments)

    def end(self, trace: OpenTrace, function: Traceable, options: Any, made: Any) -> None:
        """It is done, and has made `made`: follow what becomes of it."""
        if trace.observed is None:
            return
        lines: dict[str, set[int]] = {}
        for _, frame in trace.lines.values():
            lines.setdefault(frame.file, set()).add(frame.line)
        watch = trace.observed.settle(lines)
        if not watch:
            return
        parent = running.innermost()
        if parent is not None and parent.observed is not None:
            parent.observed.include(watch)
        if options.function_cache is None:
            return
        lookups = self._watched.get(id(options))
        if lookups is None or lookups.options() is not options:
            while len(self._watched) >= MAX_WATCHED:
                self._watched.pop(next(iter(self._watched))).forget()
            lookups = self._watched[id(options)] = _Lookups(self, options)
        lookups.traces.set(made, (watch, function, trace.id))
        lookups.look(FIRST_USES)
        self._ticker.start()

    def used(self, lookups: _Lookups, made: Any) -> None:
        """A trace is used, and it is one of those to look at."""
        entry = lookups.traces.get(made)
        if entry is None:
            return
        watch, function, trace_id = entry
        for found in watch.use():
            key = (found.frame.file, found.frame.line, found.kind, found.name)
            if key in self._said or len(self._said) >= MAX_SAID:
                continue
            self._said.add(key)
            sink = self._hooks.sink
            sink.emit(
                Stale(
                    function,
                    found.kind,
                    found.name,
                    found.frame,
                    found.then,
                    found.now,
                    sink.now_ns(),
                    trace_id,
                )
            )
        if not watch:
            lookups.traces.drop(made)

    def contained(self, fault: BaseException) -> None:
        """A fault of ours, at a use."""
        self._hooks.fault("stale", fault)

    def _look_again(self) -> bool:
        """In the background: look at one more use of each function; whether there is any to look at."""
        for key, lookups in list(self._watched.items()):
            if lookups.options() is None or not lookups.traces:
                self._watched.pop(key, None)
            else:
                lookups.look(1)
        return bool(self._watched)

    def _remove(self) -> None:
        self._ticker.stop()
        for lookups in self._watched.values():
            lookups.forget()
        self._watched.clear()


class _Lookups:
    """Stands in for the cache of one `tf.function` while its uses are looked at."""

    def __init__(self, stale: StaleTraces, options: Any) -> None:
        self._stale = stale
        self.options = weakref.ref(options)
        self.traces: WeakTable[tuple[Watch, Traceable, int]] = WeakTable()
        self._left = 0

    def look(self, uses: int) -> None:
        """Look at that many uses more, at least."""
        options = self.options()
        if options is None:
            return
        self._left = max(self._left, uses)
        if not self._stands_in(options):
            options.function_cache = _Probe(options.function_cache, self)

    def used(self, made: Any) -> None:
        """One of those uses."""
        try:
            if made is not None:
                self._left -= 1
                self._stale.used(self, made)
        except Exception as error:
            self.traces.clear()
            self._stale.contained(error)
        if self._left <= 0 or not self.traces:
            self.let_go()

    def let_go(self) -> None:
        """Look at no more uses."""
        self._left = 0
        options = self.options()
        if options is not None and self._stands_in(options):
            options.function_cache = options.function_cache.cache

    def forget(self) -> None:
        """Look at nothing ever again, though somebody else may stand in before us."""
        self.traces.clear()
        self.let_go()

    def _stands_in(self, options: Any) -> bool:
        cache = options.function_cache
        return type(cache) is _Probe and cache.owner is self


class _Probe:
    """A `FunctionCache` that tells us of the lookups in it."""

    def __init__(self, cache: Any, owner: _Lookups) -> None:
        self.cache = cache
        self.owner = owner

    def lookup(self, *args: Any, **kwargs: Any) -> Any:
        made = self.cache.lookup(*args, **kwargs)
        self.owner.used(made)
        return made

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cache, name)

    def __len__(self) -> int:
        return len(self.cache)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """A copy is one of the cache alone."""
        return self.cache.__reduce_ex__(protocol)


def _bound(link: Any) -> Any:
    """What `self` is: of a method, or an object that can be called."""
    return instance_of(link) if isinstance(link, MethodType) else link

"""The adapters of this process, attached while somebody listens, and what else is observed then.

It must not know what is done with events.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

from tracedbg import plugins
from tracedbg.boot.imports import PostImport
from tracedbg.events import FrameworkSeen
from tracedbg.hooks import Hooks, Hub
from tracedbg.ticker import Ticker

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from tracedbg.hooks import Adapter, Sink
    from tracedbg.options import Extra

TELL_S = 0.05
"""How often counts are written: a program that is killed loses those of so many seconds."""


class Observers:
    """The adapters of this process: attached while somebody listens."""

    def __init__(self) -> None:
        self.hub = Hub()
        self._lock = threading.RLock()
        self._observers: list[Sink] = []
        self._watchers: list[Sink] = []
        self._imports: PostImport | None = None
        self._hooks: list[Hooks] = []
        self._attached: set[str] = set()
        self._versions: dict[str, str] = {}
        self._ticker = Ticker(self._tell, TELL_S)
        self._extras: dict[str, tuple[Sink, Extra]] = {}

    def add(self, observer: Sink) -> None:
        """Send events to `observer`; the first one installs the hooks."""
        with self._lock:
            self._tell()  # what was counted before is not for the new one
            self._observers.append(observer)
            self._subscribe(observer)
            for name, version in self._versions.items():
                observer.emit(FrameworkSeen(name, version))
            if self._imports is None:
                self._imports = PostImport()
                self._watch(self._imports)

    def _subscribe(self, observer: Sink) -> None:
        """Observers first: a watcher that looks an event up finds it recorded."""
        for watcher in self._watchers:
            self.hub.unsubscribe(watcher)
        self.hub.subscribe(observer)
        for watcher in self._watchers:
            self.hub.subscribe(watcher)

    def watch(self, watcher: Sink) -> None:
        """Send `watcher` what is sent to the observers, as long as there are any."""
        with self._lock:
            self._watchers.append(watcher)
            self.hub.subscribe(watcher)

    def unwatch(self, watcher: Sink) -> None:
        """Send it no more."""
        with self._lock:
            self._watchers.remove(watcher)
            self.hub.unsubscribe(watcher)

    def _watch(self, imports: PostImport) -> None:
        for name in plugins.adapter_names():
            hooks = Hooks(self.hub, name)
            with hooks.guarded("load"):
                adapter = plugins.load_adapter(name)
                for module in adapter.modules:
                    imports.watch(module.partition(".")[0], self.see)
                    imports.watch(module, partial(self.attach, adapter, hooks))

    def have(self, name: str, observer: Sink, make: Callable[[Hub], Extra]) -> None:
        """Have something more observed until `observer` goes. There is one of each name, and all are told."""
        with self._lock:
            if name not in self._extras:
                extra = make(self.hub)
                self._extras[name] = (observer, extra)
                extra.start()

    def end_extras(self, observer: Sink) -> None:
        """End what `observer` has asked for, the last one first."""
        with self._lock:
            for name, (owner, extra) in reversed(tuple(self._extras.items())):
                if owner is observer:
                    del self._extras[name]
                    extra.close()

    def before_fork(self) -> None:
        """See `Extra.before_fork`."""
        for _, extra in self._extras.values():
            extra.before_fork()

    def replace_after_fork(self, parents: Sink, ours: Sink | None) -> None:
        """In a forked child: send to `ours` what went to the parent's recorder; None: observe it no more."""
        self._lock = threading.RLock()  # another thread may have held it, and does not exist here
        self.hub.reset_after_fork()
        for name, (owner, extra) in self._extras.items():
            extra.after_fork_in_child()
            if owner is parents and ours is not None:
                self._extras[name] = (ours, extra)
        self.hub.unsubscribe(parents)
        if ours is None:
            self.end_extras(parents)
            self.remove(parents)
        else:
            self._observers.remove(parents)
            self.add(ours)

    def remove(self, observer: Sink) -> None:
        """Send no more; the last one takes the hooks out."""
        with self._lock:
            self._tell()
            self.hub.unsubscribe(observer)
            self._observers.remove(observer)
            if self._observers:
                return
            self._ticker.stop()
            if self._imports is not None:
                self._imports.stop()
                self._imports = None
            while self._hooks:
                self._hooks.pop().remove()
            self._attached.clear()

    def _tell(self) -> bool:
        """Have the adapters emit what they count; whether any of them does."""
        hooks = tuple(self._hooks)
        for one in hooks:
            one.tell()
        return any(one.has_tellers for one in hooks)

    def tell(self) -> None:
        """See `Hooks.tell`."""
        self._tell()

    def see(self, framework: ModuleType) -> None:
        """Note that the program has imported a framework."""
        name, version = framework.__name__, str(getattr(framework, "__version__", ""))
        if name not in self._versions:
            self._versions[name] = version
            self.hub.emit(FrameworkSeen(name, version))

    def attach(self, adapter: Adapter, hooks: Hooks, module: ModuleType) -> None:
        """Install one adapter's hooks, once."""
        with self._lock:
            if not self._observers or adapter.name in self._attached:
                return
            self._attached.add(adapter.name)
            self._hooks.append(hooks)
            with hooks.guarded("attach"):
                adapter.attach(module, hooks)
            if hooks.has_tellers:
                self._ticker.start()

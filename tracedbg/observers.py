"""The adapters of this process, attached while somebody listens, and what else is observed then.

It must not know what is done with events.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from tracedbg import plugins
from tracedbg.attachments import Attachments
from tracedbg.events import FrameworkSeen
from tracedbg.hooks import Hub
from tracedbg.ticker import TELL_S, Ticker

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from tracedbg.hooks import Adapter, Hooks, Sink
    from tracedbg.options import Extra


class Observers:
    """The adapters of this process: attached while somebody listens."""

    def __init__(self) -> None:
        self.hub = Hub()
        self._lock = threading.RLock()
        self._observers: list[Sink] = []
        self._watchers: list[Sink] = []
        self._adapters: Attachments[Adapter] | None = None
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
            if self._adapters is None:
                self._adapters = Attachments(self.hub, self._attach)
                self._adapters.start(plugins.adapter_names(), plugins.load_adapter, self._see)

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
            if self._adapters is not None:
                self._adapters.remove()
                self._adapters = None

    def _tell(self) -> bool:
        """Have the adapters emit what they count; whether any of them does."""
        return self._adapters is not None and self._adapters.tell()

    def tell(self) -> None:
        """See `Hooks.tell`."""
        self._tell()

    def _see(self, framework: ModuleType) -> None:
        """Note that the program has imported a framework."""
        name, version = framework.__name__, str(getattr(framework, "__version__", ""))
        if name not in self._versions:
            self._versions[name] = version
            self.hub.emit(FrameworkSeen(name, version))

    def _attach(self, adapter: Adapter, hooks: Hooks, module: ModuleType) -> None:
        with self._lock:
            if not self._observers:
                return
            try:
                adapter.attach(module, hooks)
            finally:
                if hooks.has_tellers:
                    self._ticker.start()

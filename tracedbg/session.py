"""The composition root in the user's process: adapters -> hub -> recorder -> store.

Adapters are process-wide and installed while at least one session listens; each session has a
recording of its own. It must not know frameworks, screens or reports.
"""

from __future__ import annotations

import atexit
import json
import os
import socket
import sqlite3
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from tracedbg import plugins
from tracedbg.boot.imports import PostImport
from tracedbg.errors import RecordingError
from tracedbg.events import FrameworkSeen
from tracedbg.hooks import Hooks, Hub
from tracedbg.recorder import Recorder, complain_on_stderr
from tracedbg.store import DEFAULT_MAX_MB
from tracedbg.store.records import ProcessInfo
from tracedbg.store.writer import Writer
from tracedbg.ticker import Ticker

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from tracedbg.hooks import Adapter, Sink
    from tracedbg.profiling import Profiling

RUN_VARIABLE = "TRACEDBG_RUN"
OPTIONS_VARIABLE = "TRACEDBG_OPTIONS"
TELL_S = 0.5
"""How often counts are written: a program that is killed loses those of so many seconds."""
_RANK_VARIABLES = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK")


@dataclass(frozen=True)
class Options:
    """What a recording keeps."""

    max_mb: int = DEFAULT_MAX_MB
    kernels: str | None = None
    """How much of the program's kernels is timed, as `WindowSpec.parse` reads it; None: nothing."""
    kernels_at_once: bool = False
    """Whether to begin at once, rather than when a step repeats."""

    @classmethod
    def from_environment(cls, text: str | None) -> Options:
        """What `tracedbg run` has written into `OPTIONS_VARIABLE`; names that we do not know are left out."""
        data: dict[str, Any] = json.loads(text or "{}")
        return cls(**{name: data[name] for name in cls.__dataclass_fields__ if name in data})


class _Observers:
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
        self._profiling: tuple[Sink, Profiling] | None = None

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

    def profile(self, observer: Sink, window: str, *, at_once: bool) -> None:
        """Have kernels timed until `observer` goes. There is one such at a time, and everybody is told."""
        from tracedbg.profiling import Profiling  # noqa: PLC0415  deferred: only where it is asked for
        from tracedbg.window import WindowSpec  # noqa: PLC0415  likewise

        with self._lock:
            if self._profiling is None:
                self._profiling = (observer, Profiling(self.hub, WindowSpec.parse(window), at_once=at_once))
                self._profiling[1].start()

    def end_profiling(self, observer: Sink) -> None:
        """Time no more, if it was `observer` that has asked for it."""
        with self._lock:
            if self._profiling is not None and observer is self._profiling[0]:
                profiling, self._profiling = self._profiling[1], None
                profiling.close()

    def before_fork(self) -> None:
        """A profiler that runs does not survive a fork: what it has seen is told."""
        if self._profiling is not None:
            self._profiling[1].before_fork()

    def replace_after_fork(self, parents: Recorder, ours: Recorder | None) -> None:
        """In a forked child: send to `ours` what went to the parent's recorder."""
        self._lock = threading.RLock()  # another thread may have held it, and does not exist here
        self.hub.reset_after_fork()
        if self._profiling is not None:
            self._profiling[1].after_fork_in_child()
        self.hub.unsubscribe(parents)
        self._observers.remove(parents)
        if ours is not None:
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


_observers = _Observers()


def hub() -> Hub:
    """Where all events of this process pass."""
    return _observers.hub


def watch(watcher: Sink) -> Callable[[], None]:
    """Send `watcher` the events of this process while it is recorded, after the recorders have them.

    Returns:
        What ends it.
    """
    _observers.watch(watcher)
    return lambda: _observers.unwatch(watcher)


def observe(observer: Sink) -> Callable[[], None]:
    """Send `observer` the events of this process, without a recording.

    Returns:
        What ends it.
    """
    _observers.add(observer)
    return lambda: _observers.remove(observer)


def tell() -> None:
    """Have everything emitted that was only counted until now."""
    _observers.tell()


def running() -> tuple[Session, ...]:
    """The sessions that record this process."""
    return tuple(_running)


class Session:
    """One recording of this process, and of its children by `fork`."""

    def __init__(self, folder: str, options: Options) -> None:
        self._folder = folder
        self._options = options
        self._recorder: Recorder | None = None

    @property
    def database(self) -> str:
        """The path of this process' recording."""
        if self._recorder is None:
            raise RecordingError("the session has not been started")
        return self._recorder.path

    @property
    def error(self) -> str:
        """Why recording stopped before its end; empty while all is well."""
        return self._recorder.error if self._recorder else ""

    def start(self) -> None:
        """Open the recording and listen.

        Raises:
            RecordingError: the recording cannot be written.
        """
        self._recorder = self._open()
        _observers.add(self._recorder)
        _running.append(self)
        if self._options.kernels is not None:
            at_once = self._options.kernels_at_once
            _observers.profile(self._recorder, self._options.kernels, at_once=at_once)

    def _open(self) -> Recorder:
        try:
            writer = Writer(_new_database(self._folder), _process_info(), self._options.max_mb * 1024 * 1024)
        except (OSError, sqlite3.Error) as error:
            raise RecordingError(f"cannot record into {self._folder}: {error}") from error
        return Recorder(writer, _observers.hub, complain_on_stderr)

    def flush(self) -> None:
        """Return when everything seen so far is in the recording."""
        if self._recorder is not None:
            _observers.tell()
            self._recorder.flush()

    def stop(self) -> None:
        """Take the hooks out and close the recording. Does nothing the second time."""
        if self._recorder is None or self not in _running:
            return
        _observers.end_profiling(self._recorder)
        _running.remove(self)
        _observers.remove(self._recorder)
        self._recorder.close()

    # --- fork: the child gets a recording of its own -----------------------------------------

    def before_fork(self) -> None:
        """See `Recorder.before_fork`."""
        if self._recorder is not None:
            _observers.before_fork()
            _observers.tell()  # the child counts on from here
            self._recorder.before_fork()

    def after_fork_in_parent(self) -> None:
        """See `Recorder.after_fork_in_parent`."""
        if self._recorder is not None:
            self._recorder.after_fork_in_parent()

    def after_fork_in_child(self) -> None:
        """Leave the parent's recording alone and begin one beside it."""
        if self._recorder is None:
            return
        parents = self._recorder
        try:
            self._recorder = self._open()
        except RecordingError as error:
            complain_on_stderr(f"a forked process is not observed: {error}")
            self._recorder = None
        _observers.replace_after_fork(parents, self._recorder)


_running: list[Session] = []


def start_from_environment() -> None:
    """Record this process as the environment says; called by the boot in the user's process."""
    folder = os.environ.get(RUN_VARIABLE)
    if not folder or _is_helper(sys.orig_argv):
        return
    session = Session(folder, Options.from_environment(os.environ.get(OPTIONS_VARIABLE)))
    try:
        session.start()
    except RecordingError as error:
        complain_on_stderr(f"this process is not observed: {error}")
        return
    atexit.register(session.stop)


def _is_helper(command: list[str]) -> bool:
    """Whether a framework has started this process for itself, to compile in."""
    return any(part in word for word in command for part in plugins.HELPER_PROGRAMS)


def _before_fork() -> None:
    for session in _running:
        session.before_fork()


def _after_fork_in_parent() -> None:
    for session in _running:
        session.after_fork_in_parent()


def _after_fork_in_child() -> None:
    for session in _running:
        session.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )


def _new_database(folder: str) -> str:
    """A name in `folder` that no process has: a process that calls `os.exec` keeps its pid."""
    stem = os.path.join(folder, f"p{os.getpid()}")
    path, number = f"{stem}.db", 0
    while os.path.exists(path):
        number += 1
        path = f"{stem}-{number}.db"
    return path


def _process_info() -> ProcessInfo:
    rank = None
    for variable in _RANK_VARIABLES:
        with suppress(KeyError, ValueError):
            rank = int(os.environ[variable])
            break
    elapsed_ns = _observers.hub.now_ns()
    return ProcessInfo(
        pid=os.getpid(),
        ppid=os.getppid(),
        argv=tuple(getattr(sys, "orig_argv", sys.argv)),
        host=socket.gethostname(),
        python=".".join(map(str, sys.version_info[:3])),
        started_wall_ns=time.time_ns() - elapsed_ns,
        rank=rank,
    )

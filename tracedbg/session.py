"""The composition root in the user's process: adapters -> hub -> recorder -> store.

Adapters are process-wide and installed while at least one session listens; each session has a
recording of its own. It must not know frameworks, screens or reports.
"""

from __future__ import annotations

import atexit
import os
import socket
import sqlite3
import sys
import time
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING

from tracedbg import plugins
from tracedbg.errors import RecordingError
from tracedbg.identity import identity_of, is_child
from tracedbg.observers import Observers
from tracedbg.options import VARIABLE as OPTIONS_VARIABLE
from tracedbg.options import Options
from tracedbg.recorder import Recorder, complain_on_stderr
from tracedbg.store.records import ProcessInfo
from tracedbg.store.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracedbg.hooks import Hub, Sink

RUN_VARIABLE = "TRACEDBG_RUN"


_observers = Observers()


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
        self._info: ProcessInfo | None = None

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
        for name, make in self._options.extras():
            _observers.have(name, self._recorder, make)

    def _open(self, parent: ProcessInfo | None = None) -> Recorder:
        self._info = _process_info()
        if parent is not None:  # a child by fork is no rank, whatever has come into the environment since
            self._info = replace(self._info, rank_pid=parent.rank_pid)
        try:
            change = None
            if self._options.redact:
                from tracedbg.redaction import redacted_argv  # noqa: PLC0415  only where it is wanted
                from tracedbg.redaction.redactor import Redactor  # noqa: PLC0415  likewise

                self._info = replace(self._info, argv=redacted_argv(self._info.argv, is_command=True))
                change = Redactor(self._options.redact).event
            writer = _new_writer(self._folder, self._info, self._options.max_mb * 1024 * 1024)
        except (OSError, sqlite3.Error) as error:
            raise RecordingError(f"cannot record into {self._folder}: {error}") from error
        return Recorder(writer, _observers.hub, partial(self._complain, writer.path), change=change)

    def _complain(self, database: str, message: str) -> None:
        """Say it on stderr; and in the folder, where the database that should hold it is gone."""
        complain_on_stderr(message)
        if not os.path.exists(database):
            with suppress(OSError):  # the folder is gone, too
                file = os.path.join(self._folder, f"p{os.getpid()}.boot")
                descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as note:
                    note.write(f"{message}\n")

    @property
    def is_redacted(self) -> bool:
        """Whether the program's values are kept out of the recording."""
        return bool(self._options.redact)

    def flush(self) -> None:
        """Return when everything seen so far is in the recording."""
        if self._recorder is not None:
            _observers.tell()
            self._recorder.flush()

    def stop(self) -> None:
        """Take the hooks out and close the recording. Does nothing the second time."""
        if self._recorder is None or self not in _running:
            return
        _observers.end_extras(self._recorder)
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
            self._recorder = self._open(self._info) if self._options.children else None
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
    options = Options.from_environment(os.environ.get(OPTIONS_VARIABLE))
    if not options.children and is_child(os.environ, os.getpid()):
        return
    session = Session(folder, replace(options, is_whole=True))
    try:
        session.start()
    except RecordingError as error:
        complain_on_stderr(f"this process is not observed: {error}")
        return
    atexit.register(session.stop)


def _is_helper(command: list[str]) -> bool:
    """Whether a framework has started this process for itself: to compile in, or to start ranks."""
    if any(part in word for word in command for part in plugins.HELPER_PROGRAMS):
        return True
    program = _program_of(command)
    return program in plugins.LAUNCHERS or os.path.basename(program) in plugins.LAUNCHERS


def _program_of(command: list[str]) -> str:
    """The module or script of a command line of Python."""
    words = iter(command[1:])
    for word in words:
        if word in ("-X", "-W", "--check-hash-based-pycs"):
            next(words, None)
        elif word.startswith("-m"):
            return word[2:] or next(words, "")
        elif not word.startswith("-"):
            return word
    return ""


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


def _new_writer(folder: str, info: ProcessInfo, max_bytes: int) -> Writer:
    """Begin a database in `folder`, by a name that no process has.

    A process that calls `os.exec` keeps its pid, and one on another machine may have the same.
    """
    stem = os.path.join(folder, f"p{info.pid}")
    path, number = f"{stem}.db", 0
    while True:
        if not os.path.exists(path):
            with suppress(FileExistsError):  # another machine was faster
                return Writer(path, info, max_bytes)
        number += 1
        path = f"{stem}-{number}.db"


def _process_info() -> ProcessInfo:
    elapsed_ns = _observers.hub.now_ns()
    return ProcessInfo(
        pid=os.getpid(),
        ppid=os.getppid(),
        argv=tuple(getattr(sys, "orig_argv", sys.argv)),
        host=socket.gethostname(),
        python=".".join(map(str, sys.version_info[:3])),
        started_wall_ns=time.time_ns() - elapsed_ns,
        **asdict(identity_of(os.environ, os.getpid())),
    )

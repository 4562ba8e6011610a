"""Puts Python lines under the debugger: follows what is wanted, and installs nothing while nothing is."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING

from tracedbg.adapters.python_lines.wanted import Wanted

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from types import ModuleType

    from tracedbg.adapters.python_lines.monitoring import Monitoring
    from tracedbg.adapters.python_lines.settrace import SetTrace
    from tracedbg.debugging import Debugger
    from tracedbg.hooks import Hooks

_HAS_MONITORING = sys.version_info >= (3, 12)


class PythonLinesWalker:
    """A `Walker` for code that runs as Python."""

    name = "python_lines"
    modules = ("sys",)

    def attach(self, module: ModuleType, hooks: Hooks, debugger: Debugger) -> None:  # noqa: ARG002  by its name
        """See `Walker`."""
        switch = _Switch(hooks, debugger)
        hooks.on_remove(switch.remove)
        debugger.on_change(switch.update)
        debugger.on_go(switch.update)
        switch.update()


class _Switch:
    """Arms and disarms, in whatever thread something changes."""

    def __init__(self, hooks: Hooks, debugger: Debugger) -> None:
        self._hooks = hooks
        self._wanted = Wanted(debugger)
        self._notice = _notice(hooks, debugger, self._wanted)
        for code in self._notice.own_code():
            debugger.add_own_code(code)
        self._lock, self._process = threading.RLock(), os.getpid()
        self._is_armed = False
        self._is_removed = False

    def update(self) -> None:
        """Do as the debugger wants by now."""
        with self._locked():
            if not self._is_removed:
                self._hooks.safely("update", self._update)

    def remove(self) -> None:
        """Leave nothing, and do nothing any more."""
        with self._locked():
            self._is_removed = True
            self._disarm()

    def _locked(self) -> AbstractContextManager[object]:
        if self._process != os.getpid():  # forked: who held it may not be there
            self._lock, self._process = threading.RLock(), os.getpid()
        return self._lock

    def _update(self) -> None:
        self._wanted.update()
        if self._wanted.is_anything:
            self._is_armed = True
            self._notice.arm()
        else:
            self._disarm()

    def _disarm(self) -> None:
        if self._is_armed:
            self._is_armed = False
            self._notice.disarm()


def _notice(hooks: Hooks, debugger: Debugger, wanted: Wanted) -> SetTrace | Monitoring:
    # Deferred: each works with its own versions of Python only.
    if _HAS_MONITORING:
        from tracedbg.adapters.python_lines.monitoring import Monitoring  # noqa: PLC0415

        return Monitoring(hooks, debugger, wanted)
    from tracedbg.adapters.python_lines.settrace import SetTrace  # noqa: PLC0415

    return SetTrace(hooks, debugger, wanted)

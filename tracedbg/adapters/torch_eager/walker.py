"""Puts eager ops under the debugger while it may stop at one: a mode in each thread, and nothing otherwise.

Not reached are threads other than the main one that were running before something was armed; they are when
they stop, at a line for example.
"""

from __future__ import annotations

import functools
import sys
import threading
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_common import numbers
from tracedbg.adapters.torch_common.syncs import METHODS
from tracedbg.adapters.torch_common.tensors import TorchTensors
from tracedbg.adapters.torch_eager import _compat, extent, stack
from tracedbg.adapters.torch_eager.lines import ForwardLines
from tracedbg.adapters.torch_eager.mode import make_mode
from tracedbg.adapters.torch_eager.syncs import watch_method
from tracedbg.adapters.torch_eager.threads import MainThread, start_of_threads, wrap_threads

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, ModuleType

    from tracedbg.debugging import Debugger
    from tracedbg.hooks import Hooks


class TorchEagerWalker:
    """See `tracedbg.debugging.Walker`."""

    name = "torch_eager"
    modules = ("torch",)

    def attach(self, module: ModuleType, hooks: Hooks, debugger: Debugger) -> None:  # noqa: ARG002
        """See `Walker`."""
        numbers.check()
        debugger.add_tensors(TorchTensors())
        switch = _Switch(hooks, debugger)
        hooks.on_remove(switch.remove)
        debugger.on_change(switch.follow)
        debugger.on_go(switch.follow)
        switch.follow()


class _Mine(threading.local):
    """What one thread has."""

    mode: Any = None
    is_late = False
    """Whether the mode could not be put right when it was to."""


class _Switch:
    """The modes of all threads."""

    def __init__(self, hooks: Hooks, debugger: Debugger) -> None:
        self._hooks = hooks
        self._debugger = debugger
        self._lines = ForwardLines()
        self._local = _Mine()
        self._lock = threading.RLock()
        self._main = MainThread(self._follow_here)
        self._undo: list[Callable[[], None]] = []
        self._undo_guard: Callable[[], None] | None = None
        self._guard: type | None = hooks.safely("extents", self._make_guard)
        self._is_armed = False
        self._is_removed = False

    def follow(self) -> None:
        """Arm or disarm, as the debugger wants it now; called in any thread."""
        wanted = not self._is_removed and self._debugger.may_stop_at_ops()
        with self._lock:
            if wanted != self._is_armed:
                self._is_armed = wanted
                self._hooks.safely("arm" if wanted else "disarm", self._arm if wanted else self._disarm)
                if threading.current_thread() is not threading.main_thread():
                    self._main.ask()
            self._hooks.safely("methods", self._watch_methods)
            self._hooks.safely("extents", self._watch_extents)
        self._follow_here()

    def remove(self) -> None:
        """Take everything out."""
        self._is_removed = True
        self.follow()

    def _follow_here(self) -> None:
        """Put the mode of this thread on, or take it off."""
        self._hooks.safely("mode", self._switch_mode, sys._getframe(1))

    def _switch_mode(self, frame: FrameType | None) -> None:
        mode = self._local.mode
        if self._is_armed == (mode is not None) and not self._local.is_late:
            return
        if extent.is_inside(frame):  # where a mode stays, and lets all through; see `extent`
            self._local.is_late = True
            if self._is_armed and mode is None:
                self._put_in()
        elif mode is None or stack.holds(mode):
            self._local.is_late = False
            if mode is not None:
                stack.take_out(mode)
                self._local.mode = None
            if self._is_armed:
                self._put_in()

    def _put_in(self) -> None:
        mode = self._local.mode = make_mode(self._hooks, self._debugger, self._lines, self._ask_to_go)
        stack.put_in(mode)

    def _at_end_of_extent(self, frame: FrameType) -> None:
        if self._local.is_late:
            self._hooks.safely("mode", self._switch_mode, frame.f_back)

    def _ask_to_go(self) -> None:
        """The mode of this thread is asked in vain: it could not go when it was to."""
        if threading.current_thread() is threading.main_thread():
            self._main.ask()

    def _arm(self) -> None:
        owner, name = start_of_threads()
        wrap = functools.partial(wrap_threads, begin=self._follow_here, end=self._end)
        self._undo.append(self._substitute(owner, name, wrap))

    def _disarm(self) -> None:
        while self._undo:
            self._undo.pop()()
        self._lines.forget()

    def _watch_methods(self) -> None:
        """While somebody waits for a host sync: it takes the place of methods of a tensor."""
        import torch

        is_watching = len(self._undo) > 1
        if self._is_armed and self._debugger.wants("host_sync") and not is_watching:
            for name in METHODS:
                self._undo.append(self._substitute(torch.Tensor, name, self._watcher(name)))
        elif is_watching and not self._debugger.wants("host_sync"):
            while len(self._undo) > 1:
                self._undo.pop()()

    def _watch_extents(self) -> None:
        """While anything is set that a call of a compiled function could stop at."""
        import torch

        debugger = self._debugger
        is_wanted = not self._is_removed and bool(
            self._is_armed or debugger.files() or debugger.stepping() or debugger.wants("error")
        )
        if self._guard is None:
            return
        if is_wanted and self._undo_guard is None:
            self._undo_guard = self._substitute(torch._C, _compat.GUARD.path, lambda _: self._guard)
        elif not is_wanted and self._undo_guard is not None:
            self._undo_guard()
            self._undo_guard = None

    def _make_guard(self) -> type:
        guard = extent.wrap_guard(_compat.GUARD.get(), self._at_end_of_extent)
        for code in extent.own_code(guard):
            self._debugger.add_own_code(code)
        return guard

    def _watcher(self, name: str) -> Callable[[Any], Any]:
        return lambda original: watch_method(original, name, self._debugger, self._hooks)

    def _substitute(self, owner: Any, name: str, make: Callable[[Any], Any]) -> Callable[[], None]:
        is_inherited = name not in vars(owner)
        original = getattr(owner, name)
        ours = make(original)
        ours.__tracedbg__ = self._hooks.name
        setattr(owner, name, ours)

        def undo() -> None:
            if vars(owner).get(name) is not ours:
                return
            if is_inherited:
                delattr(owner, name)
            else:
                setattr(owner, name, original)

        return undo

    def _end(self) -> None:
        """A thread ends: what it has is gone with it."""
        self._local.mode = None

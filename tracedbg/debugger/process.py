"""One debugger for a process: attaches the walkers of what the program imports, and takes them out again."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from tracedbg import plugins, session
from tracedbg.attachments import Attachments
from tracedbg.debugger.happenings import Happenings
from tracedbg.debugger.stops import Stops
from tracedbg.engine import Action, Engine, Go
from tracedbg.hooks import Hooks

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from tracedbg.debugging import Walker
    from tracedbg.engine import Frontend, Stop


class Debugger:
    """The engine of this process with all that makes code stop. There is one at a time: see `current`."""

    def __init__(self, frontend: Frontend | None = None) -> None:
        stops = Stops(session.hub())
        self.engine = Engine(frontend or Nobody(), stops.recorded)
        self._walkers = Attachments(session.hub(), self.attach, prefix="walk.")
        self._undo: list[Callable[[], None]] = []

    def start(self) -> None:
        """Attach the walkers of the frameworks that are there, and the others when they are imported."""
        _debuggers.append(self)
        self._undo.append(Happenings(self.engine).start())
        self._walkers.start(plugins.walker_names(), plugins.load_walker)

    def attach(self, walker: Walker, hooks: Hooks, module: ModuleType) -> None:
        """Attach one walker."""
        walker.attach(module, hooks, self.engine)

    def switch_on(self, mode: str) -> None:
        """Switch a mode of `plugins.MODES` on, in each framework as soon as the program has imported it."""
        for framework in plugins.MODES[mode]:
            self._walkers.when_imported(framework, partial(self.switched_on, mode))

    def switched_on(self, mode: str, module: ModuleType) -> None:
        """The framework is there."""
        framework = module.__name__
        hooks = Hooks(session.hub(), f"mode.{mode}")
        with hooks.guarded(framework):
            switch = plugins.load_mode(mode, framework)
            switch(True)
            self._undo.append(lambda: hooks.safely(framework, switch, False))

    def stop(self) -> None:
        """Stop nowhere any more, and leave nothing installed."""
        if self not in _debuggers:
            return
        _debuggers.remove(self)
        self.engine.let_go()
        while self._undo:
            self._undo.pop()()
        self._walkers.remove()


class Nobody:
    """The frontend until there is one: goes on from every stop."""

    def interact(self, stop: Stop) -> Action:  # noqa: ARG002  of the Protocol
        """See `Frontend`; the same for the method below."""
        return Action(Go.CONTINUE)

    def say(self, text: str, stop: Stop | None = None) -> None:  # noqa: D102
        pass


_debuggers: list[Debugger] = []


def current() -> Debugger | None:
    """The debugger of this process, if there is one."""
    return _debuggers[-1] if _debuggers else None


def _after_fork_in_child() -> None:
    for debugger in tuple(_debuggers):
        debugger.engine.reset_after_fork()
        debugger.stop()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)

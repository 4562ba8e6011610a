"""Which graphs are walked: what the generated code calls is replaced as long as something is armed on it.

Unarmed, the program is as torch has left it: the very same callable is called, by the same code.
"""

from __future__ import annotations

import sys
import weakref
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_compile.walk.identity import ByIdentity
from tracedbg.adapters.torch_compile.walk.interpreter import Call
from tracedbg.adapters.torch_compile.walk.stacks import calling_frame, whole
from tracedbg.frames import depth_of

if TYPE_CHECKING:
    from types import FrameType

    from tracedbg.adapters.torch_compile.walk.record import Record
    from tracedbg.debugging import Debugger
    from tracedbg.hooks import Hooks


class Switch:
    """One compiled graph, and the place where the generated code finds it."""

    def __init__(self, record: Record, scope: dict[str, Any], name: str, compiled: Any, hooks: Hooks) -> None:
        self.record = record
        self._hooks = hooks
        self._scope = scope
        self._name = name
        self._compiled = weakref.ref(compiled)
        self._walking: weakref.ref[Any] | None = None

    def set(self, debugger: Debugger, *, armed: bool) -> None:
        """Have calls ask for a walk, or not."""
        held, compiled = self._scope.get(self._name), self._compiled()
        is_armed = self._walking is not None and held is self._walking()
        if compiled is None:
            return
        if armed and held is compiled:
            walking = self._make(debugger, compiled)
            self._walking = weakref.ref(walking)
            self._scope[self._name] = walking
        elif not armed and is_armed:
            self._scope[self._name] = compiled

    def _make(self, debugger: Debugger, compiled: Any) -> Any:
        import torch

        record, name, hooks = self.record, self._name, self._hooks

        def prepared(caller: FrameType) -> Call | None:
            frame = calling_frame(caller, name)
            base = depth_of(whole(frame or caller))
            if not debugger.wants_walk(record.outline, base):
                return None
            return Call(record, debugger, hooks, frame, base)

        def call(*arguments: Any) -> Any:
            walk = hooks.safely("walk", prepared, sys._getframe(1))
            return compiled(*arguments) if walk is None else walk.run(arguments)

        return torch.compiler.disable(call)


class Switches:
    """All compiled graphs that are alive."""

    def __init__(self, hooks: Hooks, debugger: Debugger) -> None:
        self._hooks = hooks
        self._debugger = debugger
        self._all: ByIdentity[Switch] = ByIdentity()
        self._is_on = True

    def add(self, record: Record, scope: dict[str, Any], name: str, compiled: Any) -> None:
        """A graph has been compiled, and lives as long as `compiled`."""
        switch = Switch(record, scope, name, compiled, self._hooks)
        self._all.set(compiled, switch)
        self._debugger.add_outline(record.outline)
        self._decide(switch)

    def decide(self) -> None:
        """What is armed may have changed."""
        for switch in self._all.values():
            self._hooks.safely("arm", self._decide, switch)

    def remove(self) -> None:
        """Put everything back."""
        self._is_on = False
        self.decide()
        self._all.clear()

    def records(self) -> list[Record]:
        """Of the graphs that are alive."""
        return [switch.record for switch in self._all.values()]

    def _decide(self, switch: Switch) -> None:
        armed = None
        while armed != (wanted := self._is_on and self._debugger.may_walk(switch.record.outline)):
            armed = wanted  # asked again afterwards: whoever is last in a race has the last answer
            switch.set(self._debugger, armed=armed)

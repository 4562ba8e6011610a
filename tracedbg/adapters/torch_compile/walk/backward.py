"""Stops inside the backward of a compiled function.

AOTAutograd makes the graph of the backward while the forward is compiled; it is kept with what gives
autograd the compiled backward, whichever backend has compiled it. Armed, that gives autograd a walk instead,
after it has compiled what it would have compiled. So a breakpoint may be set when the forward has run.

Where it stops: a breakpoint on a line stops in the forward only, as it does in eager code, unless its
condition names `is_backward`: it is then asked at the ops for that line, too. In the backward stop ops by
their name or number, filters (`nan`!), and steps: a step into `loss.backward()` goes to the lines of the
forward, in the order of the backward. If the forward was walked, its backward is autograd's own, of eager
ops: their nodes know the lines that the walk was at, see `torch_common.running`.
"""

from __future__ import annotations

import sys
import weakref
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_compile.walk import _compat
from tracedbg.adapters.torch_compile.walk.backward_graph import (
    DRAWS_AGAIN,
    NO_GRAPH,
    BackwardRecord,
    draws_again,
)
from tracedbg.adapters.torch_compile.walk.backward_walk import BackwardCall, users_frame
from tracedbg.adapters.torch_compile.walk.identity import ByIdentity
from tracedbg.frames import depth_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from tracedbg.adapters.torch_compile.walk.record import Record
    from tracedbg.debugging import Debugger
    from tracedbg.hooks import Hooks


class Backwards:
    """The compiled backwards that are alive, each armed or not."""

    def __init__(self, hooks: Hooks, debugger: Debugger) -> None:
        self._hooks = hooks
        self._debugger = debugger
        self._all: ByIdentity[_Switch] = ByIdentity()
        self._why_not: dict[str, str] = {}
        self._made: dict[str, list[_Switch]] = {}
        """Those of the compiles that are going on, by compile id."""
        self._compile_id = _compat.COMPILE_ID.get()
        self._is_on = True

    def made(self, compiler: Any) -> None:
        """AOTAutograd has made a backward, compiled or to be compiled when it is first run."""
        compile_id = str(self._compile_id())
        info = compiler.lazy_backward_info
        module = getattr(info, "bw_module", None)
        if module is None:
            self._why_not[compile_id] = NO_GRAPH if info is not None else ""
            return
        if draws_again(module):
            self._why_not[compile_id] = DRAWS_AGAIN
            return
        made = self._made.setdefault(compile_id, [])
        # A compile that was cut in parts, as by DDP, has a backward for each.
        graph = f"{compile_id} backward" + (f" {len(made) + 1}" if made else "")
        switch = _Switch(compiler, BackwardRecord(module, graph=graph), self._hooks, self._debugger)
        made.append(switch)
        self._all.set(compiler, switch)
        self._debugger.add_outline(switch.record.outline)
        self._decide(switch)

    def forward_made(self, forward: Record) -> None:
        """The compile is done: what is known of the one is to be told with the other."""
        compile_id = forward.graph.split()[0]
        for switch in self._made.pop(compile_id, ()):
            self._hooks.safely("lines of backward", switch.record.join, forward)
        forward.notes += tuple(note for note in (self._why_not.pop(compile_id, ""),) if note)

    def decide(self) -> None:
        """What is armed may have changed."""
        for switch in self._all.values():
            self._hooks.safely("arm backward", self._decide, switch)

    def remove(self) -> None:
        """Put everything back."""
        self._is_on = False
        self.decide()
        self._all.clear()

    def _decide(self, switch: _Switch) -> None:
        armed = None
        while armed != (wanted := self._is_on and switch.may_walk()):
            armed = wanted  # asked again afterwards: whoever is last in a race has the last answer
            switch.set(armed=armed)


class _Switch:
    """One backward, and the object that gives autograd what was compiled of it."""

    def __init__(self, compiler: Any, record: BackwardRecord, hooks: Hooks, debugger: Debugger) -> None:
        self.record = record
        self._compiler = weakref.ref(compiler)
        self._hooks = hooks
        self._debugger = debugger

    def set(self, *, armed: bool) -> None:
        """Have backwards ask for a walk, or not: unarmed, the object is as torch has made it."""
        compiler = self._compiler()
        if compiler is None:
            return
        if armed:
            vars(compiler)[_compat.GET_BACKWARD] = self._make(type(compiler))
        else:
            vars(compiler).pop(_compat.GET_BACKWARD, None)

    def may_walk(self) -> bool:
        """Whether any thread could want a walk."""
        return self._debugger.may_walk(self.record.outline) or self._stops_at_lines()

    def _stops_at_lines(self) -> bool:
        return any(self._debugger.stops_in_backward(*place) for place in self.record.places)

    def _make(self, kind: Any) -> Any:
        import torch

        reference = self._compiler  # the function is kept by the object itself

        def get_or_compile(*args: Any, **kwargs: Any) -> Any:
            compiled = getattr(kind, _compat.GET_BACKWARD)(reference(), *args, **kwargs)

            # Torch keeps this until the next backward: it must hold nothing of this one.
            def run(arguments: list[Any]) -> Any:
                walk = self._hooks.safely("walk backward", self._prepared, sys._getframe(1))
                return compiled(arguments) if walk is None else walk.run(arguments)

            boxed: Any = run
            boxed._boxed_call = True  # torch's convention for taking a list
            return torch.compiler.disable(boxed)

        return get_or_compile

    def _prepared(self, frame: FrameType) -> BackwardCall | None:
        base = depth_of(users_frame(frame))
        if not (self._debugger.wants_walk(self.record.outline, base + 1) or self._stops_at_lines()):
            return None
        return BackwardCall(self.record, self._debugger, self._hooks, frame, base)


def watch_backwards(hooks: Hooks, debugger: Debugger) -> Backwards:
    """Keep the graph of each backward that is made from now on."""
    backwards = Backwards(hooks, debugger)

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def initialize(compiler: Any, *args: Any, **kwargs: Any) -> None:
            original(compiler, *args, **kwargs)
            hooks.safely("backward", backwards.made, compiler)

        return initialize

    owner, name = _compat.BACKWARD.find()
    _compat.COMPILED_BACKWARD.find()
    hooks.on_remove(backwards.remove)
    debugger.on_change(backwards.decide)
    hooks.patch(getattr(owner, name), "__init__", make)
    return backwards

"""Steps without gradients: the ops of each outermost call of a module, in their order, with their lines.

The observer of ops keeps them; where there is none, there are no such steps.
"""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, TypeAlias

from tracedbg.adapters.steps import Places
from tracedbg.adapters.torch_steps import _compat
from tracedbg.adapters.torch_steps.walk import NOWHERE
from tracedbg.events import Frame, OpSite

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from tracedbg.adapters.steps import Place
    from tracedbg.hooks import Hooks

_MAX_KNOWN = 10_000
"""Sequences whose fingerprints are remembered."""
_Frames: TypeAlias = "tuple[tuple[str, int, str], ...]"
_Ops: TypeAlias = "Sequence[tuple[str, _Frames]]"


class Sequences:
    """What the observer has kept, counted."""

    def __init__(self, hooks: Hooks, native: Any) -> None:
        self._places = Places(hooks.sink, "sequence")
        self._native = native
        self._known: dict[tuple[_Frames, int], str] = {}
        native.watch_sequences(_compat.MODULE_CALL.get().__code__, _mark)
        hooks.on_remove(lambda: native.watch_sequences(None, None))
        hooks.on_tell(self.tell)

    def tell(self) -> None:
        """Emit what is new."""
        self._native.end_sequence()
        for thread, caller, number, ops in self._native.take_sequences():
            frames = tuple(Frame(*frame) for frame in caller)
            place = self._places.at_stack(thread, frames)
            found = self._known.get((caller, number))
            if found is None:
                found = f"{number:016x}" if ops is None else _fingerprint(ops, caller)
                if len(self._known) < _MAX_KNOWN:
                    self._known[caller, number] = found
            if ops is not None and found not in place.kept and self._places.has_room(place):
                self._keep(place, found, ops, caller)
            place.step(found)
        self._places.tell()

    def _keep(self, place: Place, found: str, ops: _Ops, caller: _Frames) -> None:
        sites = []
        for number, (name, frames) in enumerate(ops):
            stack = [Frame(*frame) for frame in _inside(frames, caller)]
            line = stack[0] if stack else NOWHERE
            short = name.rpartition("::")[2]
            callers = tuple(stack[1:])
            sites.append(OpSite(f"{short}_{number}", name, (), "", line.file, line.line, callers=callers))
        self._places.keep(place, found, tuple(sites), Counter())  # no line costs a backward


def _inside(frames: _Frames, caller: _Frames) -> _Frames:
    """A stack without what is around the function that made the call."""
    is_below = bool(caller) and frames[-len(caller) :] == caller
    return frames[: len(frames) - len(caller) + 1] if is_below else frames


def _fingerprint(ops: _Ops, caller: _Frames) -> str:
    rows = [(name, _inside(frames, caller)) for name, frames in ops]
    return blake2b(repr(rows).encode(), digest_size=8).hexdigest()


def _mark(frame: FrameType, event: str, argument: Any) -> None:
    """Put on frames as their own trace function, to know them again; it traces nothing."""

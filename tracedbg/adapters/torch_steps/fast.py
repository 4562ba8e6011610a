"""Reads graphs by the extension that observes ops: in microseconds, with the lines of the forward."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_steps.walk import Node, SlowLooker, Walked
from tracedbg.events import Frame

if TYPE_CHECKING:
    from collections.abc import Sequence

_SLOW = "slow-"
"""What fingerprints begin with that the other way has made: they are no part of the same numbers."""
_MAX_STACKS = 20_000
"""Stacks that are kept, so that equal ones are one object."""


class FastLooker:
    """See `recorder.Looker`."""

    is_fast = True

    def __init__(self, native: Any) -> None:
        self._native = native
        self._slow = SlowLooker()
        self._stacks: dict[tuple[tuple[str, int, str], ...], tuple[Frame, ...]] = {}

    def fingerprint(self, outputs: Sequence[Any]) -> str | None:
        """See `Looker`."""
        try:
            number = self._native.graph_fingerprint(outputs)
        except TypeError:  # an output is no tensor: a `GradientEdge`
            found = self._slow.fingerprint(outputs)
            return None if found is None else _SLOW + found
        return None if number is None else f"{number:016x}"

    def walk(self, outputs: Sequence[Any]) -> Walked:
        """See `Looker`."""
        try:
            nodes, leaves = self._native.graph_nodes(outputs)
        except TypeError:
            return self._slow.walk(outputs)
        return Walked(
            [Node(node, name, inputs, self._stack(frames)) for node, name, inputs, frames in nodes], leaves
        )

    def _stack(self, frames: tuple[tuple[str, int, str], ...]) -> tuple[Frame, ...]:
        found = self._stacks.get(frames)
        if found is None:
            found = tuple(Frame(*frame) for frame in frames)
            if len(self._stacks) < _MAX_STACKS:
                self._stacks[frames] = found
        return found

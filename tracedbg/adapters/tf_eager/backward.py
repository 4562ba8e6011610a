"""Which forward line an op of a backward belongs to: found by the identity of the forward's tensors.

It must not hold a tensor: it keeps their numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_common.op_defs import tensors_of
from tracedbg.adapters.tf_eager._compat import BACKWARD, GRADIENT, NO_TAPE
from tracedbg.frames import LineFrame
from tracedbg.source import is_user_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from tracedbg.adapters.tf_eager.ops import EagerOp
    from tracedbg.frames import PythonView

    Place = tuple[str, str, int]

_MAX_KEYS = 200_000
_ONE = 1


class ForwardLines:
    """Remembers the lines of ops that a tape records, while the debugger looks at ops."""

    def __init__(self) -> None:
        self._no_tape = NO_TAPE.get()
        self._gradient = GRADIENT.get().__code__
        self._backward = BACKWARD.get().__code__
        self._lines: dict[Place, set[tuple[str, int, str]]] = {}
        """(op, `in` or `out` and its position, number of the tensor) -> lines of ops that have it there."""

    def forget(self) -> None:
        """Nobody looks at ops any more."""
        self._lines.clear()

    def note(self, op: EagerOp, view: PythonView) -> None:
        """An op has run."""
        if self._no_tape() or not view.line:
            return
        line = view.file, view.line, view.frames()[0].function
        made = [value for _, value in op.outputs()]
        for place in _places(op.type, [value for _, value in op.inputs()], made):
            self._lines.setdefault(place, set()).add(line)
        while len(self._lines) > _MAX_KEYS:
            self._lines.pop(next(iter(self._lines)))

    def of(self, frame: FrameType | None) -> tuple[bool, LineFrame | None]:
        """Whether an op runs in a backward, and the forward's line where that is known.

        In a gradient function of the user's own it is their line that counts: that is no backward here.

        Args:
            frame: the innermost frame.
        """
        found: LineFrame | None = None
        while frame is not None and not is_user_file(frame.f_code.co_filename):
            if frame.f_code is self._gradient and found is None:
                found = self._forward_of(frame)
            elif frame.f_code is self._backward:
                return True, found
            frame = frame.f_back
        return False, None

    def _forward_of(self, frame: FrameType) -> LineFrame | None:
        """The line of the forward op, if only one is possible."""
        known = frame.f_locals
        name = known["op_name"]
        name = name.decode() if isinstance(name, bytes) else name
        common: set[tuple[str, int, str]] | None = None
        for place in _places(name, known["inputs"], known["outputs"]):
            lines = self._lines.get(place)
            if lines:
                common = set(lines) if common is None else common & lines
        if common is None or len(common) != _ONE:
            return None
        ((file, line, function),) = common
        return LineFrame(file, line, function)


def _places(op: str, inputs: Sequence[Any] | None, outputs: Sequence[Any] | None) -> list[Place]:
    places: list[Place] = []
    for kind, values in (("in", inputs), ("out", outputs)):
        for position, value in enumerate(tensors_of(values or ())):
            number = getattr(value, "_id", None)
            if isinstance(number, int):
                places.append((op, f"{kind}{position}", number))
    return places

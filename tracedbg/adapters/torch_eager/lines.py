"""Which line of the forward an op of the backward belongs to.

Autograd numbers the nodes that a thread makes. The last op that was run before the next node was made is the
one that made it; the backward tells the number of the node that it runs.
"""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_eager import _compat
from tracedbg.frames import LineFrame

if TYPE_CHECKING:
    from tracedbg.debugging import FrameView
    from tracedbg.events import Frame

_MOST = 200_000
"""Nodes whose lines are kept, in each thread: the oldest are forgotten first."""

Place = tuple[str, int, str]


class ForwardLines:
    """Lines of nodes, by thread and number."""

    def __init__(self) -> None:
        self._next_number = _compat.SEQUENCE.get()
        self._node = _compat.NODE.get()
        self._threads: dict[int, dict[int, Place]] = {}

    def note(self, frame: FrameView | Frame | None) -> None:
        """An op of the forward is run there."""
        lines = self._threads.setdefault(threading.get_ident(), {})
        if frame is not None:
            lines[self._next_number() - 1] = (frame.file, frame.line, frame.function)
        if len(lines) > _MOST:
            for number in list(itertools.islice(lines, _MOST // 2)):
                lines.pop(number, None)

    def node(self) -> Any:
        """The node that this thread runs in a backward; None in a forward."""
        return self._node()

    def frame_of(self, node: Any) -> LineFrame | None:
        """The line that has made a node; None if it is not known."""
        number = getattr(node, _compat.NODE_SEQUENCE)()
        mine = self._threads.get(threading.get_ident(), {})
        place = mine.get(number)
        if place is None:  # the backward of a device runs in a thread of its own
            others = [lines[number] for lines in tuple(self._threads.values()) if number in lines]
            place = others[0] if len(others) == 1 else None
        return None if place is None else LineFrame(*place)

    def forget(self) -> None:
        """Nothing is armed any more."""
        self._threads.clear()

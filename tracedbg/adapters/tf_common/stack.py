"""The user's lines on a stack, with AutoGraph's generated lines taken back to their origin.

`tf_stack.extract_stack` gives the same, at ten times the cost: it resolves every frame.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

from tracedbg.events import Frame
from tracedbg.source import MAX_STACK, code_name, is_ours, is_user_file

if TYPE_CHECKING:
    from types import CodeType, FrameType

    Origins = dict[tuple[str, int], tuple[str, int, str]]
    Known = dict[tuple[int, int], tuple[CodeType, Frame]]
    """Lines found before, by the identity of the code (kept, to remain its alone) and the instruction."""

_GENERATED = "__autograph_generated_file"


def caller() -> FrameType | None:
    """The innermost frame of this thread that is not ours."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_ours(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


class UserStack:
    """Reads stacks.

    Args:
        mappers: AutoGraph's mappers by thread (`_compat.SOURCE_MAPS`). Without them, generated lines are
            left out.
    """

    def __init__(self, mappers: dict[int, list[Any]]) -> None:
        self._mappers = mappers
        self._libraries: set[str] = set()
        """Files known not to be the user's."""

    def frames(self, frame: FrameType | None, limit: int = MAX_STACK) -> tuple[Frame, ...]:
        """The user's frames from `frame` outwards, innermost first, at most `limit`."""
        kept: list[Frame] = []
        while frame is not None and len(kept) < limit:
            found = self.at(frame)
            if found is not None:
                kept.append(found)
            frame = frame.f_back
        return tuple(kept)

    def line(
        self,
        frame: FrameType | None,
        depth: int = sys.maxsize,
        known: Known | None = None,
    ) -> Frame | None:
        """The innermost line of the user's, if there is one among the `depth` innermost frames.

        Args:
            frame: where to begin.
            depth: how many frames to look at.
            known: lines found before, valid for as long as AutoGraph's map stays as it is.
        """
        libraries = self._libraries
        while frame is not None and depth > 0:
            code = frame.f_code
            file = code.co_filename
            if file not in libraries:
                key = (id(code), frame.f_lasti)  # its number would have to be looked up in the code's table
                if known is not None and key in known:
                    return known[key][1]
                found = self.at(frame)
                if found is not None:
                    if known is not None:
                        known[key] = code, found
                    return found
                if _GENERATED not in file:
                    libraries.add(file)
            frame = frame.f_back
            depth -= 1
        return None

    def at(self, frame: FrameType) -> Frame | None:
        """The line of the user's that this one frame runs, if it is the user's."""
        code = frame.f_code
        file = code.co_filename
        if is_user_file(file):
            return Frame(file, frame.f_lineno, code_name(code))
        if _GENERATED not in file:
            return None
        mappers = self._mappers.get(threading.get_ident())
        origins: Origins = mappers[-1].get_effective_source_map() if mappers else {}
        origin = origins.get((file, frame.f_lineno))
        return Frame(*origin) if origin is not None and is_user_file(origin[0]) else None

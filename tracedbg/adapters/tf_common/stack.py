"""The user's lines on a stack, with AutoGraph's generated lines taken back to their origin.

`tf_stack.extract_stack` gives the same, at ten times the cost: it resolves every frame.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from tracedbg.events import Frame
from tracedbg.source import MAX_STACK, code_name, is_user_file

if TYPE_CHECKING:
    from types import FrameType

    Origins = dict[tuple[str, int], tuple[str, int, str]]

_GENERATED = "__autograph_generated_file"


class UserStack:
    """Reads stacks.

    Args:
        mappers: AutoGraph's mappers by thread (`_compat.SOURCE_MAPS`). Without them, generated lines are
            left out.
    """

    def __init__(self, mappers: dict[int, list[Any]]) -> None:
        self._mappers = mappers

    def frames(self, frame: FrameType | None, limit: int = MAX_STACK) -> tuple[Frame, ...]:
        """The user's frames from `frame` outwards, innermost first, at most `limit`."""
        kept: list[Frame] = []
        origins: Origins | None = None
        while frame is not None and len(kept) < limit:
            code = frame.f_code
            file = code.co_filename
            if is_user_file(file):
                kept.append(Frame(file, frame.f_lineno, code_name(code)))
            elif _GENERATED in file:
                if origins is None:
                    origins = self.origins()
                origin = origins.get((file, frame.f_lineno))
                if origin is not None and is_user_file(origin[0]):
                    kept.append(Frame(*origin))
            frame = frame.f_back
        return tuple(kept)

    def line(self, frame: FrameType | None) -> Frame | None:
        """The innermost line of the user's, if there is one."""
        found = self.frames(frame, limit=1)
        return found[0] if found else None

    def origins(self) -> Origins:
        """AutoGraph's map of this thread: (generated file, line) to (file, line, function)."""
        mappers = self._mappers.get(threading.get_ident())
        return mappers[-1].get_effective_source_map() if mappers else {}

"""What the debugger wants of Python lines, in the form in which trace functions ask: at each call and line.

It must not know how lines are noticed.
"""

from __future__ import annotations

import linecache
import sys
from typing import TYPE_CHECKING

from tracedbg.adapters.python_lines.outlines import is_loaded, outlines, own_lines, source_outlines
from tracedbg.frames import generated, real_path
from tracedbg.source import is_user_file

if TYPE_CHECKING:
    from types import CodeType, FrameType

    from tracedbg.debugging import Debugger

_LIMIT = 10_000
"""Code objects and file names that are remembered; programs that make code in a loop have no end of them."""
_WRITTEN_BY_LIBRARIES = ("<eval_with_key", "<attrs generated", "<__array_function__", "<lambdifygenerated")
"""What `torch.fx`, attrs, NumPy and SymPy call code of theirs for which they provide a source."""
_NOWHERE: frozenset[int] = frozenset()


class Wanted:
    """Which lines and threads are waited for. Read in every thread; written by `update`, as a whole."""

    def __init__(self, debugger: Debugger) -> None:
        self._debugger = debugger
        self.stepping: frozenset[int] = frozenset()
        """The threads that could stop at any line of the user's."""
        self.lines: dict[str, frozenset[int] | None] = {}
        """By `co_filename`, once asked for: the lines with breakpoints; None for a library's file without."""
        self._files: frozenset[str] = frozenset()
        self._outlined: set[str] = set()
        self._codes: dict[int, tuple[CodeType, bool, frozenset[int]]] = {}
        """Whether generated, and its lines. By identity: code objects compare by value, and not by file."""

    @property
    def is_anything(self) -> bool:
        """Whether any Python line could stop."""
        return bool(self._files or self.stepping)

    def update(self) -> None:
        """Take in what has changed, and bind the breakpoints of modules that are there already."""
        debugger = self._debugger
        files = debugger.files()
        stepping = debugger.stepping()
        new = files - self._files
        if new:
            self._codes = {}
        self._files = files
        self.stepping = stepping and stepping & sys._current_frames().keys()
        self.lines = {}
        for file in new - self._outlined:
            if is_loaded(file):  # one that is not tells of itself when it is run
                self._outlined.add(file)
                for outline in source_outlines(file):
                    debugger.add_outline(outline)

    def lines_of(self, file: str) -> frozenset[int] | None:
        """`lines[file]`, found out if need be."""
        lines = self.lines
        if file in lines:
            return lines[file]
        if len(lines) > _LIMIT:
            lines.clear()
        real = real_path(file)
        found = self._debugger.lines_in(real) if real in self._files else None
        if found is None and _is_the_users(file):
            found = _NOWHERE
        lines[file] = found
        return found

    def stops_in(self, code: CodeType) -> frozenset[int] | None:
        """The lines with breakpoints of code that has begun; None if there are none and no thread steps."""
        lines = self.lines_of(code.co_filename)
        if lines is None or not (lines or self.stepping):
            return None
        known = self._codes.get(id(code))
        if known is None:
            if len(self._codes) > _LIMIT:
                self._codes.clear()
            is_generated = self._debugger.is_generated(code)
            known = self._codes[id(code)] = (code, is_generated, own_lines(code))
            if lines and not is_generated:
                self._tell_of(code)
                lines = self.lines_of(code.co_filename) or _NOWHERE  # they may have been moved
        _, is_generated, own = known
        stops = lines & own
        return stops if not is_generated and (self.stepping or stops) else None

    def is_new(self, frame: FrameType) -> bool:
        """Whether the line that a frame is at has not been asked about in what it goes on with."""
        made = generated(frame.f_code)
        return made is None or made.goes_on_at != frame.f_lineno

    def is_in_the_way(self, frame: FrameType, thread_id: int) -> bool:
        """Whether a frame that is running already may stop."""
        stops = self.stops_in(frame.f_code)
        return bool(stops) or (stops is not None and thread_id in self.stepping)

    def _tell_of(self, code: CodeType) -> None:
        """Bind breakpoints to code of a file that has some."""
        file = real_path(code.co_filename)
        if file in self._outlined:
            return
        if code.co_name == "<module>" and not file.startswith("<"):
            self._outlined.add(file)
        for outline in outlines(code):
            self._debugger.add_outline(outline)


def _is_the_users(file: str) -> bool:
    if not file.startswith("<"):
        return is_user_file(file)
    # Without a source there is no line to show: methods of data classes, guards of Dynamo, and text that the
    # program itself executes.
    return file == "<stdin>" or bool(
        not file.startswith(_WRITTEN_BY_LIBRARIES) and is_user_file(file) and linecache.getlines(file)
    )

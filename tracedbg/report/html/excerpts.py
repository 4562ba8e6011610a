"""Lines of the user's files, as they were when the run was recorded: none of a file that has changed since.

It must not know what they are shown for.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracedbg import source

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_COLUMNS = 240
"""Of a line; the rest is left out."""


@dataclass(frozen=True)
class Excerpt:
    """Some lines of a file."""

    first: int
    lines: tuple[str, ...]
    here: int
    """The line that it is about."""


@dataclass
class Excerpts:
    """Reads files that a recording names."""

    started_wall_ns: int | None
    """When the run began; None: files are shown as they are now."""
    cwd: str = ""
    """Where it began: relative paths are of there."""
    are_wanted: bool = True
    """Not of a run that was redacted: lines of source may hold values."""
    changed: set[str] = field(default_factory=set)
    """The files that were asked for, and have changed since the run."""
    find: Callable[[str], str] | None = None
    """Where a file is on this machine; empty if it is nowhere."""
    _known: dict[str, list[str]] = field(default_factory=dict)

    def around(self, file: str, line: int, context: int = 2) -> Excerpt | None:
        """A line with some above and below it; None where it is not known."""
        lines = self.lines(file)
        if not 0 < line <= len(lines):
            return None
        first, last = max(line - context, 1), min(line + context, len(lines))
        while first < line and not lines[first - 1].strip():
            first += 1
        while last > line and not lines[last - 1].strip():
            last -= 1
        return Excerpt(first, tuple(lines[first - 1 : last]), line)

    def line(self, file: str, line: int) -> str:
        """One line, without the blanks around it; empty where it is not known."""
        lines = self.lines(file)
        return lines[line - 1].strip() if 0 < line <= len(lines) else ""

    def lines(self, file: str) -> list[str]:
        """All lines of a file; none where it is gone, or has changed."""
        found = self._known.get(file)
        if found is None:
            found = self._known[file] = self._read(file) if file and self.are_wanted else []
        return found

    def _read(self, file: str) -> list[str]:
        if source.cell_title(file):  # of a notebook: its source is kept with the run
            return [line.rstrip("\r\n")[:MAX_COLUMNS] for line in source.lines(file)]
        path = self.find(file) if self.find is not None else os.path.join(self.cwd, file)
        try:
            changed_ns = os.stat(path).st_mtime_ns
        except (OSError, ValueError):
            return []  # gone, or typed into another process
        if self.started_wall_ns is not None and changed_ns > self.started_wall_ns:
            self.changed.add(file)
            return []
        return [line.rstrip("\r\n")[:MAX_COLUMNS] for line in source.lines(path)]

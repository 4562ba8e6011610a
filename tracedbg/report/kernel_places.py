"""How a place of kernels is called, and where the text of its line is found on this machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tracedbg import source
from tracedbg.explain.kernels.attributed import Whose
from tracedbg.report.style import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracedbg.explain.kernels.table import Place
    from tracedbg.report.style import Style

BEFORE = "launched before the recording"
_MIN_NAME = 8


def label(place: Place, style: Style, room: int) -> str:
    """What a row is about, in `room` columns."""
    words = {
        Whose.BEFORE: f"({BEFORE})",
        Whose.OP: "(no Python) ",
        Whose.LAUNCH: "(no Python) ",
        Whose.LIBRARY: "(library) ",
    }.get(place.whose, "")
    if place.whose is Whose.BEFORE and not place.name:
        return style.paint(style.end(words, room), "dim")
    lead = "" if place.whose is Whose.BEFORE else words
    if not place.file and not place.name:
        return style.paint(style.end(f"{lead}(nothing more is known)", room), "dim")
    if not place.file:
        name = clean(place.name).removeprefix("void ")
        is_path = "/" in name and " " not in name
        fitting = style.tail(name, room - len(lead), "/") if is_path else style.end(name, room - len(lead))
        return style.paint(lead, "dim") + fitting
    number = f":{place.line}" if place.line else ""
    room -= len(lead) + len(number)
    name = f" {clean(place.name)}" if place.name else ""
    path = style.path(place.file, max(room - len(name), room // 2))
    name = style.end(name, max(room - len(path), _MIN_NAME)) if room - len(path) >= _MIN_NAME else ""
    return style.paint(lead, "dim") + style.paint(f"{path}{number}", "bold") + style.paint(name, "dim")


class Sources:
    """Finds the files of a trace on this machine: as they are named, or below some folders."""

    def __init__(self, folders: Iterable[str]) -> None:
        self._folders = [*folders]
        self._found: dict[str, str] = {}

    def line(self, place: Place) -> str:
        """The text of the line of `place`; empty where it is not to be found."""
        if not place.line or not place.file.endswith(".py"):
            return ""
        file = self.find(place.file)
        return source.line_text(file, place.line) if file else ""

    def find(self, file: str) -> str:
        """Where `file` is; empty if it is nowhere."""
        found = self._found.get(file)
        if found is None:
            tried = [file] if os.path.isabs(file) else [os.path.join(at, file) for at in self._folders]
            found = self._found[file] = next((one for one in tried if os.path.isfile(one)), "")
        return found

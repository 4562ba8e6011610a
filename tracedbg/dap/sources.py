"""Requests about source: files, and texts that exist in the process alone."""

from __future__ import annotations

import itertools
import linecache
import os
import threading
from typing import TYPE_CHECKING

from tracedbg.dap.arguments import RequestError
from tracedbg.dap.commands import Command, Where
from tracedbg.dap.graphs import op_text
from tracedbg.dap.recorded import generated
from tracedbg.source import is_user_file

if TYPE_CHECKING:
    from tracedbg.dap.commands import Call
    from tracedbg.dap.protocol import Body
    from tracedbg.debugging import FrameView

_PYTHON = "text/x-python"


class Sources:
    """Numbers for texts that are in no file: generated code, graphs. Safe in any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._known: dict[str, tuple[int, str]] = {}

    def add(self, name: str, text: str) -> int:
        """The number of a text; the same for the same name, whose text may be another now."""
        with self._lock:
            known = self._known.get(name)
            number = known[0] if known else next(self._numbers)
            self._known[name] = number, text
            return number

    def text(self, number: int) -> str:
        """The text with a number.

        Raises:
            RequestError: there is none.
        """
        with self._lock:
            found = next((text for known, text in self._known.values() if known == number), None)
        if found is None:
            raise RequestError(f"there is no source {number}")
        return found

    def all(self) -> list[Body]:
        """All texts, as clients know sources."""
        with self._lock:
            return [_generated(name, number) for name, (number, _) in self._known.items()]

    def of_frame(self, frame: FrameView) -> Body | None:
        """The source of a frame; None if there is none to show."""
        return self.of_file(frame.file)

    def of_file(self, file: str) -> Body | None:
        """The source of a file, or of what Python keeps the text of under that name."""
        if not file.startswith("<") and os.path.isfile(file):
            found: Body = {"name": os.path.basename(file), "path": file}
            return found if is_user_file(file) else {**found, "presentationHint": "deemphasize"}
        if file and linecache.getlines(file):
            return _generated(file, self.add(file, "".join(linecache.getlines(file))))
        return None

    def reset_after_fork(self) -> None:
        """In a forked child: another thread may have held the lock, and does not exist here."""
        self._lock = threading.Lock()


def _generated(name: str, number: int) -> Body:
    return {"name": name, "sourceReference": number, "origin": "generated"}


def loaded_sources(call: Call) -> Body:
    """`loadedSources`: the graphs that were stopped in, and generated code that has come up."""
    server = call.server
    for graph in server.graphs.all():
        lines = [f"# {note}" for note in graph.notes]
        for index, site in enumerate(graph.sites):
            at = f"  # {os.path.basename(site.file)}:{site.line}" if site.file else ""
            lines.append(f"{index:>6}  {op_text(site)}{at}")
        server.sources.add(f"{graph.function} [{graph.name}]", "\n".join(lines) + "\n")
    for name, text in generated():
        server.sources.add(name, text)
    return {"sources": server.sources.all()}


def source(call: Call) -> Body:
    """`source`: the text of what is in no file, or of a file."""
    arguments = call.request.arguments
    number = arguments.number("sourceReference", 0) or arguments.inner("source").number("sourceReference", 0)
    if number:
        return {"content": call.server.sources.text(number), "mimeType": _PYTHON}
    path = arguments.inner("source").text("path", "")
    lines = linecache.getlines(path) if path else []
    if not lines:
        raise RequestError(f"there is no source at {path!r}")
    return {"content": "".join(lines), "mimeType": _PYTHON}


COMMANDS = {
    "loadedSources": Command(loaded_sources, Where.WORKER),
    "source": Command(source),
}

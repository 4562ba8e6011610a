"""The user's lines behind the code of compiled graphs: each node knows the line that it comes from."""

from __future__ import annotations

import linecache
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_common.graph_modules import graph_modules_of
from tracedbg.adapters.torch_ops import _compat
from tracedbg.events import Frame
from tracedbg.source import is_user_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_GRAPHS = 1000
"""Graphs whose lines are kept."""
MAX_LOOKS = 100
"""So often graphs are looked for among the process' objects, where the observer cannot say which it saw."""
_ASSIGNED = re.compile(r"\s*(?P<node>\w+)[^=(]*= ")
_RESUMED = re.compile(r"\btorch_dynamo_resume_in_(?P<function>\w+?)_at_\d+$")
_FRAME = re.compile(r'^\s*File "(?P<file>.+)", line (?P<line>\d+), in (?P<function>.+)$', re.MULTILINE)


class GraphLines:
    """The lines of the graphs that there are in this process."""

    def __init__(self) -> None:
        self._graphs: dict[str, dict[str, tuple[Frame, ...]]] = {}
        """File of a graph's code -> name of a node -> its stack, innermost first."""
        self._looks = 0

    def stack(self, generated: Frame, around: Sequence[Frame]) -> tuple[Frame, ...]:
        """The user's stack of an op that generated code has run.

        Args:
            generated: the line of that code.
            around: the user's frames around it, innermost first: the compiled function is the first of them,
                in a line that says nothing.
        """
        inside = self._inside(generated)
        if not inside:
            return tuple(around)
        if around and around[0].function.rpartition(".")[2] == inside[-1].function:
            outermost = Frame(inside[-1].file, inside[-1].line, around[0].function)
            return (*inside[:-1], outermost, *around[1:])
        return (*inside, *around)

    def _inside(self, generated: Frame) -> tuple[Frame, ...]:
        if not generated.file.startswith(_compat.GENERATED_BEGINS):
            return ()
        made = _ASSIGNED.match(linecache.getline(generated.file, generated.line))
        return self._graphs.get(generated.file, {}).get(made["node"], ()) if made is not None else ()

    def learn(self, file: str, graph_module: Any) -> None:
        """Learn the lines of a graph whose code stands in `file`; of anything else there are none."""
        if len(self._graphs) >= MAX_GRAPHS or not file.startswith(_compat.GENERATED_BEGINS):
            return
        self._graphs[file] = {}
        with suppress(AttributeError, RuntimeError):  # it has gone, or another thread is at work on it
            self._graphs[file] = {node.name: _stack(node) for node in graph_module.graph.nodes}

    def look_for(self, files: Iterable[str]) -> None:
        """Learn the lines of those graphs whose code stands in `files` that nobody has shown us."""
        wanted = {
            file for file in files if file not in self._graphs and file.startswith(_compat.GENERATED_BEGINS)
        }
        self._graphs.update((file, {}) for file in wanted)
        if not wanted or self._looks >= MAX_LOOKS:
            return
        self._looks += 1
        for file, graph_module in graph_modules_of(wanted).items():
            self.learn(file, graph_module)


def whole_name(function: str) -> str:
    """The function that Dynamo has cut in two for a graph break, by the name of its second part."""
    return _RESUMED.sub(r"\g<function>", function)


def is_generated(file: str) -> bool:
    """Whether a compiler has written it."""
    if file.startswith(_compat.GENERATED_BEGINS) or any(part in file for part in _compat.GENERATED_PARTS):
        return True
    return _compat.GENERATED_NAME.search(file) is not None


def _stack(node: Any) -> tuple[Frame, ...]:
    frames = [
        Frame(at["file"], int(at["line"]), whole_name(at["function"]))
        for at in _FRAME.finditer(node.meta.get("stack_trace") or "")
        if is_user_file(at["file"]) and not is_generated(at["file"])
    ]
    return tuple(reversed(frames))

"""Which line Dynamo was on when it made each node, and what the user's variables were then.

One `Timeline` for each `OutputGraph`, that is for each attempt at a frame. It ends with the compile: what is
kept of it is in `record.py`.
"""

from __future__ import annotations

import dis
import os
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_compile.walk import _compat
from tracedbg.adapters.torch_compile.walk._compat import is_resume
from tracedbg.adapters.torch_compile.walk.identity import ByIdentity
from tracedbg.frames import real_path
from tracedbg.source import is_user_file

if TYPE_CHECKING:
    from types import CodeType

    from tracedbg.adapters.torch_compile.walk.refs import Describer, Ref

_PROLOGUE = frozenset({"RESUME", "COPY_FREE_VARS", "MAKE_CELL", "RETURN_GENERATOR", "CACHE"})
_UNIT_BYTES = 2
"""Each instruction begins at a multiple of it."""


@dataclass(eq=False)
class Moment:
    """A line that Dynamo began to trace, or came back to from a function that it called."""

    graph: Any
    """The `fx.Graph` that it was adding nodes to."""
    last: Any
    """The last node of it; None if there was none."""
    code: CodeType
    module: str
    """The name of the module whose globals the function has."""
    line: int
    variables: dict[str, Ref]
    caller: Moment | None
    """Where the function that called this one was."""
    is_return: bool
    """Whether it is no new line, but the rest of one, after a call."""

    @property
    def is_hidden(self) -> bool:
        """Whether it is a line of Dynamo's own, such as what it traces in place of a builtin."""
        return is_dynamos(self.code.co_filename)


class Timeline:
    """The moments of one attempt to trace a frame, in order."""

    def __init__(self) -> None:
        self.moments: list[Moment] = []
        self._latest: dict[int, Moment] = {}
        """By the `id` of the translator that traces a function: all of a stack are alive."""

    def line(self, translator: Any, line: int, describer: Describer) -> None:
        """Dynamo is about to trace a line."""
        code, known = translator.f_code, self._latest.get(id(translator))
        if known is None and line not in _body_lines(code):
            return  # the line of `def`: nothing runs there
        is_rest = is_resume(code) and (known is None or known.code is not code)
        self._add(translator, line, describer, is_return=is_rest)

    def end(self, translator: Any, describer: Describer) -> None:
        """A function has been traced: its caller goes on."""
        self._latest.pop(id(translator), None)
        parent = getattr(translator, "parent", None)
        latest = self._latest.get(id(parent))
        if latest is not None:
            self._add(parent, latest.line, describer, is_return=True)

    def _add(self, translator: Any, line: int, describer: Describer, *, is_return: bool) -> None:
        output = translator.output
        graph = output.current_tracer.graph
        moment = Moment(
            graph,
            next(iter(reversed(graph.nodes)), None),
            translator.f_code,
            translator.f_globals.get("__name__", ""),
            line,
            _variables(translator, output, describer),
            self._latest.get(id(getattr(translator, "parent", None))),
            is_return,
        )
        self.moments.append(moment)
        self._latest[id(translator)] = moment


class Timelines:
    """The timelines of the compiles that are going on."""

    def __init__(self, describer: Describer) -> None:
        self._describer = describer
        self._of: ByIdentity[Timeline] = ByIdentity()

    def line(self, translator: Any, line: int) -> None:
        """Dynamo is about to trace `line`; it tells of a line more than once."""
        if translator.lineno != line:
            self._timeline(translator.output).line(translator, line, self._describer)

    def end(self, translator: Any) -> None:
        """A function has been traced."""
        if getattr(translator, "parent", None) is not None:
            self._timeline(translator.output).end(translator, self._describer)

    def take(self, output: Any) -> Timeline:
        """The timeline of a graph that is traced to its end."""
        return self._of.pop(output) or Timeline()

    def _timeline(self, output: Any) -> Timeline:
        found = self._of.get(output)
        if found is None:
            found = Timeline()
            self._of.set(output, found)
        return found


def _variables(translator: Any, output: Any, describer: Describer) -> dict[str, Ref]:
    found: dict[str, Ref] = {}
    if is_dynamos(translator.f_code.co_filename):
        return found
    for name, variable in translator.symbolic_locals.items():
        if name.isidentifier() and not name.startswith(_compat.HIDDEN_VARIABLES):
            try:
                ref = describer.describe(variable, output)
            except Exception:  # noqa: S112  a variable of a kind that is not known is not shown
                continue
            if ref is not None:
                found[name] = ref
    return found


@lru_cache(maxsize=1024)
def _body_lines(code: CodeType) -> frozenset[int | None]:
    """The lines of a function on which something runs."""
    line_at = {at: line for begin, end, line in code.co_lines() for at in range(begin, end, _UNIT_BYTES)}
    return frozenset(
        line_at.get(at.offset) for at in dis.get_instructions(code) if at.opname not in _PROLOGUE
    )


def is_dynamos(file: str) -> bool:
    """Whether a file is one of Dynamo's, whose functions stand in for others."""
    return not is_user_file(file) and f"{os.sep}torch{os.sep}_dynamo{os.sep}" in real_path(file)

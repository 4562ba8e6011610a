"""A frontend that answers from a list, and notes what a stop shows."""

from __future__ import annotations

import copy
import linecache
from dataclasses import dataclass, field

from tracedbg.engine import Action, Go


@dataclass
class Seen:
    """What a person would have seen at a stop."""

    reason: str
    text: str
    file: str
    line: int
    function: str
    variables: dict
    stack: list
    depth: int
    iteration: int | None
    op: str
    inputs: dict
    notes: tuple
    graph: str
    site: str
    """The op that stands at its position in the walk."""

    @property
    def source(self):
        return linecache.getline(self.file, self.line).strip()


def see(stop):
    view = stop.view
    frames = view.frames()
    op = view.op
    return Seen(
        stop.reason, stop.text, view.file, view.line, frames[0].function,
        {name: copy.copy(value) for name, value in frames[0].variables().items()},
        [(frame.function, frame.line) for frame in frames if frame.is_traced],
        view.depth, view.iteration, op.site.op if op else "", dict(op.inputs()) if op else {},
        tuple(view.walk.notes) if view.walk else (), view.walk.graph if view.walk else "",
        view.walk.sites[op.index].op if view.walk and op else "",
    )  # fmt: skip


@dataclass
class Answers:
    go: list = field(default_factory=list)
    always: Go = Go.CONTINUE
    at_stop: object = None
    seen: list = field(default_factory=list)
    said: list = field(default_factory=list)

    def interact(self, stop):
        self.seen.append(see(stop))
        if self.at_stop is not None:
            self.at_stop(stop)
        return Action(self.go.pop(0) if self.go else self.always)

    def say(self, text, stop=None):
        self.said.append(text)

    @property
    def lines(self):
        return [seen.line for seen in self.seen]


def line_of(function, marker):
    """The line of a file that has `# marker` at its end."""
    file = getattr(function, "__file__", None) or function
    for number, text in enumerate(linecache.getlines(file), 1):
        if text.rstrip().endswith(f"# @{marker}"):
            return number
    raise LookupError(marker)

"""A program that is no program: threads that walk over lines and ops, as adapters have them do."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from tracedbg.debugging import Outline
from tracedbg.events import OpSite


@dataclass
class Frame:
    function: str
    file: str
    line: int
    locals: dict
    is_traced: bool = True
    is_user: bool = True

    def variables(self):
        return self.locals

    def names(self):
        return {"limit": 10}

    def assign(self, name, value):
        self.locals[name] = value


@dataclass
class Op:
    site: OpSite
    index: int
    locals: dict

    def inputs(self):
        return [(name, self.locals[name]) for name in self.site.inputs if name in self.locals]

    def outputs(self):
        return []


@dataclass
class Walk:
    sites: tuple
    function: str = "step"
    graph: str = "0/0 forward"
    notes: tuple = ("random numbers differ",)


@dataclass
class Point:
    file: str
    line: int
    locals: dict = field(default_factory=dict)
    op: Op | None = None
    walk: Walk | None = None
    depth: int = 1
    iteration: int | None = None
    is_backward: bool = False

    def frames(self):
        inner = Frame("step", self.file, self.line, self.locals)
        return [inner, Frame("main", self.file, 1, {"batch": 7}, is_traced=False)]


def sites(file, *ops):
    """A site on each line of `file`, from line 2 on."""
    return tuple(
        OpSite(f"v{index}", op, inputs=("x",), output="float32[2]", file=file, line=2 + index)
        for index, op in enumerate(ops)
    )


class Program(threading.Thread):
    """Walks `turns` times over three lines, each with one op; the locals are real objects."""

    OPS = ("aten.mul", "aten.add", "aten.relu")

    def __init__(self, engine, file, turns=1):
        super().__init__(name="program", daemon=True)
        self.engine, self.file, self.turns = engine, file, turns
        self.locals = {"x": [1, 2, 3], "total": 0, "many": list(range(5000))}
        self.walk = Walk(sites(file, *self.OPS))
        self.error = None
        self.is_to_end = False
        self.heartbeat = threading.Event()

    @property
    def outline(self):
        lines = frozenset((self.file, site.line) for site in self.walk.sites)
        return Outline("step", self.walk.graph, lines, frozenset(self.OPS), ((self.file, 1, 4),))

    def run(self):
        try:
            self.engine.add_outline(self.outline)
            for turn in range(self.turns):
                if self.is_to_end:
                    return
                self.locals["turn"] = turn
                self.heartbeat.set()
                for index, site in enumerate(self.walk.sites):
                    point = Point(self.file, site.line, self.locals, walk=self.walk)
                    self.engine.line(point)
                    point = Point(self.file, site.line, self.locals, Op(site, index, self.locals), self.walk)
                    self.engine.before_op(point)
                    self.locals["total"] += 1
        except BaseException as error:
            self.error = error

"""What the debugger answers, read from the protocol's messages into data that screens show.

It must not know how a message travels.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Body = dict[str, Any]


@dataclass(frozen=True)
class Stop:
    """A thread that stands still."""

    thread: int
    reason: str
    """In the protocol's words: `breakpoint`, `function breakpoint`, `exception`, `step`, `pause`, ..."""
    text: str = ""
    """For a person: what was found."""
    breakpoint_ids: tuple[int, ...] = ()

    @classmethod
    def read(cls, body: Body) -> Stop:
        """From the body of a `stopped` event."""
        ids = tuple(body.get("hitBreakpointIds") or ())
        return cls(int(body["threadId"]), str(body["reason"]), str(body.get("text") or ""), ids)


@dataclass(frozen=True)
class Source:
    """Where a text is: in a file, or kept by the debugger under a number."""

    name: str = ""
    path: str = ""
    reference: int = 0

    @classmethod
    def read(cls, body: Body | None) -> Source:
        """From the protocol's `Source`."""
        body = body or {}
        reference = int(body.get("sourceReference") or 0)
        return cls(str(body.get("name") or ""), str(body.get("path") or ""), reference)

    @property
    def exists(self) -> bool:
        """Whether there is anything to show."""
        return bool(self.path or self.reference)


@dataclass(frozen=True)
class Frame:
    """One frame of a stopped thread."""

    id: int
    function: str
    source: Source
    line: int
    is_traced: bool
    """Whether it stands for a line that a framework traced, and is not running as Python."""
    is_library: bool
    """Whether it is not the user's own."""
    op: str = ""
    """Name of the op that is about to run; empty at a line, and in all frames but the innermost."""
    iteration: int | None = None
    is_backward: bool = False
    address: str = ""
    """Of the op that is next."""

    @classmethod
    def read(cls, body: Body) -> Frame:
        """From the protocol's `StackFrame`."""
        ours = body.get("tracedbg") or {}
        return cls(
            id=int(body["id"]),
            function=str(body["name"]),
            source=Source.read(body.get("source")),
            line=int(body["line"]),
            is_traced=bool(ours.get("isTraced")),
            is_library=body.get("presentationHint") == "subtle",
            op=str(ours.get("op") or ""),
            iteration=ours.get("iteration"),
            is_backward=bool(ours.get("isBackward")),
            address=str(body.get("instructionPointerReference") or ""),
        )


@dataclass(frozen=True)
class Scope:
    """A group of variables of a frame."""

    name: str
    """`Locals`, `Op inputs`, `Op outputs`, `Graph`, `Globals`."""
    reference: int
    count: int
    is_expensive: bool
    """Whether it should not be shown before somebody asks."""

    @classmethod
    def read(cls, body: Body) -> Scope:
        """From the protocol's `Scope`."""
        count = int(body.get("namedVariables") or 0)
        return cls(str(body["name"]), int(body["variablesReference"]), count, bool(body.get("expensive")))


@dataclass(frozen=True)
class Variable:
    """A value with its name."""

    name: str
    text: str
    type_name: str = ""
    reference: int = 0
    """To ask for what is in it; 0 if nothing is."""
    indexed: int = 0
    """How many numbered children it has."""
    named: int = 0
    expression: str = ""
    """Python that gives it again in its frame; empty where there is none."""
    is_tensor: bool = False
    made_by: str = ""
    """Name of the op of the graph that has made it, where that is known."""

    @classmethod
    def read(cls, body: Body) -> Variable:
        """From the protocol's `Variable`, or the answer to `evaluate` or `setVariable`."""
        return cls(
            name=str(body.get("name") or ""),
            text=str(body.get("value", body.get("result")) or ""),
            type_name=str(body.get("type") or ""),
            reference=int(body.get("variablesReference") or 0),
            indexed=int(body.get("indexedVariables") or 0),
            named=int(body.get("namedVariables") or 0),
            expression=str(body.get("evaluateName") or ""),
            is_tensor="memoryReference" in body,
            made_by=str((body.get("tracedbg") or {}).get("madeBy") or ""),
        )


@dataclass(frozen=True)
class Op:
    """One op of a graph."""

    index: int
    name: str
    """Of the value that it makes."""
    op: str
    inputs: tuple[str, ...]
    output: str
    """Shape and dtype in words, such as `float32[2, 3]`."""
    file: str = ""
    line: int = 0
    address: str = ""

    @classmethod
    def read(cls, body: Body) -> Op:
        """From a row of `tracedbg/ops`."""
        return cls(
            index=int(body["index"]),
            name=str(body["name"]),
            op=str(body["op"]),
            inputs=tuple(map(str, body.get("inputs") or ())),
            output=str(body.get("output") or ""),
            file=str(body.get("file") or ""),
            line=int(body.get("line") or 0),
            address=str(body.get("address") or ""),
        )


@dataclass(frozen=True)
class OpsPage:
    """Some ops of a graph that was stopped in."""

    function: str
    graph: str
    total: int
    at: int | None
    """Position of the op that is next; None at a line, or in a graph that nothing stands in."""
    notes: tuple[str, ...]
    ops: tuple[Op, ...]

    @classmethod
    def read(cls, body: Body) -> OpsPage:
        """From the answer to `tracedbg/ops`."""
        return cls(
            function=str(body["function"]),
            graph=str(body["graph"]),
            total=int(body["total"]),
            at=body.get("at"),
            notes=tuple(map(str, body.get("notes") or ())),
            ops=tuple(map(Op.read, body.get("ops") or ())),
        )


@dataclass(frozen=True)
class GraphInfo:
    """A graph that was stopped in."""

    function: str
    graph: str
    total: int

    @classmethod
    def read(cls, body: Body) -> GraphInfo:
        """From a row of `tracedbg/graphs`."""
        return cls(str(body["function"]), str(body["graph"]), int(body["total"]))


@dataclass(frozen=True)
class Histogram:
    """How a tensor's finite elements are spread."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Tensor:
    """A tensor as the inspector shows it."""

    summary: Body = field(default_factory=dict)
    """As `tensors.TensorSummary`; a NaN or an infinity is a string."""
    histogram: Histogram | None = None
    window: Any = None
    """Nested lists of elements."""

    @classmethod
    def read(cls, body: Body) -> Tensor:
        """From the answer to `tracedbg/tensor`."""
        histogram = body.get("histogram")
        if histogram is not None:
            histogram = Histogram(tuple(histogram["edges"]), tuple(histogram["counts"]))
        return cls(body.get("summary") or {}, histogram, body.get("window"))

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole tensor."""
        return tuple(self.summary.get("shape") or ())


@dataclass(frozen=True)
class Thread:
    """A thread of the program."""

    number: int
    name: str


@dataclass(frozen=True)
class Filter:
    """An event that the program can stop at."""

    name: str
    label: str
    meaning: str

    @classmethod
    def read(cls, body: Body) -> Filter:
        """From the protocol's `ExceptionBreakpointsFilter`."""
        name = str(body["filter"])
        return cls(name, str(body.get("label") or name), str(body.get("description") or ""))

"""The graphs of a recorded run: what there is, which one is meant, and its ops by line of source.

It reads what the store gives back, by the shape of `Recording` alone.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

from tracedbg.errors import UsageError
from tracedbg.events import Role
from tracedbg.plain import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tracedbg.events import GraphMade, OpSite, Traceable
    from tracedbg.explain.recorded import Ran
    from tracedbg.store.records import GraphInfo, ProcessInfo, TraceRecord

STAGES = {
    "dynamo": "what torch.compile has traced",
    "func_graph": "what tf.function has traced",
    "torchscript": "what TorchScript has compiled or traced",
    "aot_forward": "what AOTAutograd gives the backend for the forward",
    "aot_backward": "what AOTAutograd gives the backend for the backward",
    "backward": "the gradient that TensorFlow has made of a graph",
    "autograd": "what autograd has recorded in a step of eager code",
    "tape": "what a GradientTape has recorded in a step of eager code",
    "sequence": "the ops of a step of eager code without gradients, in their order",
}
"""The stages of graphs, and what each is; the first that a function has is shown if none is named."""
_MAX_LISTED = 20
_NUMBERED = re.compile(r"(?P<name>.+)#(?P<number>\d+)(?:\.(?P<part>\d+))?", re.DOTALL)


class Recording(Protocol):
    """What was recorded of one process."""

    @property
    def info(self) -> ProcessInfo: ...  # noqa: D102

    @property
    def ran(self) -> Ran: ...  # noqa: D102

    def traces(self) -> Sequence[TraceRecord]: ...  # noqa: D102

    def graph_infos(self) -> Sequence[GraphInfo]: ...  # noqa: D102

    def graph(self, number: int) -> GraphMade | None: ...  # noqa: D102


@dataclass(frozen=True)
class Graph:
    """One graph; its ops are read when they are asked for."""

    function: Traceable
    stage: str
    """One of `STAGES`."""
    number: int
    """Of the trace among those of the function, from 1; of a step's graph among the different ones."""
    label: str
    """The framework's name of the trace, `0/1`; `step 3`."""
    op_count: int
    read: Callable[[], tuple[OpSite, ...]]
    pid: int = 0
    left_out: int = 0
    """Ops that there was no room for."""
    part: int = 1
    """Of several graphs of one trace and stage, as where DDP cuts one in parts: which."""

    @property
    def key(self) -> tuple[str, int, str]:
        """What tells functions apart."""
        return (self.function.file, self.function.line, self.function.name)

    def is_rest_of(self, other: Graph) -> bool:
        """Whether it is of what is left of the other's function after a graph break."""
        of = self.function
        return bool(of.owner) and (of.owner, of.file) == (other.function.name, other.function.file)


def graphs_of(processes: Iterable[Recording]) -> list[Graph]:
    """All graphs, in the order in which they were made; numbers go on from one process to the next."""
    numbers: defaultdict[tuple[object, ...], int] = defaultdict(int)
    found: list[Graph] = []
    for process in processes:
        found += _of_traces(process, numbers)
        for step in process.ran.step_graphs():
            of = step.function
            key = (of.file, of.line, of.name, step.kind)
            numbers[key] += 1
            found.append(
                Graph(
                    function=of,
                    stage=step.kind,
                    number=numbers[key],
                    label=f"step {step.step}",
                    op_count=len(step.sites),
                    read=partial(getattr, step, "sites"),
                    pid=process.info.pid,
                    left_out=step.left_out,
                )
            )
    return found


def _of_traces(process: Recording, numbers: defaultdict[tuple[object, ...], int]) -> Iterable[Graph]:
    infos: defaultdict[int, list[GraphInfo]] = defaultdict(list)
    for info in process.graph_infos():
        infos[info.trace_id].append(info)
    pid = process.info.pid
    for trace in process.traces():
        started = trace.started
        of, is_backward = started.traceable, started.role is Role.BACKWARD
        key = (of.file, of.line, of.name, of.framework, is_backward)
        numbers[key] += 1
        label = trace.ended.label if trace.ended and trace.ended.label else started.label
        parts: Counter[str] = Counter()
        for info in infos[started.id]:
            stage = "backward" if is_backward and info.stage == "func_graph" else info.stage

            read = partial(_read, process, info.number)
            parts[stage] += 1
            yield Graph(of, stage, numbers[key], label, info.op_count, read, pid, part=parts[stage])


def _read(process: Recording, number: int) -> tuple[OpSite, ...]:
    made = process.graph(number)
    return made.sites if made else ()


def choose(graphs: Sequence[Graph], name: str, *, number: int | None = None, stage: str = "") -> Graph:
    """The one graph that is meant.

    Args:
        graphs: all that there are.
        name: of the function: `Model.forward`, `forward`, `model.Model.forward`, or `model.py:12`; with the
            `number` after it, as `forward#2`, and the part of several, as `forward#2.3`.
        number: of the trace; the last one by default.
        stage: one of `STAGES`; the first that there is by default.

    Raises:
        UsageError: there is none, or not only one.
    """
    name, number, part = _split(name, number)
    functions = _named(graphs, name)
    if not functions:
        raise UsageError(_with_list(f"no graph was recorded of a function {name!r}", graphs))
    if len(functions) > 1:
        meant = [one for one in graphs if one.key in functions]
        raise UsageError(
            _with_list(f"{name!r} is the name of {len(functions)} functions: name one as FILE:LINE", meant)
        )
    of_function = [one for one in graphs if one.key in functions]
    stages = [one for one in STAGES if any(graph.stage == one for graph in of_function)]
    stages += sorted({one.stage for one in of_function} - STAGES.keys())
    wanted = stage or stages[0]
    of_stage = [one for one in of_function if one.stage == wanted]
    if not of_stage:
        raise UsageError(f"{name} has no graph of the stage {stage}; it has {', '.join(stages)}")
    for one in of_stage:
        if (one.number, one.part) == (of_stage[-1].number if number is None else number, part):
            return one
    if any(one.number == number for one in of_stage):
        raise UsageError(f"{name} has no {wanted} graph number {number}.{part}: leave out the .{part}")
    there = _ranges([one.number for one in of_stage])
    raise UsageError(f"{name} has no {wanted} graph number {number}; it has {there}")


def _split(name: str, number: int | None) -> tuple[str, int | None, int]:
    found = _NUMBERED.fullmatch(name)
    if found is None:
        return name, number, 1
    if number is not None and number != int(found["number"]):
        raise UsageError(f"--graph {name} names another trace than --trace {number}: leave out one of them")
    return found["name"], int(found["number"]), int(found["part"] or 1)


def _named(graphs: Iterable[Graph], name: str) -> set[tuple[str, int, str]]:
    """The functions of that name: those of exactly that one, or those whose whole name ends in it."""
    keys = {one.key for one in graphs}
    file, _, line = name.rpartition(":")
    if file and line.isdecimal():
        return {
            key for key in keys if key[1] == int(line) and _ends(key[0].split(os.sep), file.split(os.sep))
        }
    exactly = {key for key in keys if key[2] == name}
    return exactly or {key for key in keys if _ends(_whole_name(key), name.split("."))}


def _whole_name(key: tuple[str, int, str]) -> list[str]:
    file, _, name = key
    return [*file.removesuffix(".py").split(os.sep), *name.split(".")]


def _ends(parts: list[str], end: list[str]) -> bool:
    return parts[-len(end) :] == end


def _with_list(message: str, graphs: Iterable[Graph]) -> str:
    """`message`, with what there is."""
    by_function: defaultdict[tuple[str, int, str], defaultdict[str, int]] = defaultdict(
        lambda: defaultdict(int)
    )
    for one in graphs:
        by_function[one.key][one.stage] += 1
    if not by_function:
        return f"{message}: there are no graphs in this run"
    lines = [
        f"  {plain(name)}  {plain(file)}:{line}  "
        + ", ".join(f"{count} {stage}" for stage, count in stages.items())
        for (file, line, name), stages in sorted(by_function.items())
    ]
    if len(lines) > _MAX_LISTED:
        lines[_MAX_LISTED:] = [f"  and {len(lines) - _MAX_LISTED} more"]
    return "\n".join([f"{message}; there are graphs of", *lines])


def _ranges(numbers: Sequence[int]) -> str:
    """`1 to 3, 7`."""
    parts: list[str] = []
    first = last = numbers[0]
    for number in [*numbers[1:], numbers[0]]:
        if number == last + 1:
            last = number
            continue
        parts.append(f"{first} to {last}" if last > first else str(first))
        first = last = number
    return ", ".join(parts)


# --- by line of source ------------------------------------------------------------------------


@dataclass
class Op:
    """One op, with the graphs that it runs: branches, a loop's body."""

    site: OpSite
    bodies: dict[str, Lines] = field(default_factory=dict)
    """By what they are to it: `then`, `body`."""


@dataclass
class Lines:
    """Ops by file and line of source; those of one line in the order of the graph."""

    files: dict[str, dict[int, list[Op]]] = field(default_factory=dict)
    """The empty file has what no line is known of."""

    def add(self, op: Op) -> None:
        """One more op."""
        self.files.setdefault(op.site.file, {}).setdefault(op.site.line, []).append(op)


def by_line(sites: Iterable[OpSite]) -> Lines:
    """The ops of a graph by line, bodies below the op that runs them."""
    whole = Lines()
    ops: dict[str, Op] = {}
    for site in sites:
        op = Op(site)
        owner, _, part = site.inside.rpartition("/")
        runner = ops.get(owner) if site.inside else None
        (whole if runner is None else runner.bodies.setdefault(part, Lines())).add(op)
        ops.setdefault(site.name, op)
    return whole

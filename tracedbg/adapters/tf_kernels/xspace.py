"""What TensorFlow's profiler saw: the ops of the CPU with their own time, kernels of a GPU, XLA's fusions.

Each is laid beside what Python knows: nodes of graphs by their names, eager ops by the moment of the call.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from tracedbg.adapters.tf_kernels import _compat
from tracedbg.kernels import CallFrame, Kernel, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tracedbg.adapters.tf_kernels.calls import Calls
    from tracedbg.adapters.tf_kernels.nodes import Made, Nodes

MAX_KERNELS = 500_000
_NODE = re.compile(r"^(?P<node>[^:]+):(?P<op>[A-Za-z_]\w*)(?:#.*)?$")
_END_OF_THUNK = "end: "
_COPIES = {"memcpy": Kind.COPY, "memset": Kind.FILL}
_PS = 1000


class Event(NamedTuple):
    """One event of a plane, in epoch nanoseconds."""

    line: str
    start_ns: int
    end_ns: int
    name: str
    stats: dict[str, Any]


class _Op(NamedTuple):
    """An event that is an op."""

    event: Event
    name: str
    """As it is shown."""
    node: str
    """Of a graph; empty for an eager op."""
    hlo: str
    """Of XLA; empty for others."""


def kernels_of(space: Any, nodes: Nodes, calls: Calls) -> tuple[tuple[Kernel, ...], int]:
    """All kernels, and how many more there were.

    Args:
        space: the profiler's `XSpace`.
        nodes: of all graphs.
        calls: from Python into the runtime.
    """
    since_ns = _start_of(space)
    host: list[Event] = []
    devices: list[tuple[str, Event]] = []
    for plane in space.planes:
        if plane.name == _compat.HOST_PLANE:
            host += _events(plane, since_ns)
        elif plane.name.startswith("/device:") and "CUSTOM" not in plane.name:
            device = plane.name.removeprefix("/device:").lower()
            devices += [
                (device, event) for event in _events(plane, since_ns) if event.line.startswith("Stream")
            ]
    finder = _Finder(nodes, calls, _Functions(host), _programs(space))
    if devices:
        found = [_on_device(device, event, finder) for device, event in devices]
    else:
        found = _on_host(host, finder)
    found.sort(key=lambda kernel: kernel.start_ns)
    return tuple(found[:MAX_KERNELS]), max(len(found) - MAX_KERNELS, 0)


def _start_of(space: Any) -> int:
    """When the session began: the times of its events count from there."""
    for plane in space.planes:
        if plane.name == _compat.START_PLANE:
            for stat in plane.stats:
                if plane.stat_metadata[stat.metadata_id].name == _compat.START_TIME:
                    return int(stat.uint64_value)
    return 0


def _events(plane: Any, since_ns: int) -> Iterator[Event]:
    names = {number: one.name for number, one in plane.event_metadata.items()}
    stats = {number: one.name for number, one in plane.stat_metadata.items()}
    for line in plane.lines:
        base_ps = (since_ns + line.timestamp_ns) * _PS
        label = line.name or str(line.id)
        for event in line.events:
            start_ps = base_ps + event.offset_ps
            told = {stats[one.metadata_id]: _value(one, stats) for one in event.stats}
            start_ns, end_ns = start_ps // _PS, (start_ps + event.duration_ps) // _PS
            yield Event(label, start_ns, end_ns, names[event.metadata_id], told)


def _value(stat: Any, names: dict[int, str]) -> Any:
    which = stat.WhichOneof("value")
    return names.get(stat.ref_value) if which == "ref_value" else getattr(stat, which) if which else None


class _Functions:
    """Which traced function ran when: the calls of the runtime."""

    def __init__(self, events: Sequence[Event]) -> None:
        begin = _compat.EAGER_EVENT
        self._runs = sorted(
            (event.start_ns, event.end_ns, event.name[len(begin) :])
            for event in events
            if event.name.startswith(begin) and event.name[len(begin) :].startswith(_compat.CALL_PREFIXES)
        )
        self._last = 0

    def at(self, time_ns: int) -> str:
        """The function that ran at that moment; asked in the order of time."""
        runs = self._runs
        while self._last + 1 < len(runs) and runs[self._last + 1][0] <= time_ns:
            self._last += 1
        while self._last > 0 and runs[self._last][0] > time_ns:
            self._last -= 1
        for number in range(self._last, max(self._last - 8, -1), -1):
            start_ns, end_ns, name = runs[number] if runs else (0, 0, "")
            if start_ns <= time_ns <= end_ns:
                return name
        return ""


class _Place(NamedTuple):
    frames: tuple[CallFrame, ...]
    fused: tuple[tuple[CallFrame, ...], ...] = ()
    is_backward: bool = False


class _Finder:
    """Where an op comes from."""

    def __init__(
        self,
        nodes: Nodes,
        calls: Calls,
        functions: _Functions,
        programs: dict[tuple[Any, str], tuple[str, ...]],
    ) -> None:
        self._nodes = nodes
        self._calls = calls
        self._functions = functions
        self._programs = programs

    def place(self, op: _Op) -> _Place:
        """The stack of an op: of its node, or of the call from Python."""
        middle_ns = (op.event.start_ns + op.event.end_ns) // 2
        if op.hlo:
            return self._of_hlo(op, middle_ns)
        if op.node:
            made = self._nodes.of(op.node, self._functions.at(middle_ns))
            return self._called(middle_ns) if made is None else _Place(made.frames, (), made.is_backward)
        return self._called(middle_ns, op.name)

    def _called(self, time_ns: int, name: str = "") -> _Place:
        call = self._calls.at(time_ns, name) or self._calls.at(time_ns)
        return _Place(()) if call is None else _Place(self._calls.frames(call), (), call.is_backward)

    def _of_hlo(self, op: _Op, time_ns: int) -> _Place:
        function = self._functions.at(time_ns)
        program = op.event.stats.get("program_id")
        found: list[Made] = []
        for name in self._programs.get((program, op.hlo), ()):
            made = self._nodes.of(name, function)
            if made is not None and made.frames:
                found.append(made)
        around = self._called(time_ns)
        if not found:
            return around
        stacks = tuple(dict.fromkeys(made.frames for made in found))
        is_backward = all(made.is_backward for made in found)
        return _Place(around.frames, stacks, is_backward)


def _on_host(events: Sequence[Event], finder: _Finder) -> list[Kernel]:
    """Ops, each with the time that it spent in no other of its thread."""
    ops = [op for event in events if (op := _op_of(event)) is not None]
    ops.sort(key=lambda op: (op.event.line, op.event.start_ns, -op.event.end_ns))
    own = [op.event.end_ns - op.event.start_ns for op in ops]
    open_ops: list[int] = []
    for number, op in enumerate(ops):
        event = op.event
        while open_ops and not _is_inside(event, ops[open_ops[-1]].event):
            open_ops.pop()
        if open_ops:
            own[open_ops[-1]] -= event.end_ns - event.start_ns
        open_ops.append(number)
    found = []
    for own_ns, op in sorted(zip(own, ops, strict=True), key=lambda item: item[1].event.start_ns):
        place = finder.place(op)
        found.append(_kernel(op, "cpu", max(own_ns, 0), place, Kind.HOST_OP))
    return found


def _is_inside(inner: Event, outer: Event) -> bool:
    return inner.line == outer.line and inner.start_ns < outer.end_ns and inner.end_ns <= outer.end_ns


def _on_device(device: str, event: Event, finder: _Finder) -> Kernel:
    op = _op_of(event) or _Op(event, event.name, "", "")
    told = _NODE.match(str(event.stats.get("tf_op") or event.stats.get("name") or ""))
    if told is not None and not op.hlo:
        op = _Op(event, f"{told['op']}", told["node"], "")
    kind = next(
        (kind for begin, kind in _COPIES.items() if event.name.lower().startswith(begin)), Kind.KERNEL
    )
    return _kernel(op, device, event.end_ns - event.start_ns, finder.place(op), kind)


def _kernel(op: _Op, device: str, duration_ns: int, place: _Place, kind: Kind) -> Kernel:
    event = op.event
    return Kernel(
        device=device,
        stream=event.line,
        start_ns=event.start_ns,
        duration_ns=duration_ns,
        name=event.name if kind is not Kind.HOST_OP else op.name,
        kind=kind,
        op=op.name,
        frames=place.frames,
        fused=place.fused,
        is_backward=place.is_backward,
    )


def _op_of(event: Event) -> _Op | None:
    """The op that an event is; None for what is around ops."""
    name = event.name
    hlo = event.stats.get("hlo_op")
    if hlo:
        return None if name.startswith(_END_OF_THUNK) else _Op(event, str(hlo), "", str(hlo))
    if name.startswith(_compat.EAGER_EVENT):
        op = name[len(_compat.EAGER_EVENT) :]
        return None if op.startswith(_compat.CALL_PREFIXES) else _Op(event, op, "", "")
    found = _NODE.match(name)
    if found is None or found["op"].startswith(_compat.CALL_PREFIXES):
        return None
    return _Op(event, found["op"], found["node"], "")


def _programs(space: Any) -> dict[tuple[Any, str], tuple[str, ...]]:
    """XLA's programs: (program, instruction) -> the nodes that it was made from."""
    found: dict[tuple[Any, str], tuple[str, ...]] = {}
    for plane in space.planes:
        if plane.name != _compat.METADATA_PLANE:
            continue
        for number, metadata in plane.event_metadata.items():
            for stat in metadata.stats:
                if plane.stat_metadata[stat.metadata_id].name == _compat.HLO_STAT:
                    module = _compat.HLO.get().FromString(stat.bytes_value).hlo_module
                    for instruction, names in _origins(module):
                        found[number, instruction] = names
    return found


def _origins(module: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each instruction of a program with the nodes it was made from; of a fusion, those of what it fused."""
    computations = {one.id: one for one in module.computations}
    for computation in module.computations:
        for instruction in computation.instructions:
            named: dict[str, None] = {}
            if instruction.opcode == "fusion":
                for called in instruction.called_computation_ids:
                    inside = computations[called].instructions if called in computations else ()
                    named |= dict.fromkeys(one.metadata.op_name for one in inside if one.metadata.op_name)
            if instruction.metadata.op_name:
                named.setdefault(instruction.metadata.op_name)
            yield instruction.name, tuple(named)

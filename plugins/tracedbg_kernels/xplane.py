"""XSpace files (`*.xplane.pb`), as the profilers of TensorFlow and JAX write them.

A kernel names its instruction and program, and the program's own record has the lines; TensorFlow's names its
node. It must not know how a line is found.
"""

from __future__ import annotations

import re
from operator import attrgetter
from typing import TYPE_CHECKING, ClassVar

from tracedbg.errors import TraceFileError
from tracedbg.kernels import CallFrame, Damage, Kernel, Kind, Launch, ThreadKey, Timeline
from tracedbg_kernels.columns import Names, launches_work, sort_spans
from tracedbg_kernels.hlo import Program
from tracedbg_kernels.inflate import Blocks
from tracedbg_kernels.planes import planes_of
from tracedbg_kernels.wire import BrokenWireError

if TYPE_CHECKING:
    from tracedbg_kernels.hlo import Instruction
    from tracedbg_kernels.planes import Event, Line, Plane, Value

_BLOCK_BYTES = 16 << 20
_DEVICE = re.compile(r"/device:(?:GPU|TPU|XPU):\d+")
_STREAM = re.compile(r"Stream|XLA Ops$")
_PROGRAMS = "/host:metadata"
_HOST = "/host:CPU"
_PYTHON = re.compile(r"\$(?P<file>.*?):(?P<line>\d+) (?P<function>.+)", re.DOTALL)
_NODE = re.compile(r"(?P<node>[\w.][\w./-]*):(?P<op>[A-Za-z_]\w*)")
_EAGER = "EagerLocalExecute: "
_CALLS = ("__inference_", "__forward_", "__backward_", "PartitionedCall", "StatefulPartitionedCall")
"""Calls of whole graphs: their time is that of the nodes, which other threads run."""
_BACKWARD = re.compile(r"transpose\(jvp\(|(?:^|/)gradient_tape/|/gradients/")
_XLA = "XlaModule"


class XplaneSource:
    """Reads what `jax.profiler` and `tf.profiler.experimental` write."""

    name: ClassVar[str] = "xplane"

    def recognises(self, file: str, head: bytes) -> bool:
        """By its ending, or by the name of its first plane."""
        return file.endswith(".pb") or (head[:1] == b"\n" and (b"/host:" in head or b"/device:" in head))

    def read(self, file: str) -> Timeline:
        """Read all of it.

        Raises:
            TraceFileError: it is no XSpace, or nothing of it ran.
        """
        blocks = Blocks(file, _BLOCK_BYTES)
        data = b"".join(blocks)
        planes, damage = planes_of(data)
        if not any(plane.name for plane in planes):
            raise TraceFileError(f"{file} is no XSpace: it has no planes")
        timeline = _Reading(file, planes).timeline
        broken = [plane for plane in planes if plane.damage is not None]
        damage = damage or [Damage("one of its planes is damaged", plane.damage) for plane in broken]
        timeline.damage = [blocks.damage, *damage] if blocks.damage is not None else damage
        timeline.size_bytes = len(data)
        if not timeline.kernels and not any(len(thread.ops) for thread in timeline.threads.values()):
            told = f" ({timeline.damage[0].message})" if timeline.damage else ""
            raise TraceFileError(f"{file} has neither kernels nor ops{told}")
        return timeline


class _Reading:
    """One reading of one file."""

    def __init__(self, file: str, planes: list[Plane]) -> None:
        self.timeline = Timeline(file, XplaneSource.name, frame_of=_frame_of)
        self._names = Names(self.timeline.names)
        self._programs: dict[Value, Program] = {}
        self._launches: dict[Value, Launch] = {}
        self._ran: set[Value] = set()
        for plane in planes:
            if plane.name == _PROGRAMS:
                self._take_programs(plane)
        for plane in planes:
            if plane.name == _HOST:
                for line in plane.lines:
                    self._take_thread(plane, line)
        self._take_devices([plane for plane in planes if _DEVICE.match(plane.name)])
        for thread in self.timeline.threads.values():
            sort_spans(thread.ops)
            sort_spans(thread.frames)

    def _take_devices(self, planes: list[Plane]) -> None:
        for plane in planes:
            for line in plane.lines:
                if _STREAM.match(line.name):
                    self._take_stream(plane, line)
        self.timeline.kernels.sort(key=attrgetter("start_ns"))
        unused = [launch for number, launch in self._launches.items() if number not in self._ran]
        self.timeline.captured = sorted(
            (launch for launch in unused if launches_work(launch.api)), key=attrgetter("start_ns")
        )

    def _take_programs(self, plane: Plane) -> None:
        for number, stats in plane.metadata():
            data = stats.get("Hlo Proto")
            if isinstance(data, bytes):
                try:
                    self._programs[number] = Program(data)
                except BrokenWireError:
                    continue

    def _instruction(self, stats: dict[str, Value]) -> tuple[Program, Instruction] | None:
        program = self._programs.get(stats.get("program_id", -1))
        instruction = program.instructions.get(str(stats.get("hlo_op"))) if program is not None else None
        return (program, instruction) if program is not None and instruction is not None else None

    def _take_thread(self, plane: Plane, line: Line) -> None:
        key = ThreadKey(plane.name, str(line.number))
        for event in plane.events(line):
            correlation = event.stats.get("correlation_id")
            if correlation is not None:
                before = self._launches.get(correlation)
                if before is None or event.start_ns < before.start_ns:
                    number = correlation if isinstance(correlation, int) else 0
                    self._launches[correlation] = Launch(key, event.start_ns, event.name, "", (), number)
            elif event.name.startswith("$"):
                self._add(key, event, event.name, is_frame=True)
            elif "hlo_op" in event.stats:
                self._take_host_instruction(key, event)
            elif event.name.startswith(_EAGER):
                op = event.name.removeprefix(_EAGER)
                if not op.startswith(_CALLS):
                    self._add(key, event, op)
            else:
                node = _NODE.fullmatch(event.name)
                if node is not None and not node["op"].startswith(_CALLS):
                    self._add(key, event, node["node"])

    def _take_host_instruction(self, key: ThreadKey, event: Event) -> None:
        if event.name.startswith("end: "):
            return
        found = self._instruction(event.stats)
        row = self._add(key, event, (found[1].op_name if found else "") or str(event.stats["hlo_op"]))
        stack = found[0].stack_of(found[1]) if found else ()
        if stack:
            self.timeline.thread(key).ops.stacks[row] = stack

    def _add(self, key: ThreadKey, event: Event, name: str, *, is_frame: bool = False) -> int:
        thread = self.timeline.thread(key)
        spans = thread.frames if is_frame else thread.ops
        return spans.add(event.start_ns, event.start_ns + event.duration_ns, self._names.row(name))

    def _take_stream(self, plane: Plane, line: Line) -> None:
        for event in plane.events(line):
            stats = event.stats
            correlation = stats.get("correlation_id", -1)
            self._ran.add(correlation)
            found = self._instruction(stats)
            op = _op_name(stats, found[1] if found else None)
            self.timeline.kernels.append(
                Kernel(
                    plane.name.removeprefix("/device:"),
                    line.name,
                    event.start_ns,
                    event.duration_ns,
                    event.name,
                    _kind(event.name),
                    self._launches.get(correlation),
                    op,
                    0,
                    found[0].stack_of(found[1]) if found else (),
                    found[0].fused(found[1]) if found else (),
                    bool(_BACKWARD.search(op)),
                )
            )


def _op_name(stats: dict[str, Value], instruction: Instruction | None) -> str:
    """The op of a kernel, by the framework's own name for it where there is one."""
    if instruction is not None and instruction.op_name:
        return instruction.op_name
    node = str(stats.get("tf_op", ""))
    if node and not node.startswith(_XLA):
        return node.rpartition(":")[0] or node
    return str(stats.get("name") or stats.get("hlo_op") or "")


def _kind(name: str) -> Kind:
    if name.lower().startswith("memcpy"):
        return Kind.COPY
    return Kind.FILL if name.lower().startswith("memset") else Kind.KERNEL


def _frame_of(name: str) -> CallFrame:
    """The frame of `$train.py:12 step`, as a Python tracer writes it: where the function begins."""
    found = _PYTHON.fullmatch(name)
    if found is None:
        return CallFrame("", 0, name.removeprefix("$"))
    return CallFrame(found["file"], int(found["line"]), found["function"])

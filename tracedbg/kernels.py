"""What a profiler's file tells of kernels, whatever its format: kernels, launches, host threads, frames.

A source (see `KernelSource`) reads a file into a `Timeline`; `tracedbg.explain.kernels` joins its parts and
finds the lines. This module must not know any format, nor how a line is found.

All times are integer nanoseconds on the file's own clock. A tuple of `CallFrame` is a stack with the
innermost frame first.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

NO_PARENT = -1
NO_SEQUENCE = -1


class Kind(str, Enum):
    """What occupied the device."""

    KERNEL = "kernel"
    COPY = "copy"
    FILL = "fill"
    HOST_OP = "op"
    """An op on the CPU, with the time that it spent in no other op."""


class CallFrame(NamedTuple):
    """One frame above a launch."""

    file: str
    """As the file has it, often shortened; empty for a C function and for a module."""
    line: int
    """1-based; 0 where there is none."""
    function: str
    is_exact: bool = False
    """Whether `line` is the line that was running; else it is where the function begins."""
    module: str = ""
    """The name of an `nn.Module` (`Linear_3`) whose call this is; then there is no file."""


class ThreadKey(NamedTuple):
    """One thread of the host, by the names that the file has for it."""

    process: str
    thread: str


class Launch(NamedTuple):
    """The call on the host that put work on the device."""

    thread: ThreadKey
    start_ns: int
    api: str
    """`cudaLaunchKernel`, `hipGraphLaunch`."""
    kernel: str = ""
    """The kernel's name, where the file has it at the launch."""
    frames: tuple[CallFrame, ...] = ()
    """The stack, where the file has it at the launch; else it is that of the thread at `start_ns`."""
    correlation: int = 0
    """What all kernels of one launch have in common."""


class Kernel(NamedTuple):
    """One stretch of work on a device."""

    device: str
    stream: str
    start_ns: int
    duration_ns: int
    name: str
    kind: Kind = Kind.KERNEL
    launch: Launch | None = None
    """None where the file has none: mostly as it was made before the recording began."""
    op: str = ""
    """The launching op, where the file names it at the kernel."""
    op_id: int = 0
    """The id of the launching op among `Spans.ids`; 0 if there is none."""
    frames: tuple[CallFrame, ...] = ()
    """The stack, where the file has it at the kernel itself."""
    fused: tuple[tuple[CallFrame, ...], ...] = ()
    """The stacks of what a compiler fused into this kernel, where the file has them."""
    is_backward: bool = False
    """Whether the file itself says that it belongs to a backward pass."""


class Spans:
    """Ops, or Python frames, of one thread: columns in the order of their starts, one row for each.

    Columns rather than objects: a trace of a gigabyte has millions of them.
    """

    def __init__(self) -> None:
        self.start_ns = array("q")
        self.end_ns = array("q")
        self.names = array("I")
        """Rows of `Timeline.names`."""
        self.ids = array("q")
        """The file's own id of each row, as `Kernel.op_id` and `parent_ids` have it; 0 for none.

        This and the columns below may be empty.
        """
        self.parent_ids = array("q")
        """The id of the span that each row is in, 0 for none; where the file knows it. Else nesting tells."""
        self.sequences = array("q")
        """Autograd's sequence number of an op, `NO_SEQUENCE` for none."""
        self.forward_threads = array("q")
        """For an op of a backward pass: autograd's number of the thread of its forward; else 0."""
        self.stacks: dict[int, tuple[CallFrame, ...]] = {}
        """Row -> its stack, where the file has stacks at ops."""
        self.sources: dict[int, str] = {}
        """Row -> the generated file that an op of a compiler runs (Inductor's `kernel_file`)."""

    def __len__(self) -> int:
        return len(self.start_ns)

    def add(self, start_ns: int, end_ns: int, name: int) -> int:
        """Append a row, and give its number; further columns are the caller's to fill."""
        self.start_ns.append(start_ns)
        self.end_ns.append(end_ns)
        self.names.append(name)
        return len(self.start_ns) - 1


@dataclass
class HostThread:
    """What one thread of the host did."""

    ops: Spans = field(default_factory=Spans)
    frames: Spans = field(default_factory=Spans)
    """Calls of Python functions, their names as `Timeline.names` has them: see `Timeline.frame_of`."""


class Damage(NamedTuple):
    """Why something of a file could not be read."""

    message: str
    byte: int | None = None
    """Where it broke, as an offset into the file (after decompression)."""


def no_frame(name: str) -> CallFrame:
    """The frame of a name that only says itself."""
    return CallFrame("", 0, name)


@dataclass
class Timeline:
    """What one file tells."""

    file: str
    source: str
    """The name of the `KernelSource`."""
    kernels: list[Kernel] = field(default_factory=list)
    captured: list[Launch] = field(default_factory=list)
    """Launches that ran no kernel here, in order: those made while a graph was captured are among them."""
    threads: dict[ThreadKey, HostThread] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    """The texts that `Spans.names` has the rows of."""
    forwards: dict[tuple[ThreadKey, int], tuple[ThreadKey, int]] = field(default_factory=dict)
    """Thread and start of an op of a backward pass -> those of the forward op that it belongs to."""
    frame_of: Callable[[str], CallFrame] = no_frame
    """How a name among `HostThread.frames` is read."""
    op_stacks: dict[str, tuple[CallFrame, ...]] = field(default_factory=dict)
    """The stack of an op by its name, where a graph or a sidecar names them."""
    damage: list[Damage] = field(default_factory=list)
    size_bytes: int = 0
    """How much was read, after decompression."""

    def thread(self, key: ThreadKey) -> HostThread:
        """The thread of that name, made where it is new."""
        found = self.threads.get(key)
        if found is None:
            found = self.threads[key] = HostThread()
        return found


@dataclass
class Sidecar:
    """What a live recording knows beyond the profiler's file; see `tracedbg.explain.kernels.sidecar`."""

    call_lines: dict[int, int] = field(default_factory=dict)
    """Start of a call or op, in ns on the file's clock -> the line that the frame around it was on."""
    fused: dict[str, tuple[CallFrame, ...]] = field(default_factory=dict)
    """Name of a compiler's kernel -> the lines that it was fused from."""
    fused_stacks: dict[str, tuple[tuple[CallFrame, ...], ...]] = field(default_factory=dict)
    """The same where whole stacks are known: each innermost first."""
    op_stacks: dict[str, tuple[CallFrame, ...]] = field(default_factory=dict)
    """Name of an op -> its stack: node names of a `tf.function`."""
    files: dict[str, str] = field(default_factory=dict)
    """A file as the profiler shortened it -> its full path."""


class KernelSource(Protocol):
    """Reads one format of file; a class, named in the entry-point group `tracedbg.kernel_sources`."""

    name: ClassVar[str]
    """What `--source` calls it."""

    def recognises(self, file: str, head: bytes) -> bool:
        """Whether `file` looks like its own; `head` is how it begins, after decompression (may be empty)."""

    def read(self, file: str) -> Timeline:
        """All of the file. What is damaged is left out, and told in `Timeline.damage`.

        Raises:
            TraceFileError: there is nothing in it that could be read.
        """


@dataclass(frozen=True)
class KernelsSeen:
    """An event: what a framework's own profiler saw in a stretch of the program's run."""

    profiler: str
    """`torch`, `tensorflow`."""
    kernels: tuple[Kernel, ...] = ()
    start_ns: int = 0
    """Of the stretch, since the run's start. The kernels' own starts are on the profiler's clock."""
    end_ns: int = 0
    steps: int = 0
    """Whole steps in it; 0 where none was told."""
    dropped: int = 0
    """Kernels that were counted, and not kept."""
    note: str = ""
    """Why it is less than was asked for; empty where it is not."""

"""A kernel with the line of Python that it came from, and how that was found. Data only."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tracedbg.kernels import CallFrame, Kernel


class Rule(str, Enum):
    """How the stack of a kernel was found."""

    LAUNCH = "launch"
    """The stack of the thread that launched it, at that moment; or the one that the file has for it."""
    FORWARD = "forward"
    """It is of a backward pass: the stack of the forward op that it belongs to."""
    BACKWARD_CALL = "backward_call"
    """It is of a backward pass whose forward is not known: the stack of the call of `backward()`."""
    FUSED = "fused"
    """A compiler fused it: the lines come from the compiler's own record."""
    REPLAYED = "replayed"
    """A graph replayed it: its lines come from where the graph was captured."""
    ALIGNED = "aligned"
    """It has no launch: the stack is that of the same kernels in a later step."""
    NONE = "none"
    """Nothing is known of where it came from."""


class Whose(str, Enum):
    """How far a kernel could be followed."""

    LINE = "line"
    """To a line of Python outside of the frameworks."""
    LIBRARY = "library"
    """To lines of frameworks only."""
    OP = "op"
    """To an op, and no Python."""
    LAUNCH = "launch"
    """To a launch, and nothing above it."""
    BEFORE = "before"
    """It was launched before the recording began."""


class Attributed(NamedTuple):
    """One kernel, and where it came from."""

    kernel: Kernel
    rule: Rule
    whose: Whose
    lines: tuple[CallFrame, ...] = ()
    """The user's line; several for a fused kernel, which share its time evenly.

    Of `Whose.LIBRARY`: the library's innermost.
    """
    frames: tuple[CallFrame, ...] = ()
    """The whole stack, innermost first."""
    op: str = ""
    is_backward: bool = False
    backward_call: CallFrame | None = None
    """The user's line that called `backward()`, for a kernel of a backward pass."""
    is_inferred: bool = False
    """Whether the line was found by likeness with other kernels, rather than told by the file."""

    @property
    def duration_ns(self) -> int:
        """How long the kernel ran."""
        return self.kernel.duration_ns

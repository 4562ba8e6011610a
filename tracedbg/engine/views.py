"""What the engine sees of a program: walks, and the points of a walk where it may stop.

Adapters implement these; values in them are the program's own, and must not outlive the stop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tracedbg.events import OpSite


class CannotAssignError(Exception):
    """A variable that cannot be set here; the text says why."""


class FrameView(Protocol):
    """One frame of a stack: a line of a traced function, or a real Python frame."""

    @property
    def function(self) -> str:
        """The qualified name."""

    @property
    def file(self) -> str:
        """The user's file."""

    @property
    def line(self) -> int:
        """1-based."""

    @property
    def is_traced(self) -> bool:
        """Whether it stands for a line that a framework traced, and is not running as Python."""

    def variables(self) -> Mapping[str, Any]:
        """The locals by the user's names, with their real values; what is not computed yet is not in it."""

    def names(self) -> Mapping[str, Any]:
        """The globals, for evaluating expressions."""

    def assign(self, name: str, value: object) -> None:
        """Set a local, so that what runs later sees it.

        Raises:
            CannotAssignError: it is not a value of the graph.
        """


class OpView(Protocol):
    """One op of a walk, before or after it has run."""

    @property
    def site(self) -> OpSite:
        """What it is, and which line made it."""

    @property
    def index(self) -> int:
        """Its position in `Walk.sites`."""

    def inputs(self) -> Sequence[tuple[str, Any]]:
        """Its inputs by name, with their real values."""

    def outputs(self) -> Sequence[tuple[str, Any]]:
        """Its outputs; empty before it has run."""


class Walk(Protocol):
    """One call of a compiled function that is run op by op."""

    @property
    def function(self) -> str:
        """The user's function."""

    @property
    def graph(self) -> str:
        """Which graph of it: `0/1 forward`, `__inference_step_12`."""

    @property
    def sites(self) -> Sequence[OpSite]:
        """All its ops, in the order in which they run where nothing branches."""

    @property
    def notes(self) -> Sequence[str]:
        """Where the real compiled code could differ from what is shown."""


class View(Protocol):
    """A point at which a walk, or eager code, may stop."""

    @property
    def walk(self) -> Walk | None:
        """None in eager code."""

    @property
    def depth(self) -> int:
        """How many frames there are, real and inlined: a callee's is greater than its caller's."""

    @property
    def file(self) -> str:
        """The file of the innermost frame; as a real path."""

    @property
    def line(self) -> int:
        """Its line."""

    @property
    def op(self) -> OpView | None:
        """The op that is about to run, or has just run; None at a line."""

    @property
    def iteration(self) -> int | None:
        """Turn of the innermost loop of the graph, from 0; None outside of one."""

    def frames(self) -> Sequence[FrameView]:
        """The stack, innermost first: traced lines, their inlined callers, then Python's own frames."""


@dataclass(frozen=True)
class Stop:
    """A thread that stands still."""

    thread_id: int
    reason: str
    """In the Debug Adapter Protocol's words: `breakpoint`, `function breakpoint`, `instruction breakpoint`,
    `exception`, `step`, `pause`, `entry`."""
    view: View
    text: str = ""
    """For a person: what was found."""
    breakpoint_ids: tuple[int, ...] = ()
    filter: str = ""
    """The filter that stopped it, where the reason is `exception`."""

"""What adapters and the debugger know of each other: views of lines and ops, and when to ask.

An adapter turns a call of a compiled function into a walk over its op sites while something is armed
on it, and asks the `Debugger` at each line and op; whoever implements that may block the thread.
It must not know frameworks, breakpoints, protocols or screens. Values in views are the program's own,
and must not outlive the stop.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from types import CodeType, ModuleType

    from tracedbg.events import Frame, OpSite
    from tracedbg.hooks import Hooks
    from tracedbg.tensors import Tensors


class CannotAssignError(Exception):
    """A variable that cannot be set here; the text says why."""


class FrameView(Protocol):
    """One frame of a stack: a line of a traced function, or a real Python frame."""

    @property
    def function(self) -> str:
        """The qualified name."""

    @property
    def file(self) -> str:
        """The source file; the user's, not a generated one, where there are both."""

    @property
    def line(self) -> int:
        """1-based."""

    @property
    def is_traced(self) -> bool:
        """Whether it stands for a line that a framework traced, and is not running as Python."""

    @property
    def is_user(self) -> bool:
        """Whether it is the user's own code, and not a library's."""

    def variables(self) -> Mapping[str, Any]:
        """The locals by the user's names, with their real values; what is not computed yet is not in it."""

    def names(self) -> Mapping[str, Any]:
        """The globals, for evaluating expressions."""

    def assign(self, name: str, value: object) -> None:
        """Set a local, so that what runs later sees it.

        Raises:
            CannotAssignError: it cannot be set; says why.
        """


@runtime_checkable
class KnowsMakers(Protocol):
    """A `FrameView` that knows which ops of the graph have made its locals."""

    def makers(self) -> Mapping[str, str]:
        """Name of a local -> `OpSite.name` of the one op that made its value, where there is such an op."""


class OpView(Protocol):
    """One op, before or after it has run."""

    @property
    def site(self) -> OpSite:
        """What it is, and which line made it."""

    @property
    def index(self) -> int:
        """Its position in `Walk.sites`; in eager code, how many ops the thread has run since it was armed."""

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
        """Which graph of it, the same in each call: `0/1 forward`, `__inference_step_12`."""

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
        """How many frames there are: `frames.depth_of` the real one, and one for each traced frame on it."""

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

    @property
    def is_backward(self) -> bool:
        """Whether it is in a backward; `file` and `line` are then those of the forward."""

    def frames(self) -> Sequence[FrameView]:
        """The stack, innermost first: traced lines, their inlined callers, then Python's own frames."""


@dataclass(frozen=True)
class Outline:
    """Where a graph could be stopped in: enough to decide whether a call of it has to be a walk."""

    function: str
    graph: str
    """As `Walk.graph`."""
    lines: frozenset[tuple[str, int]]
    """(real path, line) of each line that a walk will ask about, callees and loop bodies included."""
    ops: frozenset[str]
    """Names of its ops, as `OpSite.op`."""
    spans: tuple[tuple[str, int, int], ...] = ()
    """(real path, first line, last line) of the functions that were traced: a breakpoint in one of them, on a
    line of which nothing is left in the graph, is moved to the next line that is in `lines`."""


class Debugger(Protocol):
    """The debugger, as adapters see it. Every method is safe in any thread.

    A method that may stop returns when a person has said how to go on; it raises `KeyboardInterrupt`
    if they have said to abort, which an adapter lets through to the user's program.
    """

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener`, in whatever thread, when the answers of `wants_...` and `may_...` may differ."""

    def on_go(self, listener: Callable[[], None]) -> None:
        """Call `listener` in a thread that is about to go on from a stop, stepping or not."""

    def add_outline(self, outline: Outline) -> None:
        """A graph has come to exist, that can be walked: breakpoints are bound to it."""

    def add_tensors(self, tensors: Tensors) -> None:
        """How to look at one framework's tensors."""

    def add_tracing(self, where: Callable[[], Frame | None]) -> None:
        """How to know which of the user's lines this thread is tracing; None while it traces nothing."""

    def may_walk(self, outline: Outline) -> bool:
        """Whether any thread could want a walk: arm it, so that `wants_walk` is asked at each call."""

    def wants_walk(self, outline: Outline, depth: int = sys.maxsize) -> bool:
        """Whether the call that is about to be made in this thread is to be a walk.

        Args:
            outline: of the graph that is called.
            depth: `View.depth` of its first line, where that is known: a step over or out that began as deep,
                in another graph of the same function, ends in this one.
        """

    def may_stop_at_ops(self) -> bool:
        """Whether any thread could stop at an eager op: by its name, what it makes, or a step."""

    def lines_in(self, file: str) -> frozenset[int]:
        """The lines of a file (real path) that have breakpoints."""

    def files(self) -> frozenset[str]:
        """The files (real paths) that have breakpoints on lines."""

    def is_stepping(self) -> bool:
        """Whether this thread could stop at any Python line: it is stepping, or is to pause."""

    def stepping(self) -> frozenset[int]:
        """The threads of which `is_stepping` is true, or will be when nothing is suspended there."""

    def add_generated(self, code: CodeType) -> None:
        """A framework has made this code out of the user's, whose file it names: it is not stopped in."""

    def is_generated(self, code: CodeType) -> bool:
        """Whether `add_generated` has been told of it."""

    def add_own_code(self, code: CodeType) -> None:
        """A function of ours that Python calls amid the user's code: who compiles frames leaves it alone."""

    def own_code(self) -> frozenset[CodeType]:
        """All that `add_own_code` has been told of; more of it makes a change, see `on_change`."""

    def looks_at_line(self, file: str, line: int) -> bool:
        """Whether `line` could do anything there, in this thread: else a view need not be made."""

    def looks_at_ops(self) -> bool:
        """Whether `before_op` and `after_op` could do anything in this thread: likewise."""

    def stops_in_backward(self, file: str, line: int) -> bool:
        """Whether a breakpoint of that line, by its condition, is about the backward of it as well."""

    def enter(self, view: View) -> None:
        """A walk begins; may stop."""

    def line(self, view: View) -> None:
        """The thread is about to run a line; may stop."""

    def before_op(self, view: View) -> None:
        """The thread is about to run an op; may stop."""

    def after_op(self, view: View) -> None:
        """An op has run, its outputs are there; may stop, at a NaN for example."""

    def failed(self, view: View, error: BaseException) -> None:
        """An op has raised, and `view` is before it; may stop. The adapter raises the error on."""

    def wants(self, name: str) -> bool:
        """Whether this thread stops at an event of `engine.FILTERS`: only then look for it."""

    def happened(self, name: str, view: View, text: str) -> None:
        """An event of `engine.FILTERS` has happened; may stop."""

    def walking(self) -> AbstractContextManager[None]:
        """This thread runs the ops of a walk inside: they are no eager ops of the program's."""

    def is_walking(self) -> bool:
        """Whether it is."""

    def suspended(self) -> AbstractContextManager[None]:
        """Nothing stops in this thread inside: our own work, and Python that only traces."""


class Walker(Protocol):
    """What makes one tracing system's code, or eager code, stop. It has no state until it is attached."""

    name: str
    modules: tuple[str, ...]
    """Attach when the first of these has been imported by the program; `sys` is there at once."""

    def attach(self, module: ModuleType, hooks: Hooks, debugger: Debugger) -> None:
        """Install what it needs; `hooks` removes it again.

        Nothing that it installs may cost a call anything while `debugger` wants nothing.

        Args:
            module: the member of `modules` that has just been imported.
            hooks: where to install.
            debugger: whom to ask.
        """

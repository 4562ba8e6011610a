"""What a stop in TorchScript shows: frames with their variables, the op, the stack around them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_script.walk import _compat
from tracedbg.adapters.torch_script.walk.operations import converter, is_script_object
from tracedbg.adapters.torch_script.walk.places import globals_of
from tracedbg.debugging import CannotAssignError
from tracedbg.events import Frame
from tracedbg.frames import depth_of, python_stack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import FrameType

    from tracedbg.adapters.torch_script.walk.places import Place
    from tracedbg.adapters.torch_script.walk.routine import Routine, Step
    from tracedbg.debugging import FrameView
    from tracedbg.events import OpSite


class Running:
    """One call of a routine, while it runs."""

    def __init__(self, routine: Routine, base: int, caller: Running | None) -> None:
        self.routine = routine
        self.base = base
        """Position in the walk of its first step."""
        self.caller = caller
        self.chain: tuple[Place, ...] = ()
        """The line it is at."""
        self.step: Step | None = None
        self.values: dict[str, Any] = {}
        self.names: dict[str, str] = {}
        """By the user's name, which value that is now."""
        self.constants: dict[str, tuple[int, str]] = {}
        """By the user's name: a constant of it, and the line that it is set at."""
        self.iterations: list[int] = []

    def frame(self) -> Frame | None:
        """The line it is at."""
        if not self.chain:
            return None
        place = self.chain[0]
        return Frame(place.file, place.line, place.function or self.routine.function)

    @property
    def is_traced(self) -> bool:
        """Whether its line comes with those of its callers."""
        return bool(self.chain) and bool(self.chain[0].function)


class ScriptFrame:
    """A `FrameView` of a line of TorchScript."""

    is_traced = True

    def __init__(self, place: Place, function: str, running: Running | None) -> None:
        self.file, self.line, self.function = place.file, place.line, place.function or function
        self.is_user = place.is_user
        self._running = running

    def variables(self) -> Mapping[str, Any]:
        """See `FrameView`; the same for the methods below."""
        running = self._running
        if running is None:
            return {}
        names = {
            name: value
            for name, (line, value) in running.constants.items()
            if line < self.line and name not in running.names
        }
        names.update(running.names)
        return {
            name: _shown(running.values[value]) for name, value in names.items() if value in running.values
        }

    def makers(self) -> Mapping[str, str]:
        """See `KnowsMakers`."""
        return {} if self._running is None else dict(self._running.names)

    def names(self) -> Mapping[str, Any]:  # noqa: D102
        return globals_of(self.file)

    def assign(self, name: str, value: object) -> None:  # noqa: D102
        running = self._running
        if running is None or name not in {*running.names, *running.constants}:
            raise CannotAssignError(f"no variable named {name!r} in {self.function}")
        target = running.names.get(name)
        if target is None:
            raise CannotAssignError(f"{name!r} is a constant of the graph")
        kind = running.routine.types[target]
        if is_script_object(running.values[target]) or kind.kind() == "ClassType":
            raise CannotAssignError(f"{name!r} is an object of type {kind.str()}, of which there is no other")
        try:
            running.values[target] = converter(kind)(value)
        except Exception as error:
            raise CannotAssignError(
                f"{name!r} has to be of type {kind.str()}: {_first_line(error)}"
            ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]


def _shown(value: Any) -> Any:
    """A module as Python knows it."""
    import torch

    if isinstance(value, torch._C.ScriptModule):
        return _compat.WRAP_MODULE.get()(value)
    return value


class ScriptOp:
    """An `OpView`."""

    def __init__(self, step: Step, index: int, values: Sequence[Any], made: Sequence[Any] = ()) -> None:
        self.site: OpSite = step.site
        self.index = index
        self._step = step
        self._values = values
        self._made = made

    def inputs(self) -> Sequence[tuple[str, Any]]:
        """See `OpView`; the same for `outputs`."""
        return list(zip(self._step.input_names, self._values, strict=False))

    def outputs(self) -> Sequence[tuple[str, Any]]:  # noqa: D102
        return list(zip(self._step.outputs, self._made, strict=False))


@dataclass(frozen=True)
class ScriptWalk:
    """A `Walk`."""

    function: str
    graph: str
    sites: tuple[OpSite, ...]
    notes: tuple[str, ...]

    def index_of(self, op: str, file: str, line: int) -> int:
        """The position of the first op of that name on a line; -1 if torch has made it of others."""
        return self._numbers.get((op, file, line), -1)

    @cached_property
    def _numbers(self) -> dict[tuple[str, str, int], int]:
        found: dict[tuple[str, str, int], int] = {}
        for number, site in enumerate(self.sites):
            found.setdefault((site.op, site.file, site.line), number)
        return found


class ScriptView:
    """A `View` of a walk at a line or an op."""

    is_backward = False

    def __init__(
        self, walk: ScriptWalk, running: Running, python: FrameType | None, op: ScriptOp | None = None
    ) -> None:
        self.walk = walk
        self.op = op
        self._running = running
        self._python = python
        self._traced = _stack(running)

    @property
    def depth(self) -> int:
        """See `View`; the same for the members below."""
        return depth_of(self._python) + len(self._traced)

    @property
    def file(self) -> str:  # noqa: D102
        return self._traced[0].file if self._traced else ""

    @property
    def line(self) -> int:  # noqa: D102
        return self._traced[0].line if self._traced else 0

    @property
    def iteration(self) -> int | None:  # noqa: D102
        at: Running | None = self._running
        while at is not None:
            if at.iterations:
                return at.iterations[-1]
            at = at.caller
        return None

    def frames(self) -> Sequence[FrameView]:  # noqa: D102
        return [*self._traced, *python_stack(self._python)]


def _stack(running: Running) -> list[ScriptFrame]:
    found: list[ScriptFrame] = []
    at: Running | None = running
    covered = False
    while at is not None:
        if not (covered and at.is_traced):
            for number, place in enumerate(at.chain):
                found.append(ScriptFrame(place, at.routine.function, at if number == 0 else None))
        covered = at.is_traced
        at = at.caller
    return found

"""torch's own interpreter, paused at each op: the exact script stack and the op's values, and no variables.

For what cannot be walked, and for whoever asked about ops only: it is the optimised graph that runs.
"""

from __future__ import annotations

import functools
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_common.numbers import as_tensors, check
from tracedbg.adapters.torch_common.running import at
from tracedbg.adapters.torch_script.walk import _compat
from tracedbg.adapters.torch_script.walk.places import Place, function_at
from tracedbg.adapters.torch_script.walk.views import ScriptFrame
from tracedbg.events import Frame, OpSite
from tracedbg.frames import depth_of, python_stack, real_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

    from tracedbg.adapters.torch_script.walk.views import ScriptWalk
    from tracedbg.debugging import Debugger, FrameView
    from tracedbg.hooks import Hooks


def script_stack() -> list[Place]:
    """The lines of TorchScript that this thread is running, innermost first."""
    found = _compat.SYMBOLIZE.get()([_compat.GATHER.get()(python=False, script=True, cpp=False)])[0]
    return [
        _place(real_path(frame["filename"]), frame["line"], frame["name"])
        for frame in found
        if frame["filename"] and frame["line"]
    ]


def _place(file: str, line: int, name: str) -> Place:
    """With the function's name as the user has it, if the file is there."""
    around = function_at(file, line)
    return Place(file, line, around[2] if around is not None else name)


class PausedFrame(ScriptFrame):
    """A line of a script whose variables torch keeps to itself."""

    def __init__(self, place: Place) -> None:
        super().__init__(place, place.function, None)


class PausedOp:
    """An `OpView` of an op that torch's interpreter runs."""

    def __init__(  # noqa: PLR0913, PLR0917  all that makes an op
        self, function: Any, index: int, args: Any, kwargs: Any, place: Place | None, made: Any = None
    ) -> None:
        self._schema = function._schema
        self._values = *args, *kwargs.values()
        self._names = (*(one.name for one in self._schema.arguments[: len(args)]), *kwargs)
        self._made = made
        self.index = index
        file, line = (place.file, place.line) if place else ("", 0)
        self.site = OpSite(str(function), self._schema.name, tuple(self._names), "", file, line)

    def inputs(self) -> Sequence[tuple[str, Any]]:
        """See `OpView`; the same for `outputs`."""
        return list(zip(self._names, self._values, strict=False))

    def outputs(self) -> Sequence[tuple[str, Any]]:  # noqa: D102
        if self._made is None:
            return []
        made = self._made if isinstance(self._made, (tuple, list)) else [self._made]
        returns = self._schema.returns
        return [
            ((returns[at].name if at < len(returns) else "") or f"out{at}", value)
            for at, value in enumerate(made)
        ]


class PausedView:
    """A `View` of torch's interpreter."""

    iteration = None
    is_backward = False

    def __init__(
        self, walk: ScriptWalk, stack: list[Place], python: FrameType | None, op: PausedOp | None
    ) -> None:
        self.walk = walk
        self.op = op
        self._stack = stack
        self._python = python

    @property
    def depth(self) -> int:
        """See `View`; the same for the members below."""
        return depth_of(self._python) + len(self._stack)

    @property
    def file(self) -> str:  # noqa: D102
        return self._stack[0].file if self._stack else ""

    @property
    def line(self) -> int:  # noqa: D102
        return self._stack[0].line if self._stack else 0

    def frames(self) -> Sequence[FrameView]:  # noqa: D102
        return [*(PausedFrame(place) for place in self._stack), *python_stack(self._python)]


class _Asking:
    """Asks the debugger at each op of one call."""

    def __init__(
        self, walk: ScriptWalk, debugger: Debugger, python: FrameType | None, ask: Callable[..., Any]
    ) -> None:
        self._walk = walk
        self._debugger = debugger
        self._ask = ask
        self._python = python
        self._at: list[Place] = []
        self.abort: BaseException | None = None
        """What the person at the debugger wants raised: torch's interpreter makes something else of it."""

    def run(self, function: Any, args: Any, kwargs: Any) -> Any:
        try:
            return self._run(function, args, kwargs)
        except KeyboardInterrupt as error:
            self.abort = error
            raise

    def _run(self, function: Any, args: Any, kwargs: Any) -> Any:
        debugger, stack = self._debugger, self._ask("script stack", script_stack)
        if not stack:  # not the program's: torch optimises a graph, and compares its constants
            return function(*as_tensors(function, args), **kwargs)
        place = stack[0]
        op = self._ask("paused op", self._op, function, args, kwargs, place)
        if op is None:
            return function(*as_tensors(function, args), **kwargs)
        view = PausedView(self._walk, stack, self._python, op)
        if stack != self._at:
            self._at = stack
            self._ask("line at", debugger.line, PausedView(self._walk, stack, self._python, None))
        self._ask("before op", debugger.before_op, view)
        try:
            with debugger.walking(), at(Frame(place.file, place.line, place.function)):
                made = function(*as_tensors(function, args), **kwargs)
        except Exception as error:
            self._ask("failed op", debugger.failed, view, error)
            raise
        after = self._ask("paused op", PausedOp, function, op.index, args, kwargs, place, made)
        if after is not None:
            self._ask("after op", debugger.after_op, PausedView(self._walk, stack, self._python, after))
        return made

    def _op(self, function: Any, args: Any, kwargs: Any, place: Place) -> PausedOp:
        index = self._walk.index_of(function._schema.name, place.file, place.line)
        return PausedOp(function, index, args, kwargs, place)


@functools.cache
def _mode() -> Any:
    """The mode's class, made when torch is there."""
    check()
    found, name = _compat.DISPATCH_MODE.find()
    owner: Any = found

    class Paused(owner):  # type: ignore[misc]  # known while it runs only
        def __init__(self, asking: _Asking) -> None:
            super().__init__()
            self._asking = asking

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            return self._asking.run(func, args, kwargs or {})

    setattr(Paused, name, classmethod(lambda _: True))
    return Paused


@contextmanager
def pausing(walk: ScriptWalk, debugger: Debugger, python: FrameType | None, hooks: Hooks) -> Iterator[None]:
    """Inside, torch's interpreter asks the debugger at each op of this thread.

    Raises:
        KeyboardInterrupt: the person at the debugger has said to abort.
    """
    asking = _Asking(walk, debugger, python, hooks.safely)
    mode = hooks.safely("pausing", _mode)
    try:
        with nullcontext() if mode is None else mode(asking):
            yield
    except Exception:
        if asking.abort is not None:
            raise KeyboardInterrupt from None
        raise

"""The walker attached to an engine with a frontend that answers from a list."""

from __future__ import annotations

import inspect
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapters.sink import ListSink
from tracedbg.adapters.torch_compile.walk import TorchCompileWalker
from tracedbg.engine import Action, Breakpoint, Engine, Go
from tracedbg.events import Fault
from tracedbg.hooks import Hooks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass
class Seen:
    """What there was to see at a stop; the stop itself keeps no values."""

    reason: str
    line: int
    function: str
    op: str
    depth: int
    iteration: int | None
    variables: dict[str, Any]
    stack: list[tuple[str, int, bool]]
    inputs: dict[str, Any] = field(default_factory=dict)
    thread_id: int = 0


class Script:
    """Answers from a list, then always the same; remembers what was to be seen at each stop."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.otherwise = Go.CONTINUE
        self.stops: list[Seen] = []
        self.said: list[str] = []
        self.at_stop: Callable[[Any], None] | None = None

    def interact(self, stop):
        view = stop.view
        frames = view.frames()
        top = frames[0]
        self.stops.append(
            Seen(
                stop.reason,
                view.line,
                top.function,
                "" if view.op is None else view.op.site.op,
                view.depth,
                view.iteration,
                {name: plain(value) for name, value in top.variables().items()},
                [(frame.function, frame.line, frame.is_traced) for frame in frames if frame.is_user],
                {} if view.op is None else {name: plain(value) for name, value in view.op.inputs()},
                stop.thread_id,
            )
        )
        if self.at_stop is not None:
            self.at_stop(stop)
        answer = self.answers.pop(0) if self.answers else self.otherwise
        return answer if isinstance(answer, Action) else Action(answer)

    def say(self, text, stop=None):
        self.said.append(text)

    @property
    def lines(self):
        return [seen.line for seen in self.stops]

    def take(self):
        """The stops since the last time."""
        found, self.stops = self.stops, []
        return found


class Reader(Script):
    """Reads all that a stop shows, and goes into everything."""

    def __init__(self) -> None:
        super().__init__()
        self.otherwise = Go.INTO
        self.count = 0

    def interact(self, stop):
        view = stop.view
        assert view.frames()[0].line == view.line
        assert view.depth > 0
        for frame in view.frames():
            if frame.is_traced:
                repr({name: plain(value) for name, value in frame.variables().items()})
                frame.names()
        if view.op is not None:
            assert view.walk.sites[view.op.index] == view.op.site
            [plain(value) for _, value in (*view.op.inputs(), *view.op.outputs())]
        self.count += 1
        return Action(self.otherwise)


@dataclass
class Attached:
    engine: Engine
    script: Script
    hooks: Hooks
    sink: ListSink

    def line(self, function, marker, **given):
        """A breakpoint at the line of `function` that has `# @marker`."""
        number = line_of(function, marker)
        file = inspect.getsourcefile(inspect.unwrap(function))
        return self.engine.breakpoints.add(Breakpoint(file=file, line=number, **given))

    @property
    def faults(self):
        return self.sink.of(Fault)


@contextmanager
def walking(module, script: Script | None = None, faults: int = 0) -> Iterator[Attached]:
    """Attach the walker; afterwards, check how many faults of ours there were."""
    sink = ListSink()
    script = script or Script()
    engine = Engine(script)
    hooks = Hooks(sink, TorchCompileWalker.name)
    try:
        TorchCompileWalker().attach(module, hooks, engine)
        yield Attached(engine, script, hooks, sink)
    finally:
        hooks.remove()
    found = sink.of(Fault)
    assert len(found) == faults, found


def arm_everything(engine: Engine, *files: str) -> None:
    """Stop at each op, and at each line of these files."""
    engine.breakpoints.add(Breakpoint(op_pattern="*"))
    for file in files:
        for line in range(1, len(Path(file).read_text().splitlines()) + 1):
            engine.breakpoints.add(Breakpoint(file=file, line=line))


def line_of(function: Any, marker: str) -> int:
    """The line of `function` that has `# @marker`."""
    lines, first = inspect.getsourcelines(function)
    (found,) = [first + at for at, text in enumerate(lines) if text.rstrip().endswith(f"# @{marker}")]
    return found


def plain(value: Any) -> Any:
    """A value without tensors."""
    import torch

    if isinstance(value, torch.Tensor):
        if torch._C._functorch.is_functorch_wrapped_tensor(value):
            return f"wrapped {tuple(value.shape)}"
        return value.detach().tolist() if value.numel() < 50 else f"{value.dtype} {tuple(value.shape)}"
    if type(value) in (list, tuple, set):
        return type(value)(plain(item) for item in value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return type(value).__name__

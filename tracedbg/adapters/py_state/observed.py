"""What the user's functions read and did while one trace was made, and what has become of it since.

Values are kept as text, objects by weak reference: nothing of the user's lives longer because of it.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass, replace
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.py_state.conditions import decide
from tracedbg.adapters.py_state.draws import is_drawing, is_drawing_function
from tracedbg.adapters.py_state.facts import NOTHING
from tracedbg.adapters.py_state.reading import facts_of
from tracedbg.adapters.py_state.state import MISSING, follow, length_of, text_of
from tracedbg.events import Frame
from tracedbg.source import code_name, is_user_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import CodeType

    from tracedbg.adapters.py_state.facts import Draw, Effect, Path, Read, Span, Test
    from tracedbg.adapters.py_state.state import Step

    Way = Callable[[], Any]
    Lines = Mapping[str, Iterable[int]]
    """The user's lines that made ops, by file."""

_SYMBOLIC = "SymbolicTensor"


@dataclass(frozen=True)
class Found:
    """Something stale; the fields are those of `events.Stale`."""

    kind: str
    name: str
    frame: Frame
    then: str
    now: str


@dataclass(eq=False)
class _KeptRead:
    """A value that was read, as it was then."""

    read: Read
    way: Way
    frame: Frame
    then: str
    outcome: Callable[[], bool | None] | None = None
    then_outcome: bool | None = None

    def change(self) -> str:
        """The value now, if a trace made for the one then is wrong; empty while all is well."""
        now = text_of(self.way())
        if now is None or now == self.then:
            return ""
        if self.outcome is not None and self.outcome() in (None, self.then_outcome):
            return ""
        return now


@dataclass(eq=False)
class _KeptEffect:
    """A side effect that is about to happen, with the state that it will change."""

    effect: Effect
    way: Way
    frame: Frame
    before: str


class Observed:
    """All that is noted during one trace."""

    def __init__(self) -> None:
        self._seen: set[tuple[CodeType, int]] = set()
        self._reads: list[_KeptRead] = []
        self._effects: list[_KeptEffect] = []
        self._used: set[Path] = set()
        self._once: list[tuple[Found, list[Span]]] = []
        """Draws and prints: they are stale as soon as the trace is used again, if they ran."""
        self._inner: list[Watch] = []

    def enter(self, function: Any, arguments: Callable[[], Mapping[str, Any]]) -> None:
        """A function of the user's is about to run.

        Args:
            function: the function or method.
            arguments: gives what it is called with, by name; asked only where it matters.
        """
        bound: Any = None
        if isinstance(function, MethodType):
            bound, function = function.__self__, function.__func__
        if not isinstance(function, FunctionType) or not is_user_file(function.__code__.co_filename):
            return
        code = function.__code__
        key = (code, id(bound))
        if key in self._seen:
            return
        self._seen.add(key)
        facts = facts_of(code)
        self._used |= facts.used
        if facts is not NOTHING:
            _Entry(self, function, arguments).note(facts)

    def settle(self, lines: Lines) -> Watch:
        """The trace is done: keep what certainly had a part in it.

        Args:
            lines: the lines that made ops.
        """
        watch = Watch()
        for kept in self._reads:
            if text_of(kept.way()) == kept.then and _ran(kept.read.spans, kept.frame.file, lines):
                watch.reads.append(kept)
        for effect in self._effects:
            found = None if self._is_for_itself(effect.effect) else _happened(effect)
            if found is not None:
                watch.once.append(found)
        watch.once += [found for found, spans in self._once if _ran(spans, found.frame.file, lines)]
        for inner in self._inner:
            watch.reads += [kept for kept in inner.reads if text_of(kept.way()) == kept.then]
            watch.once += inner.once
        return watch

    def _is_for_itself(self, effect: Effect) -> bool:
        """Whether what an effect has set is read in the same trace: then it is a way to hand it on."""
        path = effect.path
        if path is None or effect.how == "add":
            return False
        last = path.steps[-1:] or path.root
        return any(last == path.root == used.root or last in _parts(used) for used in self._used)

    def include(self, inner: Watch) -> None:
        """Another trace was made, or used, during this one."""
        self._inner.append(inner)


def _parts(path: Path) -> list[tuple[Step, ...]]:
    return [path.steps[number : number + 1] for number in range(len(path.steps))]


class _Entry:
    """One function at the moment that it is entered."""

    def __init__(
        self, observed: Observed, function: FunctionType, arguments: Callable[[], Mapping[str, Any]]
    ) -> None:
        self._observed = observed
        self._function = function
        self._ask = arguments
        self._arguments: Mapping[str, Any] | None = None

    def note(self, facts: Any) -> None:
        """Take down what it will read and do."""
        observed = self._observed
        for read in facts.reads:
            way = self._way(read.path)
            then = None if way is None else text_of(way())
            if way is None or then is None:
                continue
            kept = _KeptRead(read, way, self._frame(read.line), then)
            if read.test is not None:
                kept.outcome = self._outcome(read.test)
                kept.then_outcome = kept.outcome()
                if kept.then_outcome is None:
                    continue
            observed._reads.append(kept)
        for draw in facts.draws:
            if self._draws(draw.function):
                observed._once.append(
                    (self._found("random", draw, "drawn while tracing", "the same"), draw.spans)
                )
        for effect in facts.effects:
            if effect.path is None:
                found = self._found("side_effect", effect, "ran while tracing", "did not run")
                observed._once.append((found, effect.spans))
            elif (way := self._way(effect.path)) is not None:
                before = _state(effect, way())
                observed._effects.append(_KeptEffect(effect, way, self._frame(effect.line), before))

    def _found(self, kind: str, what: Draw | Effect, then: str, now: str) -> Found:
        return Found(kind, what.text, self._frame(what.line), then, now)

    def _draws(self, function: Path) -> bool:
        *steps, last = function.steps or (None,)
        if last is None:
            way = self._way(function)
            return way is not None and is_drawing_function(way())
        way = self._way(replace(function, steps=tuple(steps)))
        return way is not None and is_drawing(way(), last.key)

    def _frame(self, line: int) -> Frame:
        code = self._function.__code__
        return Frame(code.co_filename, line, code_name(code))

    def _outcome(self, test: Test) -> Callable[[], bool | None]:
        ways = {node: self._way(path) for node, path in test.paths.items()}

        def outcome() -> bool | None:
            return decide(test.expression, lambda node: way() if (way := ways.get(node)) else MISSING)

        return outcome

    def _way(self, path: Path) -> Way | None:
        if path.scope == "argument":
            return self._way_from_argument(path)
        function = weakref.ref(self._function)
        root, steps = path.root, path.steps
        index = None if path.scope == "global" else self._function.__code__.co_freevars.index(root)

        def way() -> Any:
            found = function()
            if found is None:
                return MISSING
            value = found.__globals__.get(root, MISSING) if index is None else _content(found, index)
            return follow(value, steps)

        return way

    def _way_from_argument(self, path: Path) -> Way | None:
        """From the first object on the way that can be referred to weakly."""
        if self._arguments is None:
            self._arguments = self._ask()
        value = self._arguments.get(path.root, MISSING)
        for number in range(len(path.steps) + 1):
            if type(value).__weakrefoffset__:
                owner, rest = weakref.ref(value), path.steps[number:]
                return lambda: MISSING if (o := owner()) is None else follow(o, rest)
            value = follow(value, path.steps[number : number + 1])
        return None


class Watch:
    """What one finished trace depends on."""

    def __init__(self) -> None:
        self.reads: list[_KeptRead] = []
        self.once: list[Found] = []

    def __bool__(self) -> bool:
        return bool(self.reads or self.once)

    def use(self) -> list[Found]:
        """The trace is used: what is stale about that. Nothing is said twice."""
        found, self.once = self.once, []
        if not self.reads:
            return found
        kept = []
        for item in self.reads:
            now = item.change()
            if now:
                found.append(Found(item.read.path.kind, item.read.path.text, item.frame, item.then, now))
            else:
                kept.append(item)
        self.reads = kept
        return found


def _content(function: FunctionType, index: int) -> Any:
    try:
        return (function.__closure__ or ())[index].cell_contents
    except ValueError:  # not filled yet
        return MISSING


def _ran(spans: Iterable[Span], file: str, lines: Lines) -> bool:
    made = lines.get(file, ())
    return any(first <= line <= last for first, last in spans for line in made)


def _state(effect: Effect, value: Any) -> str:
    """The state that a side effect changes, as far as it tells that it happened; empty where it does not."""
    if effect.how == "mutate":
        length = length_of(value)
        return "" if length is None else f"length {length}"
    if type(value) in (int, float):
        return repr(value)
    return "a symbolic tensor" if type(value).__name__ == _SYMBOLIC else ""


def _happened(kept: _KeptEffect) -> Found | None:
    """What is to be said of a side effect after the trace, if it certainly happened."""
    effect, after = kept.effect, _state(kept.effect, kept.way())
    if effect.how == "assign":
        if after != "a symbolic tensor":
            return None
        return Found("side_effect", effect.text, kept.frame, "assigned while tracing", after)
    if not kept.before or not after or kept.before == after:
        return None
    change = f"{kept.before} to {after.removeprefix('length ')}"
    return Found("side_effect", effect.text, kept.frame, change, after)


def by_name(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a function is called with, by the names of its parameters."""
    code = function.__code__
    return {**dict(zip(code.co_varnames[: code.co_argcount], args, strict=False)), **(kwargs or {})}

"""What each `if`, `while`, `for` and conditional expression became while tracing.

AutoGraph asks a question before it takes each of them one way or the other. The hooks overhear the
questions; they are never on the stack while the user's code runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_common import _compat, running
from tracedbg.adapters.tf_common.stack import UserStack, caller
from tracedbg.adapters.tf_common.weak import WeakTable
from tracedbg.events import Construct

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType

    from tracedbg.events import Frame
    from tracedbg.hooks import Hooks


@dataclass(eq=False)
class _Seen:
    """One construct of the generated code, in one trace."""

    kind: str
    at: Frame
    became: dict[str, None] = field(default_factory=dict)
    """An ordered set: several, where it went different ways at different times."""


class Constructs:
    """Collects constructs during each trace, and reports them, each once, when the trace ends."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._stack = UserStack(hooks.safely("source_maps", _compat.SOURCE_MAPS.get, default={}))
        self._places: WeakTable[dict[tuple[CodeType, int, str], _Seen | None]] = WeakTable()
        self._askers: dict[CodeType, tuple[str, str]] = {}
        self._graph_loops: tuple[tuple[type, str], ...] = ()

    def install(self) -> None:
        """Install the hooks, all or none."""
        self._askers = {
            _compat.IF_STATEMENT.get().__code__: ("if", "cond"),
            _compat.WHILE_STATEMENT.get().__code__: ("while", "while_loop"),
            _compat.IF_EXPRESSION.get().__code__: ("if_exp", "cond"),
        }
        self._graph_loops = (
            (_compat.DISTRIBUTED.get(), "while_loop"),
            (_compat.DISTRIBUTED_DATA.get(), "dataset"),
        )
        dispatch, registry = _compat.DISPATCH.owner(), _compat.LOOP_REGISTRY.owner()
        checker = self._checker(_compat.LOOP_CHECKER.get())
        self._hooks.patch(*dispatch, self._wrap_dispatch)
        self._hooks.patch(*registry, self._wrap_registry)
        _compat.substitute(self._hooks, _compat.LOOP_CHECKER, checker)

    def _wrap_dispatch(self, original: Callable[[Any], bool]) -> Callable[[Any], bool]:
        def is_dense_tensor(value: Any) -> bool:
            dense = original(value)
            frame = caller()
            asker = None if frame is None else self._askers.get(frame.f_code)
            if frame is not None and asker is not None:
                kind, graph = asker
                self._hooks.safely("constructs", self._note, kind, graph if dense else "python", frame.f_back)
            return dense

        return is_dense_tensor

    def _wrap_registry(self, original: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """The first question of a `for`: is there a way for this very type."""
        dense = _compat.DISPATCH.get()

        def lookup(iterated: Any) -> Any:
            asker = caller()
            frame = None if asker is None else asker.f_back
            try:
                found = original(iterated)
            except LookupError:
                became = "while_loop" if dense(iterated) else self._became(iterated)
                self._hooks.safely("constructs", self._note, "for", became, frame)
                raise
            became = "dataset" if "dataset" in found.__name__ else "while_loop"
            self._hooks.safely("constructs", self._note, "for", became, frame)
            return found

        return lookup

    def _became(self, iterated: Any) -> str:
        return next((became for kind, became in self._graph_loops if isinstance(iterated, kind)), "python")

    def _checker(self, original: type) -> type:
        """The class of AutoGraph's loop checkers, one of which notices when its loop runs again."""
        hooks = self._hooks
        note = self._note
        while_statement = _compat.WHILE_STATEMENT.get().__code__

        def start() -> tuple[_Seen | None, int]:
            loop = caller()  # `_py_for_stmt` or `_py_while_stmt`
            statement = None if loop is None else loop.f_back
            if statement is None:
                return None, 0
            # `while_stmt` runs the first iteration before it makes a checker.
            if statement.f_code is while_statement:
                return note("while", "python", statement.f_back), 1
            return note("for", "python", statement.f_back), 2

        class PythonLoopChecker(original):  # type: ignore[misc]
            """TensorFlow's own, and ours beside it."""

            __slots__ = ("_seen", "_until_unrolled")

            def __init__(self) -> None:
                super().__init__()
                self._seen, self._until_unrolled = hooks.safely("constructs", start, default=(None, 0))

            def after_iteration(self) -> None:
                super().after_iteration()
                if self._seen is not None:
                    self._until_unrolled -= 1
                    if self._until_unrolled == 0:
                        self._seen.became["unrolled"] = None
                        self._seen = None

        PythonLoopChecker.__tracedbg__ = hooks.name
        return PythonLoopChecker

    def _note(self, kind: str, became: str, frame: FrameType | None) -> _Seen | None:
        """A construct at the line that `frame`, of generated code, is at."""
        trace = running.innermost()
        if trace is None or frame is None:
            return None
        places = self._places.get(trace)
        if places is None:
            places = self._places.set(trace, {})
            trace.before_end.append(lambda: self._report(trace))
        key = (frame.f_code, frame.f_lineno, kind)
        if key in places:
            seen = places[key]
        else:
            at = self._stack.at(frame)
            seen = places[key] = None if at is None else _Seen(kind, at)
        if seen is not None:
            seen.became[became] = None
        return seen

    def _report(self, trace: running.OpenTrace) -> None:
        said: set[Construct] = set()
        for seen in filter(None, (self._places.get(trace) or {}).values()):
            for became in seen.became:
                if became == "python" and "unrolled" in seen.became:
                    continue
                construct = Construct(
                    seen.at.file, seen.at.line, seen.kind, became, seen.at.function, trace.id
                )
                if construct not in said:
                    said.add(construct)
                    self._hooks.sink.emit(construct)

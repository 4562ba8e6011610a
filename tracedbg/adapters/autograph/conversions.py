"""Which functions AutoGraph converted, into what, and which it could not convert."""

from __future__ import annotations

import inspect
import weakref
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.py_state.observed import by_name
from tracedbg.adapters.tf_common import _compat, running
from tracedbg.adapters.tf_common.stack import caller
from tracedbg.events import Conversion, Fallback, Framework, Traceable
from tracedbg.source import code_name, is_user_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType

    from tracedbg.hooks import Hooks

_MADE_BY_EXEC = "<string>"
_MAX_REASON = 500
_MAX_FRAMES = 6


class Conversions:
    """Reports each function that is converted, once; AutoGraph keeps what it has converted."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._sink = hooks.sink

    def install(self) -> None:
        """Install the hook."""
        self._caller = self._hooks.safely("arguments", lambda: _compat.CONVERTED_CALL.get().__code__)
        self._hooks.patch(*_compat.TRANSPILER.owner(), self._wrap)

    def _wrap(self, original: Callable[..., Any]) -> Callable[..., Any]:
        transpiler = original.__self__  # type: ignore[attr-defined]
        hooks = self._hooks

        def is_new(function: Any, context: Any) -> bool:
            return not transpiler._cache.has(function, transpiler.get_caching_key(context))

        def transform_function(function: Any, user_context: Any) -> Any:
            hooks.safely("stale", self._entered, function)
            if not hooks.safely("conversions", is_new, function, user_context, default=False):
                return original(function, user_context)
            start_ns = self._sink.now_ns()
            made = original(function, user_context)
            duration_ns = self._sink.now_ns() - start_ns
            running.add_conversion(start_ns, duration_ns)
            hooks.safely("conversions", self._report, function, made, duration_ns)
            return made

        return transform_function

    def _entered(self, function: Any) -> None:
        """AutoGraph is about to run what it makes of `function`."""
        trace = running.innermost()
        if trace is not None and trace.observed is not None:
            trace.observed.enter(function, self._arguments_of(function, caller()))

    def _arguments_of(self, function: Any, frame: FrameType | None) -> Callable[[], dict[str, Any]]:
        def arguments() -> dict[str, Any]:
            at = frame
            for _ in range(_MAX_FRAMES):
                if at is None:
                    break
                if at.f_code is self._caller:
                    found = at.f_locals
                    return by_name(inspect.unwrap(function), found["effective_args"], found["kwargs"])
                at = at.f_back
            return {}

        return arguments

    def _report(self, function: Any, made: tuple[Any, Any, dict[Any, Any]], duration_ns: int) -> None:
        _, module, source_map = made
        with open(module.__file__, encoding="utf-8") as text:
            generated = text.read()
        lines = {(origin.loc.lineno, at.lineno) for at, origin in source_map.items()}
        self._sink.emit(
            _conversion(
                function,
                duration_ns,
                source=inspect.getsource(function),
                generated=generated,
                line_map=tuple(sorted(lines)),
            )
        )


class Failures:
    """Reports each function of the user's that AutoGraph wanted to convert and runs as it is, once.

    AutoGraph notes such a function before it runs it; that note is what is seen here. To wrap the call
    itself would put a frame of ours into the user's tracebacks.
    """

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._reported: weakref.WeakSet[CodeType] = weakref.WeakSet()
        self._codes: tuple[CodeType, CodeType]

    def install(self) -> None:
        """Install the hook."""
        self._codes = (_compat.CALL_UNCONVERTED.get().__code__, _compat.FALL_BACK.get().__code__)
        self._hooks.patch(*_compat.LEFT_AS_IS.owner(), self._wrap)

    def _wrap(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def cache_allowlisted(entity: Any, options: Any) -> Any:
            self._hooks.safely("failures", self._note, entity)
            return original(entity, options)

        return cache_allowlisted

    def _note(self, entity: Any) -> None:
        call_unconverted, fall_back = self._codes
        frame = caller()
        asker = None if frame is None or frame.f_code is not call_unconverted else frame.f_back
        if asker is None:
            return
        function = inspect.unwrap(getattr(entity, "__func__", entity))
        code = getattr(function, "__code__", None)
        if code is None:
            return
        if asker.f_code is fall_back:
            error = asker.f_locals["exc"]
            reason = f"{type(error).__name__}: {error}"[:_MAX_REASON]
        elif code.co_filename == _MADE_BY_EXEC:
            reason = "its source is not known: it was made by exec or eval"
        else:
            return
        if code not in self._reported:
            self._reported.add(code)
            self._hooks.sink.emit(_conversion(function, 0, failure=reason))
            self._fall_back(code, reason)

    def _fall_back(self, code: CodeType, reason: str) -> None:
        if is_user_file(code.co_filename):
            name, file, line = code_name(code), code.co_filename, code.co_firstlineno
            function = Traceable(Framework.TF_FUNCTION, name, file, line)
            event = Fallback(function, "unconverted", f"left as it is: {reason}", self._hooks.sink.now_ns())
            self._hooks.sink.emit(event)


def _conversion(function: Any, duration_ns: int, **more: Any) -> Conversion:
    code = function.__code__
    trace = running.innermost()
    return Conversion(
        code_name(code),
        code.co_filename,
        code.co_firstlineno,
        duration_ns,
        trace_id=None if trace is None else trace.id,
        **more,
    )

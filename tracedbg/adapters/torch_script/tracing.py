"""`torch.jit.trace`: each time that a function or method is run to record its operations.

A function's trace is told when `_trace_impl` is over, its check included: before, torch keeps what it made
where nobody else can find it at once. Its time is that of the tracing alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_script.arguments import signature
from tracedbg.adapters.torch_script.compiles import TRACED
from tracedbg.adapters.torch_script.functions import closure_id, plain_function
from tracedbg.events import Role

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from tracedbg.adapters.torch_script.baked import BakedIn
    from tracedbg.adapters.torch_script.compiles import Compile, Compiles, Options
    from tracedbg.events import Signature


class Tracing:
    """Reports what is traced."""

    def __init__(self, compiles: Compiles, baked: BakedIn) -> None:
        self._compiles = compiles
        self._baked = baked

    def scope(self, frame: FrameType) -> Callable[[], object]:  # noqa: ARG002  a hook's signature
        """`torch.jit.trace` is called, in `_trace_impl`."""
        calls, made = self._compiles.thread.trace_calls, list[tuple["Compile", "FrameType"]]()
        calls.append(made)

        def close() -> None:
            calls.remove(made)
            for traced, inside in made:
                self._tell(traced, inside.f_locals.get("traced"))

        return close

    def function(self, frame: FrameType) -> Callable[[], object] | None:
        """A function is traced, by `_trace_impl`."""
        function, calls = frame.f_locals.get("func"), self._compiles.thread.trace_calls
        if function is None or not calls:
            return None  # called by somebody else
        made = calls[-1]
        traced = self._begin(function, frame, ())

        def end() -> None:
            self._end(traced)
            made.append((traced, frame))

        return end

    def method(self, frame: FrameType) -> Callable[[], object] | None:
        """A method of a module is traced, by `trace_module`."""
        found = frame.f_locals
        module, name, made = found.get("mod"), found.get("method_name"), found.get("module")
        if module is None or name is None or made is None:
            return None
        script = made._c
        traced = self._begin(getattr(module, name), frame, (("training", str(module.training)),))

        def end() -> None:
            self._end(traced)
            self._tell(traced, script._get_method(name) if script._has_method(name) else None)

        return end

    def _begin(self, function: Any, frame: FrameType, context: tuple[tuple[str, str], ...]) -> Compile:
        compiles = self._compiles
        seen = compiles.hooks.safely("signature", _signature, function, frame, context)
        traced = compiles.begin(function, closure_id(function), frame, _options(frame), seen)
        self._baked.begin(traced)
        compiles.enter(traced)
        return traced

    def _end(self, traced: Compile) -> None:
        traced.end_ns = self._compiles.sink.now_ns()
        self._compiles.leave(traced)
        self._baked.end(traced)
        if traced.role is not Role.CHECK:
            self._compiles.thread.checked = traced

    def _tell(self, traced: Compile, made: Any) -> None:
        self._compiles.end(traced, compiled=made is not None, graph=lambda: made.inlined_graph)


def _signature(function: Any, frame: FrameType, context: tuple[tuple[str, str], ...]) -> Signature:
    return signature(plain_function(function), frame.f_locals.get("example_inputs"), context)


def _options(frame: FrameType) -> Options:
    found = frame.f_locals
    return (TRACED, *((name, str(found.get(name))) for name in ("check_trace", "strict")))

"""`torch.jit.trace`: each time that a function or method is run to record its operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_script import _compat
from tracedbg.adapters.torch_script.arguments import signature
from tracedbg.adapters.torch_script.functions import closure_id, plain_function
from tracedbg.events import Role

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from tracedbg.adapters.torch_script.baked import BakedIn
    from tracedbg.adapters.torch_script.compiles import Compiles, Options
    from tracedbg.events import Signature

_MANGLED = "___torch_mangle_"


class Tracing:
    """Reports what is traced."""

    def __init__(self, compiles: Compiles, baked: BakedIn) -> None:
        self._compiles = compiles
        self._baked = baked

    def function(self, frame: FrameType) -> Callable[[], object] | None:
        """A function is traced, by `_trace_impl`."""
        found = frame.f_locals
        function, name = found.get("func"), found.get("name")
        if function is None or name is None:
            return None  # called by somebody else
        unit = _compat.PYTHON_UNIT.get()
        before = len(unit.get_functions())

        def result() -> Any:
            made = unit.get_functions()[before:]
            return next((one for one in reversed(made) if _unmangled(one.qualified_name) == name), None)

        return self._begin(function, frame, (), result)

    def method(self, frame: FrameType) -> Callable[[], object] | None:
        """A method of a module is traced, by `trace_module`."""
        found = frame.f_locals
        module, name, made = found.get("mod"), found.get("method_name"), found.get("module")
        if module is None or name is None or made is None:
            return None
        script = made._c

        def result() -> Any:
            return script._get_method(name) if script._has_method(name) else None

        context = (("training", str(module.training)),)
        return self._begin(getattr(module, name), frame, context, result)

    def _begin(
        self,
        function: Any,
        frame: FrameType,
        context: tuple[tuple[str, str], ...],
        result: Callable[[], Any],
    ) -> Callable[[], object]:
        compiles, baked = self._compiles, self._baked
        seen = compiles.hooks.safely("signature", _signature, function, frame, context)
        started = compiles.begin(function, closure_id(function), frame, _options(frame), seen)
        baked.begin(started)
        compiles.enter(started)

        def end() -> None:
            compiles.leave(started)
            baked.end(started)
            made = result()
            compiles.end(started, compiled=made is not None, graph=lambda: made.inlined_graph)
            if started.role is not Role.CHECK:
                compiles.thread.checked = started

        return end


def _signature(function: Any, frame: FrameType, context: tuple[tuple[str, str], ...]) -> Signature:
    return signature(plain_function(function), frame.f_locals.get("example_inputs"), context)


def _options(frame: FrameType) -> Options:
    found = frame.f_locals
    asked = (("mode", "trace"), *((name, str(found.get(name))) for name in ("check_trace", "strict")))
    return tuple(asked)


def _unmangled(name: str) -> str:
    """A name without the part by which torch makes it unique."""
    return ".".join(part for part in name.split(".") if not part.startswith(_MANGLED))

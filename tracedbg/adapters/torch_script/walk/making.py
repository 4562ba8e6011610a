"""Sees what is scripted, traced and loaded, so that breakpoints are bound to it before it is called.

Only making passes by here; it must not know what a call of it does.
"""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_script.around import Around, AroundMethod
from tracedbg.adapters.torch_script.walk import _compat

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from tracedbg.adapters.torch_script.around import Before
    from tracedbg.adapters.torch_script.walk.plans import Plans
    from tracedbg.debugging import Debugger
    from tracedbg.hooks import Hooks

_LIBRARY = "__torch__.torch."


class Making:
    """Keeps what has been made and not been looked at."""

    def __init__(self, hooks: Hooks, debugger: Debugger, plans: Plans) -> None:
        self._hooks = hooks
        self._debugger = debugger
        self._plans = plans
        self._modules: list[weakref.ref[Any]] = []
        self._functions: list[Any] = []
        """Handles on them, that nobody else has: torch keeps what they stand for."""
        self._lock = threading.Lock()
        self._local = threading.local()

    def is_at_work(self) -> bool:
        """Whether this thread compiles or traces just now."""
        return self._depth > 0

    @property
    def _depth(self) -> int:
        """How many compiles this thread is in."""
        return getattr(self._local, "depth", 0)

    @property
    def _frames(self) -> list[FrameType]:
        """Of torch's, in which this thread has traced functions that have not been looked at."""
        return getattr(self._local, "frames", [])

    def install(self) -> None:
        """Install the hooks; each is left out where this torch has it elsewhere."""
        for name, before in (
            (_compat.SCRIPT, self._scripting),
            (_compat.TRACE, self._tracing),
            (_compat.TRACE_FUNCTION, self._tracing_function),
            (_compat.TRACE_FUNCTION_BY_NAME, self._tracing_function),
            (_compat.TRACE_METHOD, self._tracing_method),
            (_compat.TRACE_METHOD_BY_NAME, self._tracing_method),
        ):
            self._hooks.safely(f"making.{name.path}", self._stand_around, name, before)
        self._hooks.safely("making.modules", self._watch_modules)

    def _stand_around(self, name: _compat.Private, before: Before) -> None:
        owner, attribute = name.find()
        held = vars(owner)[attribute]
        where = f"making.{name.module}.{name.path}"
        kind = AroundMethod if isinstance(owner, type) else Around
        self._hooks.patch(owner, attribute, lambda _: kind(self._hooks, where, held, before))

    def _watch_modules(self) -> None:
        owner, attribute = _compat.MODULE_MADE.find()

        def make(original: Callable[..., Any]) -> Any:
            def finalize(module: Any) -> Any:
                made = original(module)
                with self._lock:
                    self._modules.append(weakref.ref(module))
                self.look()
                return made

            return finalize  # torch asks the class for it

        self._hooks.patch(owner, attribute, make)

    def _scripting(self, frame: FrameType) -> Callable[[], object]:
        """`torch.jit.script` is called, in `frame`."""
        self._local.depth = self._depth + 1

        def done() -> None:
            self._local.depth = self._depth - 1
            made = _compat.CACHED_FUNCTION.get()(frame.f_locals.get("obj"))
            self._function(made)
            self.look()

        return done

    def _tracing(self, frame: FrameType) -> Callable[[], object]:  # noqa: ARG002  a hook's signature
        """`torch.jit.trace` is called; it runs the function more than once, to check itself."""
        self._local.depth = self._depth + 1
        go_on = self._suspend()

        def done() -> None:
            go_on()
            self._local.depth = self._depth - 1
            frames, self._local.frames = self._frames, []
            for inside in frames:
                self._function(inside.f_locals.get("traced"))
            self.look()

        return done

    def _tracing_function(self, frame: FrameType) -> Callable[[], object]:
        """A function is traced, by `_trace_impl`: it has the result when it is over."""
        self._local.frames = [*self._frames, frame]
        return self._suspend()

    def _tracing_method(self, frame: FrameType) -> Callable[[], object]:  # noqa: ARG002  a hook's signature
        """A method is traced, by `torch.jit.trace_module`."""
        return self._suspend()

    def _suspend(self) -> Callable[[], object]:
        """Nothing stops while Python is traced: a look at a tensor would be recorded, and our name for it."""
        suspended = self._debugger.suspended()
        suspended.__enter__()
        return lambda: suspended.__exit__(None, None, None)

    def _function(self, made: Any) -> None:
        import torch

        if isinstance(made, torch.jit.ScriptFunction):
            with self._lock:
                self._functions.append(made)

    def look(self) -> None:
        """Make outlines of what is new, if there is a breakpoint that could be bound to it."""
        if self._depth or not self._debugger.files() or not (self._modules or self._functions):
            return  # inside of a compile, graphs are not there yet
        with self._lock:
            functions, self._functions = self._functions, []
            modules, self._modules = self._modules, []
        for function in functions:
            self._plans.of_function(function)
        later = [one for one in modules if (module := one()) is not None and not self._look_at(module)]
        with self._lock:
            self._modules += later

    def _look_at(self, module: Any) -> bool:
        """Whether its methods have been looked at: they may not be there yet."""
        script = getattr(module, "_c", None)
        if script is None:
            return False
        if script._type().qualified_name().startswith(_LIBRARY):
            return True
        names = script._type().method_names()
        for name in names:
            self._plans.of_method(script._get_method(name))
        return bool(names)

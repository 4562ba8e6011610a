"""Installs the walker on Dynamo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_compile.walk import _compat
from tracedbg.adapters.torch_compile.walk.identity import ByIdentity
from tracedbg.events import Frame

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from tracedbg.debugging import Debugger
    from tracedbg.hooks import Hooks


class TorchCompileWalker:
    """Makes what `torch.compile` has compiled stop: a `Walker`."""

    name = "torch_compile"
    modules = ("torch._dynamo.convert_frame",)

    def attach(self, module: ModuleType, hooks: Hooks, debugger: Debugger) -> None:  # noqa: ARG002  of the Protocol
        """Install what keeps each graph with its lines; graphs compiled before are not walked."""
        from tracedbg.adapters.torch_compile.apart import keep_apart  # noqa: PLC0415  when torch is there
        from tracedbg.adapters.torch_compile.walk.backward import watch_backwards  # noqa: PLC0415  likewise
        from tracedbg.adapters.torch_compile.walk.refs import Describer  # noqa: PLC0415  when torch is there
        from tracedbg.adapters.torch_compile.walk.switches import Switches  # noqa: PLC0415  likewise
        from tracedbg.adapters.torch_compile.walk.timeline import Timelines  # noqa: PLC0415  likewise

        timelines = Timelines(Describer())
        switches = Switches(hooks, debugger)
        hooks.on_remove(switches.remove)
        debugger.on_change(switches.decide)
        hooks.safely("lines", _watch_lines, hooks, timelines)
        hooks.safely("returns", _watch_returns, hooks, timelines)
        backwards = hooks.safely("backwards", watch_backwards, hooks, debugger)
        hooks.safely("graphs", lambda: _watch_graphs(hooks, Graphs(hooks, timelines, switches, backwards)))
        keep_apart(hooks, debugger)
        hooks.safely("tracing", _tell_what_is_traced, debugger)


class Graphs:
    """The graphs between being traced and being installed."""

    def __init__(self, hooks: Hooks, timelines: Any, switches: Any, backwards: Any) -> None:
        self._hooks = hooks
        self._timelines = timelines
        self._switches = switches
        self._backwards = backwards
        self._made: ByIdentity[Any] = ByIdentity()
        self._compile_id = _compat.COMPILE_ID.get()

    def trace_ended(self, output: Any, graph_module: Any) -> None:
        """A graph goes to the backend, which may do with it as it likes."""
        from tracedbg.adapters.torch_compile.walk.notes import notes_of  # noqa: PLC0415  when torch is there
        from tracedbg.adapters.torch_compile.walk.record import Record  # noqa: PLC0415  likewise

        record = Record(
            graph_module,
            self._timelines.take(output),
            compile_id=str(self._compile_id()),
            notes=notes_of(graph_module, output.compiler_fn),
        )
        self._made.set(output, record)

    def installed(self, output: Any, name: str) -> None:
        """What the backend has made of it is where the generated code finds it."""
        if name.startswith(_compat.COMPILED) and (record := self._made.pop(output)) is not None:
            scope = output.global_scope
            if self._backwards is not None:
                self._backwards.forward_made(record)
            self._switches.add(record, scope, name, scope[name])


def _watch_lines(hooks: Hooks, timelines: Any) -> None:
    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def starts_line(translator: Any, lineno: int, *args: Any, **kwargs: Any) -> Any:
            hooks.safely("line", timelines.line, translator, lineno)
            return original(translator, lineno, *args, **kwargs)

        return starts_line

    hooks.patch(*_compat.STARTS_LINE.find(), make)


def _watch_returns(hooks: Hooks, timelines: Any) -> None:
    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def run(translator: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                return original(translator, *args, **kwargs)
            finally:
                hooks.safely("return", timelines.end, translator)

        return run

    hooks.patch(*_compat.RUN.find(), make)


def _watch_graphs(hooks: Hooks, graphs: Graphs) -> None:
    def make_compile(original: Callable[..., Any]) -> Callable[..., Any]:
        def call_user_compiler(output: Any, gm: Any, *args: Any, **kwargs: Any) -> Any:
            hooks.safely("graph", graphs.trace_ended, output, gm)
            return original(output, gm, *args, **kwargs)

        return call_user_compiler

    def make_install(original: Callable[..., Any]) -> Callable[..., Any]:
        def install_global_unsafe(output: Any, name: str, *args: Any, **kwargs: Any) -> Any:
            result = original(output, name, *args, **kwargs)
            hooks.safely("install", graphs.installed, output, name)
            return result

        return install_global_unsafe

    install = _compat.INSTALL_GLOBAL.find()
    hooks.patch(*_compat.CALL_USER_COMPILER.find(), make_compile)
    hooks.patch(*install, make_install)


def _tell_what_is_traced(debugger: Debugger) -> None:
    tracing = _compat.TRACING.get()

    def where() -> Frame | None:
        context = tracing()
        at = getattr(context, "loc_in_frame", None)
        return None if at is None else Frame(*at)

    debugger.add_tracing(where)

"""Installs the hooks on Dynamo: which function of torch's tells what.

Nothing here runs when a cached entry fits; only a compile, and the compile of a backward, pass by.
"""

from __future__ import annotations

import inspect
import os
import sys
from typing import TYPE_CHECKING, Any

import tracedbg
from tracedbg.adapters.torch_common.private import find_first
from tracedbg.adapters.torch_compile import _compat

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from tracedbg.adapters.torch_compile.compiles import Compiles
    from tracedbg.hooks import Hooks


class TorchCompileAdapter:
    """Reports what torch.compile compiles, why again, and where it gives up.

    It is attached when the program's own use of `torch.compile` has loaded Dynamo.
    """

    name = "torch_compile"
    modules = ("torch._dynamo.convert_frame",)

    def attach(self, module: ModuleType, hooks: Hooks) -> None:  # noqa: ARG002  of the Protocol
        """Install one hook for each thing to be told; one that does not fit this torch is left out."""
        from tracedbg.adapters.torch_compile.aot_graphs import watch_aot_graphs  # noqa: PLC0415  likewise
        from tracedbg.adapters.torch_compile.calls import CallCounts  # noqa: PLC0415  when torch is there
        from tracedbg.adapters.torch_compile.compiles import Compiles  # noqa: PLC0415  likewise
        from tracedbg.adapters.torch_compile.skips import Skips  # noqa: PLC0415  likewise

        counts = CallCounts(hooks)
        compiles = Compiles(hooks, counts)
        hooks.safely("calls", counts.install)
        hooks.safely("skips", Skips(hooks, counts).install)
        hooks.safely("leave_us_alone", _leave_us_alone, hooks)
        hooks.safely("compiles", _watch_compiles, hooks, compiles)
        hooks.safely("graphs", _watch_graphs, hooks, compiles)
        hooks.safely("aot_graphs", watch_aot_graphs, hooks, compiles)
        hooks.safely("breaks", _watch_breaks, hooks, compiles)
        hooks.safely("counts", _watch_transformations, hooks, compiles)
        hooks.safely("phases", _watch_phases, hooks, compiles)
        hooks.safely("caches", _watch_caches, hooks, compiles)


def _leave_us_alone(hooks: Hooks) -> None:
    """Have Dynamo skip our own functions: a backward is compiled while it watches the thread."""
    folders, recompile = _compat.SKIPPED_FOLDERS.get(), _compat.SKIPPED_FOLDERS_CHANGED.get()
    ours = os.path.dirname(os.path.abspath(tracedbg.__file__)) + os.sep

    def undo() -> None:
        folders.remove(ours)
        recompile()

    folders.append(ours)
    recompile()
    hooks.on_remove(undo)


def _watch_compiles(hooks: Hooks, compiles: Compiles) -> None:
    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        bind = inspect.signature(original).bind

        def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            return compiles.begin(bind(*args, **kwargs).arguments)

        def _compile(*args: Any, **kwargs: Any) -> Any:
            current = hooks.safely("compile", begin, args, kwargs)
            if "skip" in kwargs:
                kwargs["skip"] += 1  # so many frames are left out of torch's own stacks: ours, too
            if current is None:
                return original(*args, **kwargs)
            try:
                result = original(*args, **kwargs)
            except BaseException as error:
                hooks.safely("compile", compiles.fail, current, error)
                raise
            hooks.safely("compile", compiles.end, current, result)
            return result

        return _compile

    hooks.patch(*_compat.COMPILE.find(), make)


def _watch_graphs(hooks: Hooks, compiles: Compiles) -> None:
    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def call_user_compiler(output: Any, gm: Any, *args: Any, **kwargs: Any) -> Any:
            hooks.safely("graph", compiles.add_graph, gm.graph)
            hooks.safely("symbolic", compiles.add_symbolic, output)
            return original(output, gm, *args, **kwargs)

        return call_user_compiler

    hooks.patch(*_compat.CALL_USER_COMPILER.find(), make)


def _watch_transformations(hooks: Hooks, compiles: Compiles) -> None:
    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def transform_code_object(code: Any, transformations: Any, *args: Any, **kwargs: Any) -> Any:
            def transform(instructions: list[Any], options: dict[str, Any]) -> Any:
                made = transformations(instructions, options)
                hooks.safely("counts", compiles.count_calls, code, instructions)
                return made

            return original(code, transform, *args, **kwargs)

        return transform_code_object

    hooks.patch(*_compat.TRANSFORM.find(), make)


def _watch_breaks(hooks: Hooks, compiles: Compiles) -> None:
    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def log_graph_break(*args: Any, **kwargs: Any) -> Any:
            given = next((at for at in (*args, *kwargs.values()) if isinstance(at, BaseException)), None)
            if error := given or sys.exc_info()[1]:
                hooks.safely("break", compiles.add_break, error)
            return original(*args, **kwargs)

        return log_graph_break

    hooks.patch(*find_first(_compat.LOG_GRAPH_BREAK, _compat.LOG_GRAPH_BREAK_FUNCTION), make)


def _watch_phases(hooks: Hooks, compiles: Compiles) -> None:
    from tracedbg.adapters.torch_compile.phases import PHASES  # noqa: PLC0415  see `attach`

    compile_id = _compat.CURRENT_COMPILE_ID.get()

    def add(event: str, start_ns: int, end_ns: int) -> None:
        compiles.add_phase(compile_id(), event, start_ns, end_ns)

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def log_event_end(
            logger: Any,
            event_name: str,
            time_ns: int,
            metadata: Any,
            start_time_ns: int,
            *args: Any,
            **kwargs: Any,
        ) -> Any:
            if event_name in PHASES:
                hooks.safely("phase", add, event_name, start_time_ns, time_ns)
            return original(logger, event_name, time_ns, metadata, start_time_ns, *args, **kwargs)

        return log_event_end

    hooks.patch(*_compat.EVENT_END.find(), make)


def _watch_caches(hooks: Hooks, compiles: Compiles) -> None:
    from tracedbg.adapters.torch_compile.phases import CACHES  # noqa: PLC0415  see `attach`

    compile_id = _compat.CURRENT_COMPILE_ID.get()

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def log_instant_event(logger: Any, event_name: str, *args: Any, **kwargs: Any) -> Any:
            if event_name in CACHES:
                hooks.safely("cache", compiles.add_cache_event, compile_id(), event_name)
            return original(logger, event_name, *args, **kwargs)

        return log_instant_event

    hooks.patch(*_compat.INSTANT_EVENT.find(), make)

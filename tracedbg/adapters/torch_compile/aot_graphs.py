"""The graphs that AOTAutograd gives a backend: of the forward, and of the backward.

AOTAutograd is not loaded where no backend needs it, and not by us. Code that torch takes from its cache
has no graphs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_compile import _compat
from tracedbg.boot.imports import PostImport

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from tracedbg.adapters.torch_common.private import Private
    from tracedbg.adapters.torch_compile.compiles import Compiles
    from tracedbg.hooks import Hooks


def watch_aot_graphs(hooks: Hooks, compiles: Compiles) -> None:
    """Have `compiles` told of each graph; as soon as AOTAutograd is loaded."""

    def install(_: ModuleType) -> None:
        for stage, private in (("aot_forward", _compat.AOT_FORWARD), ("aot_backward", _compat.AOT_BACKWARD)):
            hooks.safely(stage, _watch, stage, private, hooks, compiles)

    imports = PostImport()
    imports.watch(_compat.AOT_FORWARD.module, install)
    hooks.on_remove(imports.stop)


def _watch(stage: str, private: Private, hooks: Hooks, compiles: Compiles) -> None:
    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def compile_graph(module: Any, *args: Any, **kwargs: Any) -> Any:
            hooks.safely(stage, compiles.add_aot_graph, stage, module)  # the backend may change it
            return original(module, *args, **kwargs)

        return compile_graph

    hooks.patch(*private.find(), make)

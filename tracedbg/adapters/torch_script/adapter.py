"""Installs the hooks on TorchScript: which function of torch's tells what.

Only a compile passes by here; a call of what was compiled runs no code of ours.

Not told: the profiling executor's own work. The first call of a scripted function profiles it and the
second optimises the graph, and with a fuser new shapes get a fallback function of their own. torch has no
hook there: `get_debug_state()` fails before the second call, has one plan whatever the shapes, and would
have to be asked after every call. A CPU build has no fuser (`torch._C._llvm_enabled()` is False), so that
nothing is specialised again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.adapters.torch_script import _compat

if TYPE_CHECKING:
    from types import ModuleType

    from tracedbg.adapters.torch_script.around import Before
    from tracedbg.adapters.torch_script.baked import BakedIn
    from tracedbg.adapters.torch_script.compiles import Compiles
    from tracedbg.hooks import Hooks


class TorchScriptAdapter:
    """Reports what `torch.jit.script` and `torch.jit.trace` compile, and what tracing takes for good.

    It is attached when the program has imported torch, which imports TorchScript.
    """

    name = "torch_script"
    modules = ("torch",)

    def attach(self, module: ModuleType, hooks: Hooks) -> None:  # noqa: ARG002  of the Protocol
        """Install one hook for each thing to be told; one that does not fit this torch is left out."""
        from tracedbg.adapters.torch_script.baked import BakedIn  # noqa: PLC0415  when torch is there
        from tracedbg.adapters.torch_script.compiles import Compiles  # noqa: PLC0415

        compiles = Compiles(hooks)
        baked = BakedIn(compiles)
        _watch_scripting(hooks, compiles)
        _watch_tracing(hooks, compiles, baked)
        hooks.safely("warnings", baked.install)


def _watch_scripting(hooks: Hooks, compiles: Compiles) -> None:
    from tracedbg.adapters.torch_script.scripting import Scripting  # noqa: PLC0415  see `attach`

    scripting = Scripting(compiles)
    for name, before in (
        (_compat.SCRIPT, scripting.functions),
        (_compat.SCRIPT_MODULE, scripting.modules),
        (_compat.SCRIPT_METHOD, scripting.methods),
        (_compat.SCRIPT_CLASS, scripting.classes),
        (_compat.SCRIPT_CLASS_DIRECTLY, scripting.classes),
        (_compat.PARSE_FUNCTION, scripting.reading),
        (_compat.PARSE_METHOD, scripting.reading),
        (_compat.PARSE_CLASS, scripting.reading),
    ):
        _stand_around(hooks, name, before)


def _watch_tracing(hooks: Hooks, compiles: Compiles, baked: BakedIn) -> None:
    from tracedbg.adapters.torch_script.tracing import Tracing  # noqa: PLC0415  see `attach`

    tracing = Tracing(compiles, baked)
    for name, before in (
        (_compat.TRACE, tracing.scope),
        (_compat.TRACE_FUNCTION, tracing.function),
        (_compat.TRACE_FUNCTION_BY_NAME, tracing.function),
        (_compat.TRACE_METHOD, tracing.method),
        (_compat.TRACE_METHOD_BY_NAME, tracing.method),
    ):
        _stand_around(hooks, name, before)


def _stand_around(hooks: Hooks, name: _compat.Private, before: Before) -> None:
    from tracedbg.adapters.torch_script.around import Around, AroundMethod  # noqa: PLC0415  see `attach`

    where = f"{name.module}.{name.path}"

    def install() -> None:
        owner, attribute = name.find()
        held = vars(owner)[attribute]
        kind = AroundMethod if isinstance(owner, type) else Around
        hooks.patch(owner, attribute, lambda _: kind(hooks, where, held, before))

    hooks.safely(where, install)

"""Installs the walk: nothing is in the way of a call of TorchScript until something could stop in one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from tracedbg.debugging import Debugger
    from tracedbg.hooks import Hooks


class TorchScriptWalker:
    """Makes scripted, traced and loaded functions and modules stop. See `Walker`."""

    name = "torch_script"
    modules = ("torch",)

    def attach(self, module: ModuleType, hooks: Hooks, debugger: Debugger) -> None:  # noqa: ARG002
        """Watch for what is compiled; stand in the way of calls while something is armed."""
        from tracedbg.adapters.torch_script.walk.calls import Calls  # noqa: PLC0415  when torch is there
        from tracedbg.adapters.torch_script.walk.making import Making  # noqa: PLC0415

        calls = Calls(hooks, debugger)
        making = Making(hooks, debugger, calls.plans)
        calls.is_at_work = making.is_at_work
        hooks.safely("making", making.install)
        debugger.on_change(lambda: hooks.safely("arm", calls.arm))
        debugger.on_change(lambda: hooks.safely("outlines", making.look))
        hooks.on_remove(calls.stop)
        hooks.safely("arm", calls.arm)

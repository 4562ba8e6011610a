"""Looks at the graph that each backward of torch is about to run.

Where what is:
    recorder.py  is called before each backward: how often to look, and what becomes of it
    walk.py      the nodes of a graph in the order of the forward, in Python
    fast.py      the same by what `torch_ops` has built, which also knows their lines
    sequences.py calls without gradients, which have no graph: their ops in their order
    saved.py     what nodes keep for the backward
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from types import ModuleType

    from tracedbg.hooks import Hooks
    from tracedbg.op_window import OpWindow


class TorchSteps:
    """See `tracedbg.op_window.OpRecorder`."""

    name: ClassVar[str] = "torch_steps"
    modules: tuple[str, ...] = ("torch",)

    def attach(self, module: ModuleType, hooks: Hooks, window: OpWindow) -> None:  # noqa: ARG002
        """See `OpRecorder`; graphs are told as totals, whatever the window."""
        from tracedbg.adapters.torch_steps.recorder import attach  # noqa: PLC0415  with torch, as the rest

        attach(hooks)

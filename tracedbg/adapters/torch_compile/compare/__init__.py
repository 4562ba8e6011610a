"""Compares what `torch.compile` has compiled with its own graph run eagerly, op by op.

The call runs as the program made it. Afterwards the graph that Dynamo traced is run twice more on copies of
the arguments: eagerly, and compiled apart with every op's result as a further output. The forward is
compared; a backward is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from tracedbg.compare.comparer import CompareOptions, Report
    from tracedbg.hooks import Hooks


class TorchComparer:
    """See `tracedbg.compare.comparer.Comparer`."""

    name = "torch_compile"
    modules = ("torch._dynamo.convert_frame",)

    def attach(
        self,
        module: ModuleType,  # noqa: ARG002  by its name
        hooks: Hooks,
        options: CompareOptions,
        report: Report,
    ) -> None:
        """See `Comparer`."""
        from tracedbg.adapters.torch_compile.compare.calls import install  # noqa: PLC0415  only with torch

        install(hooks, options, report)


__all__ = ["TorchComparer"]

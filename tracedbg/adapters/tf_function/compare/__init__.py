"""Compares the calls of `tf.function`s with the same calls run eagerly, op by op.

The call runs as the program made it. Then it is run twice more from the state it began in: its graph is
walked, and its Python function is run eagerly. Then the program goes on from where its own call has left it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from tracedbg.compare.comparer import CompareOptions, Report
    from tracedbg.hooks import Hooks


class TfComparer:
    """See `tracedbg.compare.comparer.Comparer`."""

    name = "tf_function"
    modules = ("tensorflow",)

    def attach(
        self,
        module: ModuleType,
        hooks: Hooks,
        options: CompareOptions,
        report: Report,
    ) -> None:
        """See `Comparer`."""
        from tracedbg.adapters.tf_function.compare.calls import install  # noqa: PLC0415  only with TensorFlow

        install(module, hooks, options, report)


__all__ = ["TfComparer"]

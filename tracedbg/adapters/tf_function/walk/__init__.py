"""Breakpoints inside of functions that `tf.function` has traced.

A call of such a function is run node by node, eagerly, while something may stop in it; TensorFlow's own graph
runs it otherwise. Nothing is traced again, and functions that were traced long before can be walked as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.adapters.tf_function.walk.datasets import dataset_debug

if TYPE_CHECKING:
    from types import ModuleType

    from tracedbg.debugging import Debugger
    from tracedbg.hooks import Hooks


class TfFunctionWalker:
    """A `Walker` for `tf.function`."""

    name = "tf_function"
    modules = ("tensorflow",)

    def attach(self, module: ModuleType, hooks: Hooks, debugger: Debugger) -> None:  # noqa: ARG002  by its name
        """See `Walker`. Each part that this TensorFlow has no place for is left out, with a `Fault`."""
        from tracedbg.adapters.tf_function.walk.attach import install  # noqa: PLC0415  only when TensorFlow is there

        install(hooks, debugger)


__all__ = ["TfFunctionWalker", "dataset_debug"]

"""Every trace of every `tf.function`, and the gradients and `tf.data` functions beside them.

How to get TensorFlow's own `experimental_get_tracing_count()` of a function object out of the events:
count the traces with its `Traceable.object_id` that ended `COMPILED`, but not those with role `BACKWARD`.
That includes the second trace of a function whose first call creates variables, which is no retrace;
retraces are the traces with role `FORWARD` after the first. The function that initialises such variables is
an object of its own, named `initialize_variables`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from tracedbg.hooks import Hooks


class TfFunctionAdapter:
    """Hooks into `tf.function`.

    Nothing of it runs in a call that finds its trace in the cache, but for the few that `stale` looks at.
    """

    name = "tf_function"
    modules = ("tensorflow",)

    def attach(self, module: ModuleType, hooks: Hooks) -> None:  # noqa: ARG002  by its name, not its contents
        """See `Adapter`. Each part that this TensorFlow has no place for is left out, with a `Fault`."""
        from tracedbg.adapters.tf_function.attach import install  # noqa: PLC0415  only when TensorFlow is there

        install(hooks)


__all__ = ["TfFunctionAdapter"]

"""What AutoGraph does to the user's functions: conversions, failures, and what each construct became.

`Construct.became` is one of

* `cond`: a graph conditional; both branches are traced.
* `while_loop`: a graph loop; the body is traced once.
* `dataset`: the loop runs inside a `tf.data` or distributed dataset; the body is traced once.
* `unrolled`: a Python loop that ran more than once, so that its body is in the graph more than once.
* `python`: decided, or run at most once, by Python while tracing; the graph has only what ran.

Under `python -O` AutoGraph does not count the iterations of Python loops, and `unrolled` reads `python`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from tracedbg.hooks import Hooks


class AutographAdapter:
    """Hooks into AutoGraph; they run while tracing only."""

    name = "autograph"
    modules = ("tensorflow",)

    def attach(self, module: ModuleType, hooks: Hooks) -> None:  # noqa: ARG002  by its name, not its contents
        """See `Adapter`. Each part that this TensorFlow has no place for is left out, with a `Fault`."""
        from tracedbg.adapters.autograph.constructs import Constructs  # noqa: PLC0415  only with TensorFlow
        from tracedbg.adapters.autograph.conversions import Conversions, Failures  # noqa: PLC0415  likewise

        for where, part in (
            ("conversions", Conversions(hooks)),
            ("failures", Failures(hooks)),
            ("constructs", Constructs(hooks)),
        ):
            hooks.safely(where, part.install)


__all__ = ["AutographAdapter"]

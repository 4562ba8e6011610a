"""Where the real graph could differ from what a walk shows. It must not know how one is run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tracedbg.adapters.tf_function.walk import _compat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.adapters.tf_function.walk.functions import Function
    from tracedbg.adapters.tf_function.walk.plan import Plan

_SEEDS = frozenset({"seed", "seed2"})


def notes_of_plan(plan: Plan) -> list[str]:
    """What is so in one function, whatever calls it."""
    notes = []
    if plan.is_compiled:
        notes.append("jit_compile=True: shown uncompiled, op by op; XLA may fuse ops, and round differently")
    op_def = _compat.OP_DEFS.get()
    random = sorted({node.op for node in plan.nodes if _draws(op_def(node.op))})
    if random:
        notes.append(
            f"{', '.join(random)}: random numbers of tf.random's stateful ops are drawn from another stream "
            "than in the graph; those of tf.random.Generator and of stateless ops are the same"
        )
    if plan.has_meetings:
        notes.append("ops that wait for other devices run together, and functions that do run as one")
    return notes


def notes_of(function: Function) -> Sequence[str]:
    """All that is so when a function is called now."""
    import tensorflow as tf

    notes = list(dict.fromkeys(function.notes))
    if not tf.config.optimizer.get_experimental_options().get("disable_meta_optimizer", False):
        notes.append(
            "Grappler may rewrite the graph before it runs: floats may differ from these in the last digits"
        )
    if os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1") != "0" and not tf.test.is_built_with_cuda():
        notes.append(
            "oneDNN may choose other kernels for the graph: floats may differ from these in the last digits"
        )
    return tuple(notes)


def _draws(op_def: object) -> bool:
    """Whether an op draws from a stream of random numbers of its own."""
    if op_def is None or not getattr(op_def, "is_stateful", False):
        return False
    return {attribute.name for attribute in op_def.attr} >= _SEEDS  # type: ignore[attr-defined]

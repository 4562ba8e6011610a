"""What the runs of one call say: in which stage they part, at which line, and by how much."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_function.compare.optimised import find_in_real_graph
from tracedbg.compare.records import RESULT, VARIABLE, Comparison, OpRecord, Verdict
from tracedbg.compare.steps import Steps, compare_steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracedbg.adapters.tf_function.compare.calls import Progress
    from tracedbg.adapters.tf_function.compare.recorder import Recording
    from tracedbg.adapters.tf_function.compare.state import State
    from tracedbg.compare.steps import Limits
    from tracedbg.tensors import Tensors

STAGES = ("graph", "optimised")
PASSIVE = frozenset(
    {
        "Assert",
        "BroadcastTo",
        "Case",
        "Cast",
        "Const",
        "ExpandDims",
        "Fill",
        "GatherV2",
        "Identity",
        "IdentityN",
        "If",
        "Less",
        "LoopCond",
        "NoOp",
        "OnesLike",
        "Pack",
        "PartitionedCall",
        "Placeholder",
        "PreventGradient",
        "Range",
        "Rank",
        "ReadVariableOp",
        "Reshape",
        "Shape",
        "ShapeN",
        "Size",
        "Snapshot",
        "Squeeze",
        "StatefulPartitionedCall",
        "StatelessIf",
        "StatelessWhile",
        "StopGradient",
        "StridedSlice",
        "TensorListReserve",
        "Unpack",
        "While",
        "ZerosLike",
    }
)
"""Ops that a trace has, or has not, for its own ends."""
_FEW = 5


@dataclass(frozen=True)
class Runs:
    """One call, run in all ways from one state."""

    result: Any
    """Of the call that the program made."""
    after: State
    walked: Recording
    walk_result: Any
    walk_state: State
    eager: Recording
    eager_result: Any
    eager_state: State
    eager_error: Exception | None
    draws: list[str]
    """Ops that have drawn random numbers which nobody can set back."""
    walk_again: Callable[[Recording], tuple[Any, State]]
    before: State


def compare_runs(runs: Runs, progress: Progress, limits: Limits, tensors: Tensors) -> Comparison:
    """Compare them, stage by stage."""
    notes = _notes(runs)
    eager = runs.eager.ops + _ends(runs.eager_result, runs.eager_state, runs, progress)
    walked = runs.walked.ops + _ends(runs.walk_result, runs.walk_state, runs, progress)
    if runs.eager_error is not None:
        eager, walked = runs.eager.ops, runs.walked.ops
    steps = compare_steps(eager, walked, tensors, "graph", limits=limits, passive=PASSIVE)
    steps = _that_matter(steps, notes, is_whole=runs.eager_error is None)
    optimised = Steps((), 0, 0)
    if not _differs(steps) and not runs.draws:
        optimised = _compare_real(runs, progress, limits, tensors)
    return _comparison(progress, (steps, optimised), notes)


def _comparison(progress: Progress, all_steps: tuple[Steps, ...], notes: list[str]) -> Comparison:
    compared = sum(steps.compared for steps in all_steps)
    chosen = next(
        (steps for steps in all_steps if _differs(steps)),
        next((steps for steps in all_steps if steps.differences), None),
    )
    first = None if chosen is None else chosen.first()
    verdict = Verdict.EQUAL
    if chosen is not None:
        verdict = Verdict.DIFFERS if _differs(chosen) else Verdict.DRIFTS
    others = () if chosen is None else tuple(one for one in chosen.differences if one is not first)
    return Comparison(
        progress.name, progress.file, progress.line, progress.calls, verdict, STAGES, first, others,
        compared, all_steps[0].unmatched, tuple(notes),
    )  # fmt: skip


def _differs(steps: Steps) -> bool:
    first = steps.first()
    return first is not None and first.verdict is not Verdict.DRIFTS


def _that_matter(steps: Steps, notes: list[str], *, is_whole: bool) -> Steps:
    """Without what leads to nothing: where all that a call leaves is the same, a step was met by another one.

    Args:
        steps: of the whole call, with what it leaves at their end.
        notes: where it is said.
        is_whole: whether the eager run came to its end.
    """
    left = [one for one in steps.differences if one.op == RESULT or one.op.startswith(VARIABLE)]
    has_values = any(one.difference is not None for one in steps.differences)
    if not has_values:
        return replace(steps, differences=())
    if not is_whole or any(one.verdict is Verdict.DIFFERS for one in left):
        return steps
    drifts = tuple(one for one in steps.differences if one.verdict is Verdict.DRIFTS)
    lines = sorted({one.line for one in steps.differences if one.line and one not in drifts})
    if lines:
        named = ", ".join(map(str, lines[:_FEW]))
        notes.append(
            f"what it leaves is the same, though ops on lines {named} differ: unused, or in other order"
        )
    return replace(steps, differences=drifts)


def _compare_real(runs: Runs, progress: Progress, limits: Limits, tensors: Tensors) -> Steps:
    """What TensorFlow's own run of the graph has made, beside the same graph run op by op."""
    walked = _ends(runs.walk_result, runs.walk_state, runs, progress)
    real = _ends(runs.result, runs.after, runs, progress)
    ends = compare_steps(walked, real, tensors, "optimised", limits=limits)
    if not ends.differences or runs.walked.root is None:
        return ends
    inside = find_in_real_graph(runs, limits, tensors)
    return inside if _differs(inside) or (inside.differences and not _differs(ends)) else ends


def _ends(result: Any, state: State, runs: Runs, progress: Progress) -> list[OpRecord]:
    """What is left of a run, as further steps: what it returns, and the variables.

    Those are the ones there were before, in one order for all runs: many may have the same name.
    """
    import tensorflow as tf

    made = OpRecord(
        progress.file, progress.line, progress.name, RESULT,
        tuple(_tensor(value) for value in tf.nest.flatten(result, expand_composites=True)),
    )  # fmt: skip
    variables = [
        OpRecord(
            progress.file, progress.line, progress.name, f"{VARIABLE}{name}",
            (state.value(key),), name=str(key),
        )
        for key, (_, name, _) in runs.before.variables.items()
    ]  # fmt: skip
    return [made, *variables]


def _tensor(value: Any) -> Any:
    """A number that a Python function returns is a tensor when it comes out of a graph."""
    import tensorflow as tf

    if value is None or isinstance(value, tf.Variable):
        return None
    if isinstance(value, tf.Tensor):
        return None if value.dtype.name in {"resource", "variant"} else value
    try:
        return tf.convert_to_tensor(value)
    except (TypeError, ValueError):
        return None


def _notes(runs: Runs) -> list[str]:
    notes = []
    if runs.eager_error is not None:
        error = str(runs.eager_error).partition("\n")[0]
        notes.append(f"run eagerly, it raised {type(runs.eager_error).__name__}: {error}")
    if runs.draws:
        notes.append(
            f"{', '.join(runs.draws)} draw random numbers: eager code got those of the graph, run op by op;"
            " the optimised graph draws others, and was not compared"
        )
    if runs.walked.root is None:
        notes.append("its graph could not be run op by op: only what it returns was compared")
    if runs.eager.is_full or runs.walked.is_full:
        notes.append("its values take more than 1 GiB: those of later ops were not compared")
    return notes

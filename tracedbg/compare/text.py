"""A comparison as text for a person. It must not know how it was made."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

from tracedbg.compare.records import RESULT, VARIABLE, Comparison, StepDifference, Verdict
from tracedbg.source import line_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tracedbg.tensors import Difference, TensorSummary

_IN_STAGE = {
    "graph": "in the graph, as it was traced",
    "optimised": "only in the graph as it is run: after Grappler, oneDNN or XLA",
    "dynamo": "in the graph, as Dynamo traced it",
    "aot": "in the graph, as AOTAutograd made it",
    "inductor": "only in what Inductor compiled",
}
_FEW = 5


def to_text(comparisons: Sequence[Comparison], folder: str | None = None) -> str:
    """All of it.

    Args:
        comparisons: in the order in which they were made.
        folder: files in it are named relative to it; the current one by default.
    """
    folder = os.getcwd() if folder is None else folder
    blocks = ["\n".join(_block(one, folder)) for one in comparisons if one.verdict is not Verdict.EQUAL]
    equal = [one for one in comparisons if one.verdict is Verdict.EQUAL]
    if equal:
        steps = sum(one.compared for one in equal)
        names = dict.fromkeys(one.function for one in equal)
        said = f"{_count(len(equal), 'call')} of {', '.join(names)} the same bit for bit"
        blocks.append(f"{said}, {_count(steps, 'value')} compared")
    return "\n\n".join(blocks)


def _block(one: Comparison, folder: str) -> Iterator[str]:
    head = f"{one.function} ({_place(one.file, one.line, folder)}), call {one.call}"
    if one.verdict is Verdict.SKIPPED or one.first is None:
        yield f"{head}: not compared: {'; '.join(one.notes)}"
        return
    first = one.first
    stage = _IN_STAGE.get(first.stage, f"in {first.stage}")
    word = "differs only in rounding" if one.verdict is Verdict.DRIFTS else "DIFFERS"
    yield f"{head}: {word}, {stage}"
    yield from _step(first, folder)
    more = [step for step in one.others if step.verdict is first.verdict]
    if more:
        named = ", ".join(_named(step, first, folder) for step in more[:_FEW])
        yield f"    after it {_count(len(more), 'more value')}: {named}{', ...' if len(more) > _FEW else ''}"
    for note in one.notes:
        yield f"    note: {note}"


def _named(step: StepDifference, first: StepDifference, folder: str) -> str:
    """A further step; its place only where it has one of its own."""
    if _is_left(step) or not step.line or (step.file, step.line) == (first.file, first.line):
        return step.op
    return f"{_place(step.file, step.line, folder)} {step.op}"


def _is_left(step: StepDifference) -> bool:
    """Whether it is no op, but what the call leaves."""
    return step.op == RESULT or step.op.startswith(VARIABLE)


def _step(step: StepDifference, folder: str) -> Iterator[str]:
    if _is_left(step):
        yield "  in what the call leaves; no op of it was found to differ"
        yield f"    {step.op}: {_values(step)}"
        yield f"    {_how_far(step)}"
        return
    where = _place(step.file, step.line, folder) if step.line else "code that is not yours"
    turn = f", turn {step.iteration} of its loop" if step.iteration is not None else ""
    backward = ", in the backward" if step.is_backward else ""
    yield f"  first at {where}{f' in {step.function}' if step.function else ''}{turn}{backward}"
    if text := line_text(step.file, step.line):
        yield f"    > {text}"
    if step.eager is not None and step.traced is not None:
        yield f"    {step.op}: {_values(step)}"
    if step.difference is not None:
        yield f"    {_how_far(step)}"
    if step.cause:
        yield f"    {step.cause}"


def _values(step: StepDifference) -> str:
    before = "eager" if step.stage not in {"optimised", "inductor"} else "op by op"
    if step.eager is None or step.traced is None:
        return ""
    left, right = step.eager, step.traced
    if step.difference is not None and step.difference.left is not None and left.count > 1:
        at = ", ".join(map(str, step.difference.at))
        return (
            f"at [{at}] {before} {_number(step.difference.left)}, traced {_number(step.difference.right)}"
            f"  ({_spec(left)})"
        )
    return f"{before} {_first(left)}, traced {_first(right)}  ({_spec(left)})"


def _how_far(step: StepDifference) -> str:
    difference = step.difference
    if difference is None or step.eager is None or step.traced is None:
        return ""
    if not difference.same_shape or not difference.same_dtype:
        return f"eager makes {_spec(step.eager)}, traced {_spec(step.traced)}"
    text = f"{difference.differing} of {_count(step.eager.count, 'element')}"
    if math.isfinite(difference.max_absolute):
        text += f", at most {_number(difference.max_absolute)} apart{_share(difference)}"
    else:
        text += f"; {step.eager.nans} NaN and {step.eager.infinities} infinite before, "
        text += f"{step.traced.nans} and {step.traced.infinities} after"
    if step.eager_error is not None and step.traced_error is not None:
        text += f"; from float64: {_number(step.eager_error)} before, {_number(step.traced_error)} after"
    return text


def _share(difference: Difference) -> str:
    """How much that is of the larger of the two values."""
    if difference.left is None or difference.right is None:
        return ""
    size = max(abs(difference.left), abs(difference.right))
    return f" ({_number(100.0 * difference.max_absolute / size)} %)" if size > 0 else ""


def _spec(value: TensorSummary) -> str:
    return f"{value.dtype}[{', '.join(map(str, value.shape))}]"


def _first(value: TensorSummary) -> str:
    if not value.first:
        return value.note or "nothing"
    if value.count == 1:
        return _number(value.first[0])
    return f"[{', '.join(map(_number, value.first))}{', ...' if value.count > len(value.first) else ''}]"


def _number(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _place(file: str, line: int, folder: str) -> str:
    inside = file.startswith(folder.rstrip(os.sep) + os.sep)
    return f"{os.path.relpath(file, folder) if inside else file}:{line}"

"""Finds the steps at which two runs differ, and judges by how much. It must not know how they were run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tracedbg.compare.align import Pair, align
from tracedbg.compare.records import OpRecord, StepDifference, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from tracedbg.tensors import Difference, Tensors, TensorSummary

MAX_DIFFERENCES = 20
_TIMES_EAGER_ERROR = 10.0
_ERROR = 1e-5
_ROUNDING = {"float64": 1e-12, "complex128": 1e-12, "float32": 1e-5, "complex64": 1e-5, "float16": 1e-2}
_COARSE = 5e-2
"""For the floats that have fewer digits yet: `bfloat16`, `float8`."""


@dataclass(frozen=True)
class Limits:
    """How far two values may be apart that are still the same arithmetic in another order."""

    scale: float = 1.0
    """What the limits below are multiplied with."""

    def rounding(self, dtype: str) -> float:
        """Relative to the largest element; 0 for what is not rounded."""
        if "float" not in dtype and "complex" not in dtype:
            return 0.0
        return self.scale * _ROUNDING.get(dtype, _COARSE)

    def error(self, eager_error: float) -> float:
        """How far from float64 the traced value may be where eager's is known."""
        return self.scale * max(_TIMES_EAGER_ERROR * eager_error, _ERROR)


def judge(
    difference: Difference,
    eager: TensorSummary,
    limits: Limits,
    errors: tuple[float, float] | None = None,
) -> Verdict:
    """What is to be thought of two values of one step.

    Args:
        difference: of the eager value and the traced one.
        eager: the eager value.
        limits: how far they may be apart.
        errors: how far the eager and the traced value are from float64, at most, where that is known.
    """
    if difference.equal:
        return Verdict.EQUAL
    if not difference.same_shape or not difference.same_dtype or not difference.differing:
        return Verdict.DIFFERS
    if errors is not None:
        return Verdict.DIFFERS if not errors[1] <= limits.error(errors[0]) else Verdict.DRIFTS
    size = max(abs(eager.minimum or 0.0), abs(eager.maximum or 0.0))
    if eager.dtype.startswith("complex"):  # has no order; and its first elements say how large it is
        size = max((abs(value) for value in eager.first if math.isfinite(abs(value))), default=0.0)
    apart = difference.max_absolute
    return Verdict.DRIFTS if apart <= limits.rounding(eager.dtype) * size else Verdict.DIFFERS


@dataclass(frozen=True)
class Steps:
    """What came of laying two runs side by side."""

    differences: tuple[StepDifference, ...]
    """In order; at most `MAX_DIFFERENCES` that differ, and as many that drift."""
    compared: int
    unmatched: int

    def first(self) -> StepDifference | None:
        """The first that differs; if none does, the first that drifts."""
        ranked = [one for one in self.differences if one.verdict is not Verdict.DRIFTS]
        return next(iter(ranked or self.differences), None)


def compare_steps(  # noqa: PLR0913  the rest are by name
    eager: Sequence[OpRecord],
    traced: Sequence[OpRecord],
    tensors: Tensors,
    stage: str,
    *,
    limits: Limits | None = None,
    passive: Collection[str] = (),
    errors_of: Callable[[OpRecord, OpRecord, int], tuple[float, float] | None] = lambda *_: None,
) -> Steps:
    """Compare two runs step by step.

    Args:
        eager: the ops of the run that counts as right, in order.
        traced: those of the other.
        tensors: how to look at their values.
        stage: what the other run is of.
        limits: how far values may be apart.
        passive: types of ops that tracing puts in or takes out for its own ends: constants, shapes.
        errors_of: how far an output of the two is from float64, where that is known.
    """
    limits = limits or Limits()
    lines = _lines(eager), _lines(traced)
    found: list[StepDifference] = []
    compared = unmatched = 0
    room = dict.fromkeys(Verdict, MAX_DIFFERENCES)
    told: set[tuple[str, int]] = set()
    for pair in align(eager, traced):
        if pair.eager is not None and pair.traced is not None:
            if not pair.eager.line and pair.eager.op in passive:
                continue  # one of many such: nothing says that it is this one
            for at, (left, right) in enumerate(zip(pair.eager.values, pair.traced.values, strict=False)):
                if not (tensors.owns(left) and tensors.owns(right)):
                    continue
                compared += 1
                difference = tensors.difference(left, right)
                if difference.equal:
                    continue
                summary = tensors.summary(left)
                errors = errors_of(pair.eager, pair.traced, at)
                verdict = judge(difference, summary, limits, errors)
                if verdict is not Verdict.EQUAL and room[verdict]:
                    room[verdict] -= 1
                    whole = summary, tensors.summary(right), difference
                    both = pair.eager, pair.traced
                    found.append(_value(both, at, verdict, stage, whole, errors, tensors))
            continue
        unmatched += 1
        missing = _missing(pair, lines, passive, stage)
        if missing is not None and (missing.file, missing.line) not in told and room[missing.verdict]:
            room[missing.verdict] -= 1
            told.add((missing.file, missing.line))
            found.append(missing)
    return Steps(tuple(found), compared, unmatched)


def _lines(records: Sequence[OpRecord]) -> frozenset[tuple[str, int]]:
    return frozenset(record.place for record in records)


def _missing(
    pair: Pair, lines: tuple[frozenset[tuple[str, int]], ...], passive: Collection[str], stage: str
) -> StepDifference | None:
    """A line of the user's that only one of the runs has run."""
    record = pair.eager or pair.traced
    if record is None or record.op in passive or not record.line or record.is_backward:
        return None
    if record.place in lines[pair.eager is not None]:  # the line is in the other run as well
        return None
    verdict = Verdict.ONLY_EAGER if pair.eager is not None else Verdict.ONLY_TRACED
    return StepDifference(
        verdict,
        stage,
        record.file,
        record.line,
        record.function,
        record.op,
        record.name,
        iteration=record.iteration,
        cause=_ONLY[verdict],
    )


_ONLY = {
    Verdict.ONLY_EAGER: "run as Python it comes to this line; what was traced has nothing of it: a branch"
    " that was decided while it was traced",
    Verdict.ONLY_TRACED: "what was traced runs this line; run as Python it does not come to it: a branch that"
    " was decided while it was traced",
}


def _value(  # noqa: PLR0913, PLR0917  all that a difference consists of
    records: tuple[OpRecord, OpRecord],
    output: int,
    verdict: Verdict,
    stage: str,
    whole: tuple[TensorSummary, TensorSummary, Difference],
    errors: tuple[float, float] | None,
    tensors: Tensors,
) -> StepDifference:
    (eager, traced), (left, right, difference) = records, whole
    return StepDifference(
        verdict,
        stage,
        eager.file or traced.file,
        eager.line or traced.line,
        eager.function or traced.function,
        traced.op,
        traced.name or eager.name,
        output,
        traced.iteration,
        traced.is_backward,
        left,
        right,
        difference,
        errors[0] if errors else None,
        errors[1] if errors else None,
        _input_that_differs(eager, traced, tensors),
    )


def _input_that_differs(eager: OpRecord, traced: OpRecord, tensors: Tensors) -> str:
    """Which input had another value already; a constant, if one of those had."""
    for position, ((name, left), (_, right)) in enumerate(zip(eager.inputs, traced.inputs, strict=False)):
        if position not in traced.constants or not tensors.owns(right):
            continue
        if not _is_same(left, right, tensors):
            kept, now = _short(right, tensors), _short(left, tensors)
            return f"its input {name} is a constant, kept since it was traced: {kept}; Python gives {now} now"
    return ""


def _is_same(left: Any, right: Any, tensors: Tensors) -> bool:
    """Whether what Python passed, a number maybe, is the constant."""
    if not tensors.owns(left):
        try:
            left = tensors.like(left, right)
        except ValueError:
            return False
    return tensors.difference(left, right).equal


def _short(value: Any, tensors: Tensors) -> str:
    """A value as a person would write it, if it is small."""
    if not tensors.owns(value):
        return repr(value)
    summary = tensors.summary(value, 4)
    if summary.count == 1 and summary.first:
        return repr(summary.first[0])
    rest = ", ..." if summary.count > len(summary.first) else ""
    return f"[{', '.join(map(repr, summary.first))}{rest}]"

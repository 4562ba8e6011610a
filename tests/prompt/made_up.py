"""A made-up program with a stack, ops and tensors, for frontends."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from tracedbg.events import OpSite
from tracedbg.tensors import Difference, TensorSummary


class Numbers:
    """A tensor of one dimension."""

    def __init__(self, *values):
        self.values = list(values)


class NumbersTensors:
    """Knows `Numbers`."""

    name = "made-up"

    def owns(self, value):
        return type(value) is Numbers

    def spec(self, value):
        return "float32", (len(value.values),)

    def is_bad(self, value, *, infinite):
        return any(math.isinf(one) if infinite else math.isnan(one) for one in value.values)

    def summary(self, value, first=8):
        finite = [one for one in value.values if math.isfinite(one)]
        return TensorSummary(
            "Numbers",
            "float32",
            (len(value.values),),
            "cpu",
            strides=(1,),
            count=len(value.values),
            minimum=min(finite, default=None),
            maximum=max(finite, default=None),
            mean=sum(finite) / len(finite) if finite else None,
            nans=sum(math.isnan(one) for one in value.values),
            zeros=value.values.count(0.0),
            first=tuple(value.values[:first]),
        )

    def histogram(self, value, bins):
        low, high = min(value.values), max(value.values)
        size = (high - low) / bins
        edges = [low + size * index for index in range(bins + 1)]
        counts = [0] * bins
        for one in value.values:
            counts[min(int((one - low) / size), bins - 1)] += 1
        return edges, counts

    def window(self, value, index):
        return eval(f"values[{index}]", {"values": value.values})

    def bytes(self, value, offset, size):
        return b""

    def difference(self, left, right):
        pairs = list(zip(left.values, right.values, strict=False))
        if len(left.values) != len(right.values):
            return Difference(same_shape=False, same_dtype=True, equal=False)
        far = [abs(a - b) for a, b in pairs]
        if not any(far):
            return Difference(same_shape=True, same_dtype=True, equal=True)
        at = far.index(max(far))
        return Difference(
            same_shape=True,
            same_dtype=True,
            equal=False,
            differing=sum(one > 0 for one in far),
            max_absolute=far[at],
            max_relative=far[at] / abs(pairs[at][0]),
            at=(at,),
            left=pairs[at][0],
            right=pairs[at][1],
        )

    def like(self, value, old):
        if isinstance(value, (int, float)):
            return Numbers(*[float(value)] * len(old.values))
        if isinstance(value, list) and len(value) == len(old.values):
            return Numbers(*map(float, value))
        raise ValueError(f"{value!r} does not fit float32[{len(old.values)}]")

    def items(self, value, start, count):
        return [(f"[{start + at}]", one) for at, one in enumerate(value.values[start : start + count])]


@dataclass
class Frame:
    function: str
    file: str
    line: int
    locals: dict
    globals: dict = field(default_factory=lambda: {"limit": 10, "__name__": "made_up"})
    is_traced: bool = True
    is_user: bool = True

    def variables(self):
        return self.locals

    def names(self):
        return self.globals

    def assign(self, name, value):
        from tracedbg.debugging import CannotAssignError

        if name not in self.locals:
            raise CannotAssignError(f"no variable named {name!r} in {self.function}")
        self.locals[name] = value


@dataclass
class Op:
    site: OpSite
    index: int
    given: list = field(default_factory=list)
    made: list = field(default_factory=list)

    def inputs(self):
        return self.given

    def outputs(self):
        return self.made


@dataclass
class Walk:
    sites: list
    function: str = "Net.forward"
    graph: str = "0/0 forward"
    notes: tuple = ("floats may differ in the last digits",)


@dataclass
class Point:
    """A view of the innermost of `stack`."""

    stack: list
    walk: Walk | None = None
    op: Op | None = None
    iteration: int | None = None
    is_backward: bool = False
    depth: int = 1

    @property
    def file(self):
        return self.stack[0].file

    @property
    def line(self):
        return self.stack[0].line

    def frames(self):
        return self.stack

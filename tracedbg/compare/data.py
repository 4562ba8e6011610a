"""A comparison as JSON, and back. Numbers that JSON has not (NaN, infinities) are strings in it."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from typing import Any

from tracedbg.compare.records import Comparison, StepDifference, Verdict
from tracedbg.tensors import Difference, TensorSummary

FORMAT = 1


def to_data(one: Any) -> Any:
    """A comparison, or a part of one, as what JSON knows."""
    if isinstance(one, Verdict):
        return one.value
    if is_dataclass(one) and not isinstance(one, type):
        return {field.name: to_data(getattr(one, field.name)) for field in fields(one)}
    if isinstance(one, (list, tuple)):
        return [to_data(part) for part in one]
    if isinstance(one, float) and not math.isfinite(one):
        return repr(one)
    if one is None or isinstance(one, (bool, int, float, str)):
        return one
    return str(one)  # a complex number, the bytes of a string tensor


def from_data(data: dict[str, Any]) -> Comparison:
    """What `to_data` has made; elements that are no numbers stay strings."""
    first = data["first"]
    return Comparison(
        **{
            **data,
            "verdict": Verdict(data["verdict"]),
            "stages": tuple(data["stages"]),
            "first": None if first is None else _step(first),
            "others": tuple(map(_step, data["others"])),
            "notes": tuple(data["notes"]),
        }
    )


def _step(data: dict[str, Any]) -> StepDifference:
    difference = data["difference"]
    return StepDifference(
        **{
            **data,
            "verdict": Verdict(data["verdict"]),
            "eager": _summary(data["eager"]),
            "traced": _summary(data["traced"]),
            "difference": None if difference is None else _difference(difference),
            "eager_error": _float(data["eager_error"]),
            "traced_error": _float(data["traced_error"]),
        }
    )


def _summary(data: dict[str, Any] | None) -> TensorSummary | None:
    if data is None:
        return None
    strides = data["strides"]
    numbers = {name: _float(data[name]) for name in ("minimum", "maximum", "mean", "deviation")}
    return TensorSummary(
        **{
            **data,
            **numbers,
            "shape": tuple(data["shape"]),
            "strides": None if strides is None else tuple(strides),
            "first": tuple(_element(value) for value in data["first"]),
        }
    )


def _difference(data: dict[str, Any]) -> Difference:
    return Difference(
        **{
            **data,
            "max_absolute": float(data["max_absolute"]),
            "max_relative": float(data["max_relative"]),
            "at": tuple(data["at"]),
            "left": _float(data["left"]),
            "right": _float(data["right"]),
        }
    )


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


def _element(value: Any) -> Any:
    return float(value) if value in ("nan", "inf", "-inf") else value

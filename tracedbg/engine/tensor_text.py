"""Tensors, their numbers and their differences in words.

It must not know whose tensors they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.tensors import Difference, TensorSummary

_FEW = 6
_EXACT = 1e15


def number(value: float | None) -> str:
    """A number of a tensor, with six significant digits; integers in full."""
    if value is None:
        return "none"
    is_whole = abs(value) < _EXACT and value == int(value)
    return str(int(value)) if is_whole else f"{value:.6g}"


def dims(shape: Sequence[int] | None) -> str:
    """A shape in brackets; `?` where it is not known."""
    if shape is None:
        return "[?]"
    return "[" + ", ".join("?" if size < 0 else str(size) for size in shape) + "]"


def short_spec(dtype: str, shape: Sequence[int] | None) -> str:
    """`float32[2, 3]`."""
    return f"{dtype}{dims(shape)}"


def element(value: object) -> str:
    """An element, as Python writes it; floats with six digits."""
    if isinstance(value, float):
        text = f"{value:.6g}"
        return text if any(mark in text for mark in ".einf") else f"{text}.0"
    return repr(value)


def tensor_line(summary: TensorSummary) -> str:
    """`float32[2, 3] cpu  min -1 max 3 mean 0.5  2 NaN  [1.0, 2.0, ...]`."""
    head = f"{short_spec(summary.dtype, summary.shape)} {summary.device}".rstrip()
    if summary.layout:
        head += f" {summary.layout}"
    parts = [head, _range(summary), _counts(summary), _first(summary), summary.note]
    return "  ".join(part for part in parts if part)


def _range(summary: TensorSummary) -> str:
    if summary.minimum is None or summary.count <= 1:
        return ""
    texts = [f"min {number(summary.minimum)}", f"max {number(summary.maximum)}"]
    if summary.mean is not None:
        texts.append(f"mean {number(summary.mean)}")
    return " ".join(texts)


def _counts(summary: TensorSummary) -> str:
    texts = [f"{summary.nans:,} NaN"] if summary.nans else []
    if summary.infinities:
        texts.append(f"{summary.infinities:,} inf")
    return ", ".join(texts)


def _first(summary: TensorSummary) -> str:
    if not summary.first:
        return ""
    if not summary.shape:
        return element(summary.first[0])
    shown = [element(one) for one in summary.first[:_FEW]]
    if summary.count > len(shown):
        shown.append("...")
    return f"[{', '.join(shown)}]"


def facts(summary: TensorSummary) -> list[tuple[str, Any]]:
    """All that is known of a tensor, by name; what has no meaning for it is left out."""
    known: list[tuple[str, Any]] = [
        ("type", summary.type_name),
        ("dtype", summary.dtype),
        ("shape", summary.shape),
    ]
    if summary.device:
        known.append(("device", summary.device))
    if summary.strides is not None:
        known.append(("strides", summary.strides))
    if summary.layout:
        known.append(("layout", summary.layout))
    if summary.requires_grad is not None:
        known.append(("requires_grad", summary.requires_grad))
    known.append(("count", summary.count))
    numbers = [
        ("min", summary.minimum),
        ("max", summary.maximum),
        ("mean", summary.mean),
        ("deviation", summary.deviation),
    ]
    known += [(name, value) for name, value in numbers if value is not None]
    if summary.count and not summary.note:
        known += [("NaN", summary.nans), ("infinities", summary.infinities), ("zeros", summary.zeros)]
    if summary.note:
        known.append(("note", summary.note))
    return known


def difference_text(found: Difference, count: int) -> str:
    """What a comparison has found, in words.

    Args:
        found: by `Tensors.difference`.
        count: how many elements one of the two has.
    """
    if not found.same_shape:
        return "different shapes"
    dtypes = "" if found.same_dtype else "; different dtypes"
    if found.equal:
        return "equal, bit for bit"
    if not found.differing:
        return f"equal values{dtypes}" if dtypes else "equal values, not bit for bit: -0.0 and 0.0"
    at = f" at {dims(found.at)}" if found.at else ""
    pair = "" if found.left is None else f": {number(found.left)} and {number(found.right)}"
    return (
        f"{found.differing:,} of {count:,} elements differ, by at most {found.max_absolute:.3g}{at}{pair}"
        f" (relative {found.max_relative:.3g}){dtypes}"
    )

"""What can be told of a NumPy array: numbers over its finite elements, differences, slices.

Works through arrays in pieces, so that a look at a large tensor does not take several times its memory.
It must not know a framework.
"""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tracedbg.tensors import Difference

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE = 1 << 20
"""Elements looked at in one go."""
_REGISTERED = 2
"""`dtype.isbuiltin` of a type that another package has brought to NumPy."""


@dataclass(frozen=True)
class Numbers:
    """See the fields of the same names in `TensorSummary`."""

    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    deviation: float | None = None
    nans: int = 0
    infinities: int = 0
    zeros: int = 0


def is_real(array: Any) -> bool:
    """Whether the elements are ordered numbers; ml_dtypes' own (`bfloat16`, `float8`, `int4`) are."""
    return array.dtype.kind in "iuf" or _is_extension(array)


def is_number(array: Any) -> bool:
    """Whether the elements can be counted as zeros, or compared by their distance."""
    return is_real(array) or array.dtype.kind in "bc"


def _is_extension(array: Any) -> bool:
    return array.dtype.kind == "V" and array.dtype.fields is None and array.dtype.isbuiltin == _REGISTERED


def _has_nans(array: Any) -> bool:
    return array.dtype.kind in "fc" or (_is_extension(array) and "float" in array.dtype.name)


def pieces(array: Any, size: int = PIECE) -> Iterator[Any]:
    """The elements in row-major order, as flat arrays of at most `size`."""
    flat = array.reshape(-1)
    for start in range(0, max(flat.size, 1), size):
        yield flat[start : start + size]


def _wide(piece: Any) -> Any:
    """A piece of real numbers in float64."""
    import numpy as np

    return piece.astype(np.float64)


def is_bad(array: Any, *, infinite: bool) -> bool:
    """Whether there is a NaN among the elements, or an infinity if `infinite`."""
    import numpy as np

    if not _has_nans(array):
        return False
    found = np.isinf if infinite else np.isnan
    with np.errstate(all="ignore"):
        for piece in pieces(array):
            if bool(found(_wide(piece) if _is_extension(array) else piece).any()):
                return True
    return False


def numbers(array: Any) -> Numbers:
    """All of them, in float64."""
    import numpy as np

    if not is_number(array) or array.size == 0:
        return Numbers()
    with np.errstate(all="ignore"):
        if array.dtype.kind == "b":
            return Numbers(zeros=int(array.size - np.count_nonzero(array)))
        if array.dtype.kind == "c":
            return Numbers(
                nans=int(np.isnan(array).sum()),
                infinities=int(np.isinf(array).sum()),
                zeros=int(array.size - np.count_nonzero(array)),
            )
        return _real_numbers(array)


def _real_numbers(array: Any) -> Numbers:
    """By Chan's rule for joining the means and squared deviations of pieces."""
    import numpy as np

    count = nans = infinities = zeros = 0
    lowest, highest, mean, squares = math.inf, -math.inf, 0.0, 0.0
    for piece in pieces(array):
        wide = _wide(piece)
        nans += int(np.isnan(wide).sum())
        infinities += int(np.isinf(wide).sum())
        finite = wide[np.isfinite(wide)]
        zeros += int((finite == 0).sum())
        if finite.size == 0:
            continue
        lowest, highest = min(lowest, float(finite.min())), max(highest, float(finite.max()))
        piece_mean = float(finite.mean())
        shift, total = piece_mean - mean, count + finite.size
        squares += float(((finite - piece_mean) ** 2).sum()) + shift * shift * count * finite.size / total
        mean += shift * finite.size / total
        count = total
    if count == 0:
        return Numbers(nans=nans, infinities=infinities, zeros=zeros)
    return Numbers(lowest, highest, mean, math.sqrt(squares / count), nans, infinities, zeros)


def histogram(array: Any, bins: int) -> tuple[list[float], list[int]]:
    """See `Tensors.histogram`."""
    import numpy as np

    if not is_real(array):
        return [], []
    with np.errstate(all="ignore"):
        found = _real_numbers(array)
        if found.minimum is None or found.maximum is None:
            return [], []
        counts = np.zeros(bins, dtype=np.int64)
        edges = np.zeros(0)
        for piece in pieces(array):
            wide = _wide(piece)
            here, edges = np.histogram(wide[np.isfinite(wide)], bins, (found.minimum, found.maximum))
            counts += here
    return edges.tolist(), counts.tolist()


def difference(left: Any, right: Any) -> Difference:
    """See `Tensors.difference`: elements differ unless their bits are the same, or both are NaN."""
    import numpy as np

    same_shape, same_dtype = left.shape == right.shape, left.dtype == right.dtype
    if not same_shape:
        return Difference(same_shape, same_dtype, equal=False)
    differing, worst, relative, where = 0, -1.0, 0.0, -1
    with np.errstate(all="ignore"):
        for number, (a, b) in enumerate(zip(pieces(left), pieces(right), strict=True)):
            differs = ~_same(a, b)
            if not differs.any():
                continue
            differing += int(differs.sum())
            absolute, fraction = _distances(a, b, differs)
            at = int(absolute.argmax())
            relative = max(relative, float(fraction.max()))
            if float(absolute[at]) > worst:
                worst, where = float(absolute[at]), number * PIECE + at
    if where < 0:
        return Difference(same_shape, same_dtype, equal=same_dtype)
    index = tuple(int(at) for at in np.unravel_index(where, left.shape)) if left.shape else ()
    return Difference(
        same_shape,
        same_dtype,
        equal=False,
        differing=differing,
        max_absolute=max(worst, 0.0),
        max_relative=relative,
        at=index,
        left=_as_float(left.reshape(-1)[where]),
        right=_as_float(right.reshape(-1)[where]),
    )


def _same(a: Any, b: Any) -> Any:
    import numpy as np

    if a.dtype != b.dtype and is_number(a) and is_number(b):
        a, b = _comparable(a), _comparable(b)
    same = np.asarray(a == b)
    if _has_nans(a) and _has_nans(b):
        kind = a if a.dtype.kind in "fc" else _wide(a)
        other = b if b.dtype.kind in "fc" else _wide(b)
        same = same & ((kind != 0) | (_sign(kind) == _sign(other))) | (np.isnan(kind) & np.isnan(other))
    return same


def _sign(values: Any) -> Any:
    """What tells 0.0 from -0.0: equal, but not in their bits."""
    import numpy as np

    if values.dtype.kind == "c":
        return np.signbit(values.real) * 2 + np.signbit(values.imag)
    return np.signbit(values)


def _comparable(values: Any) -> Any:
    """In a type that holds every value of the type: all integers of 64 bits have a place in longdouble."""
    import numpy as np

    if values.dtype.kind == "c":
        return values.astype(np.complex128)
    if values.dtype.kind in "iu":
        return values.astype(np.longdouble)
    return values.astype(np.float64)


def _distances(a: Any, b: Any, differs: Any) -> tuple[Any, Any]:
    """Absolute and relative distance of each element; infinite where only one of the two is a number."""
    import numpy as np

    if not (is_number(a) and is_number(b)):
        return differs.astype(np.float64), differs.astype(np.float64)
    left, right = _comparable(a), _comparable(b)
    absolute = np.abs(left - right)
    absolute = np.where(np.isnan(absolute), np.inf, absolute)
    absolute = np.where(differs, absolute, 0.0)
    size = np.maximum(np.abs(left), np.abs(right))
    fraction = np.where(np.isfinite(absolute) & (size > 0), absolute / size, absolute)
    return absolute, fraction


def _as_float(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def parse_index(text: str) -> tuple[Any, ...]:
    """What stands between brackets in Python, as integers, slices and `...`; nothing is evaluated.

    Raises:
        ValueError: it is not that, with a text for a person.
    """
    if not text.strip():
        return ()
    try:
        subscript = ast.parse(f"x[{text}]", mode="eval").body
    except SyntaxError:
        subscript = None
    if not isinstance(subscript, ast.Subscript) or not isinstance(subscript.value, ast.Name):
        raise ValueError(f"[{text}] is not a slice, such as [0, :10, ::2]")  # noqa: TRY004  a text, not a type
    inner = subscript.slice
    parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    return tuple(_index_part(part, text) for part in parts)


def _index_part(part: ast.expr, text: str) -> Any:
    if isinstance(part, ast.Slice):
        return slice(*(_whole(one, text) for one in (part.lower, part.upper, part.step)))
    if isinstance(part, ast.Constant) and part.value is Ellipsis:
        return Ellipsis
    return _whole(part, text)


def _whole(part: ast.expr | None, text: str) -> int | None:
    if part is None:
        return None
    sign = -1 if isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.USub) else 1
    number = part.operand if isinstance(part, ast.UnaryOp) and sign < 0 else part
    if isinstance(number, ast.Constant) and type(number.value) is int:
        return sign * number.value
    raise ValueError(f"[{text}] holds more than integers, slices and `...`")


def pick(rows: Any, index: tuple[Any, ...], text: str) -> Any:
    """A slice of nested lists whose rows differ in length.

    Raises:
        ValueError: there is no such part.
    """
    if not index:
        return rows
    first, *rest = index
    if first is Ellipsis or not isinstance(rows, list):
        raise ValueError(f"[{text}] does not fit a ragged tensor")
    if isinstance(first, slice):
        return [pick(row, tuple(rest), text) for row in rows[first]]
    try:
        return pick(rows[first], tuple(rest), text)
    except IndexError:
        raise ValueError(f"[{text}]: there are {len(rows)} rows there") from None

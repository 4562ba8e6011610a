"""How the debugger looks at TensorFlow's tensors: dense, ragged, sparse, slices, variables, Keras' variables.

A look leaves no trace: no tape records or watches it, no random stream moves, no hook on ops sees it.
It must not know breakpoints or screens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracedbg.adapters import arrays
from tracedbg.adapters.tf_common.reading import (
    Parts,
    UnreadableError,
    layout_of,
    make,
    parts_of,
    plain,
    rows_of,
    short_device,
)
from tracedbg.tensors import Difference, TensorSummary

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_DENSE = 1 << 24
"""Elements of a sparse tensor that are laid out for a slice of it."""
_UNKNOWN = -1
"""A size that is not known, of a symbolic tensor."""


class TfTensors:
    """See `tracedbg.tensors.Tensors`."""

    name = "tensorflow"

    def __init__(self) -> None:
        import tensorflow as tf

        self._kinds = (
            tf.__internal__.types.Tensor,  # eager and symbolic tensors, variables, and Keras' variables
            tf.Variable,
            tf.RaggedTensor,
            tf.SparseTensor,
            tf.IndexedSlices,
        )

    def owns(self, value: object) -> bool:
        """See `Tensors`; the same for the methods below."""
        return isinstance(value, self._kinds)

    def spec(self, value: Any) -> tuple[str, tuple[int, ...] | None]:  # noqa: D102
        dtype = _dtype_name(value)
        try:
            sizes = tuple(value.shape)
        except Exception:  # a shape of unknown rank has no length
            return dtype, None
        return dtype, tuple(_UNKNOWN if size is None else int(size) for size in sizes)

    def is_bad(self, value: Any, *, infinite: bool) -> bool:  # noqa: D102
        if not (plain(value).dtype.is_floating or plain(value).dtype.is_complex):
            return False
        try:
            return arrays.is_bad(parts_of(value).values, infinite=infinite)
        except UnreadableError:
            return False

    def summary(self, value: Any, first: int = 8) -> TensorSummary:  # noqa: D102
        dtype, sizes = self.spec(value)
        try:
            parts = parts_of(value)
        except UnreadableError as unreadable:
            note = str(unreadable)
            return TensorSummary(_type_name(value), dtype, sizes or (), _device(value), note=note)
        values = parts.values
        told = vars(arrays.numbers(values))
        return TensorSummary(
            type_name=_type_name(value),
            dtype=dtype,
            shape=parts.shape,
            device=_device(value),
            layout=parts.layout,
            requires_grad=_is_trainable(value),
            count=values.size,
            first=tuple(values.reshape(-1)[:first].tolist()),
            note=_stored_note(parts),
            **told,
        )

    def histogram(self, value: Any, bins: int) -> tuple[list[float], list[int]]:  # noqa: D102
        try:
            return arrays.histogram(parts_of(value).values, bins)
        except UnreadableError:
            return [], []

    def window(self, value: Any, index: str) -> Any:  # noqa: D102
        wanted = arrays.parse_index(index)
        parts = _readable(value)
        if parts.layout == "ragged":
            return arrays.pick(rows_of(parts), wanted, index)
        try:
            found = _dense(parts)[wanted]
        except IndexError as error:
            raise ValueError(f"[{index}]: {error}") from None
        return found.tolist() if hasattr(found, "tolist") else found  # a single string is Python's already

    def bytes(self, value: Any, offset: int, size: int) -> bytes:  # noqa: D102
        try:
            values = parts_of(value).values
        except UnreadableError:
            return b""
        if values.dtype.hasobject or offset < 0 or size <= 0:
            return b""
        import numpy as np

        found: bytes = (
            np.ascontiguousarray(values).reshape(-1).view(np.uint8)[offset : offset + size].tobytes()
        )
        return found

    def difference(self, left: Any, right: Any) -> Difference:  # noqa: D102
        try:
            a, b = parts_of(left), parts_of(right)
            if a.layout != b.layout or not _same_places(a, b):
                a, b = _without_layout(a), _without_layout(b)
        except (UnreadableError, ValueError):
            same = self.spec(left), self.spec(right)
            same_dtype, same_shape = same[0][0] == same[1][0], same[0][1] == same[1][1]
            return Difference(same_shape, same_dtype, equal=left is right)
        if a.shape != b.shape:
            return Difference(same_shape=False, same_dtype=a.values.dtype == b.values.dtype, equal=False)
        return arrays.difference(a.values, b.values)

    def like(self, value: object, old: Any) -> Any:  # noqa: D102
        import numpy as np

        dtype, sizes = self.spec(old)
        kind = plain(old).dtype
        if layout_of(old) or kind.name in ("resource", "variant"):
            raise ValueError(f"a {_type_name(old)} of {dtype} cannot be written as numbers")
        try:
            given = np.asarray(value, dtype=object if kind.name == "string" else None)
        except ValueError:
            raise ValueError("the rows differ in length") from None
        _check_fits(given, kind, value)
        if given.shape == ():
            if sizes is None or _UNKNOWN in sizes:
                raise ValueError("the shape of the tensor is not known")
            given = np.full(sizes, given, dtype=given.dtype)
        try:
            return make(given, _full_device(old), kind)
        except Exception as error:
            raise ValueError(f"{value!r} does not fit {dtype}: {error}") from error

    def items(self, value: Any, start: int, count: int) -> Sequence[tuple[str, Any]]:  # noqa: D102
        try:
            parts = parts_of(value)
        except UnreadableError:
            return ()
        stop = start + count
        if parts.layout == "ragged":
            rows = rows_of(parts)[start:stop]
            return [(f"[{number}]", row) for number, row in enumerate(rows, start)]
        chosen = parts.values[start:stop] if parts.values.ndim else parts.values[None][0:0]
        names = [f"[{number}]" for number in range(start, start + len(chosen))]
        if parts.indices is not None:
            places = parts.indices[start:stop].tolist()
            names = [f"[{', '.join(map(str, at if isinstance(at, list) else [at]))}]" for at in places]
        if parts.values.ndim <= 1:
            return list(zip(names, chosen.tolist(), strict=True))
        device, dtype = _full_device(value), plain(value).dtype
        return [(name, make(row, device, dtype)) for name, row in zip(names, chosen, strict=True)]


def _type_name(value: Any) -> str:
    name = type(value).__name__
    return "Variable" if name == "ResourceVariable" else name


def _dtype_name(value: Any) -> str:
    dtype = plain(value).dtype
    return str(getattr(dtype, "name", dtype))


def _full_device(value: Any) -> str:
    value = plain(value)
    try:
        return str(value.device or "")
    except Exception:  # composite tensors have none of their own, and slices without values neither
        held = getattr(value, "values", None)
        return str(getattr(held, "device", "") or "")


def _device(value: Any) -> str:
    return short_device(_full_device(value))


def _is_trainable(value: Any) -> bool | None:
    found = getattr(plain(value), "trainable", None)
    return found if isinstance(found, bool) else None


def _stored_note(parts: Parts) -> str:
    if parts.layout == "ragged":
        return "ragged: the shape is that of the longest rows"
    if parts.layout == "sparse_coo":
        size = 1
        for one in parts.shape:
            size *= one
        return f"sparse: {len(parts.values)} of {size} elements are stored"
    if parts.layout == "slices":
        return f"slices: {len(parts.values)} of {parts.shape[0]} rows are stored"
    return ""


def _readable(value: Any) -> Parts:
    try:
        return parts_of(value)
    except UnreadableError as unreadable:
        raise ValueError(str(unreadable)) from None


def _dense(parts: Parts) -> Any:
    """All elements of what is not ragged; slices of one row are added up, as an update by them would.

    Raises:
        ValueError: there are too many.
    """
    import numpy as np

    if not parts.layout:
        return parts.values
    if np.prod(parts.shape, dtype=np.float64) > _MAX_DENSE:
        raise ValueError(f"too large to lay out: {' x '.join(map(str, parts.shape))}")
    values = parts.values
    whole = np.zeros(parts.shape, values.dtype)
    if values.dtype.hasobject:
        whole.fill(b"")
    if parts.layout == "sparse_coo":
        whole[tuple(parts.indices.T)] = values
    elif parts.indices.size and int(parts.indices.max()) < parts.shape[0]:
        np.add.at(whole, parts.indices, values)
    elif parts.indices.size:  # the size of the whole is not known
        return values
    return whole


def _same_places(a: Parts, b: Parts) -> bool:
    import numpy as np

    if a.indices is not None and not np.array_equal(a.indices, b.indices):
        return False
    return len(a.splits) == len(b.splits) and all(
        np.array_equal(one, other) for one, other in zip(a.splits, b.splits, strict=True)
    )


def _without_layout(parts: Parts) -> Parts:
    """As dense.

    Raises:
        ValueError: it is ragged, or too large.
    """
    if parts.layout == "ragged":
        raise ValueError("ragged")
    whole = _dense(parts)
    return Parts(whole, shape=whole.shape)


def _check_fits(given: Any, kind: Any, value: object) -> None:
    """TensorFlow itself would take 300 for a `uint8`, and make 44 of it.

    Raises:
        ValueError: it does not fit.
    """
    if kind.name == "string":
        for one in given.reshape(-1):
            if not isinstance(one, (str, bytes)):
                raise ValueError(f"{one!r} is no string")  # noqa: TRY004  one error for all that does not fit
        return
    if given.dtype.kind not in "biufc":
        raise ValueError(f"{value!r} is no number, nor a nested list of numbers")
    if kind.is_bool and given.dtype.kind != "b":
        raise ValueError(f"{value!r} is not True or False")
    if given.dtype.kind == "c" and not kind.is_complex:
        raise ValueError(f"{value!r} is complex, and {kind.name} is not")
    if not kind.is_integer or given.size == 0:
        return
    if given.dtype.kind == "f":
        raise ValueError(f"{value!r} is not a whole number, and {kind.name} holds no others")
    low, high = int(given.min()), int(given.max())
    if low < kind.min or high > kind.max:
        raise ValueError(
            f"{low if low < kind.min else high} is outside of {kind.name}: {kind.min} to {kind.max}"
        )

"""How the debugger looks at torch's tensors: dense, sparse, quantized, nested, wrapped, without values.

A look leaves no trace: no graph grows, no mode or subclass sees it, no random stream moves.
It must not know breakpoints or screens.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tracedbg.adapters import arrays
from tracedbg.adapters.torch_common.quiet import quietly
from tracedbg.adapters.torch_common.reading import (
    UnreadableError,
    array_of,
    dtype_name,
    is_batched,
    layout_of,
    stored,
)
from tracedbg.tensors import Difference, TensorSummary

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_DENSE = 1 << 24
"""Elements of a sparse tensor that are laid out for a slice of it."""


class TorchTensors:
    """See `tracedbg.tensors.Tensors`."""

    name = "torch"

    def __init__(self) -> None:
        import torch

        self._kind = torch.Tensor

    def owns(self, value: object) -> bool:
        """See `Tensors`; the same for the methods below."""
        return issubclass(type(value), self._kind)  # `isinstance` would ask a subclass for its `__class__`

    def spec(self, value: Any) -> tuple[str, tuple[int, ...] | None]:  # noqa: D102
        with quietly():
            try:
                return dtype_name(value), _sizes(value)
            except Exception:  # a nested tensor's ragged dimension has no size
                return dtype_name(value), None

    def is_bad(self, value: Any, *, infinite: bool) -> bool:  # noqa: D102
        import torch

        with quietly():
            if not (value.dtype.is_floating_point or value.dtype.is_complex):
                return False
            try:
                plain = stored(value)
            except UnreadableError:
                return False
            if plain.numel() == 0:
                return False
            if dtype_name(plain).startswith(("float8", "complex32")):
                plain = plain.to(torch.complex64 if plain.dtype.is_complex else torch.float32)
            # One pass that allocates nothing: a sum of finite numbers is finite unless it overflows.
            total = plain.sum()
            if bool(torch.isfinite(total)):
                return False
            found = torch.isinf(plain) if infinite else torch.isnan(plain)
            return bool(found.any())

    def summary(self, value: Any, first: int = 8) -> TensorSummary:  # noqa: D102
        dtype, sizes = self.spec(value)
        with quietly():
            described = TensorSummary(
                type_name=type(value).__name__,
                dtype=dtype,
                shape=sizes or (),
                device=str(value.device),
                strides=_strides(value),
                layout=layout_of(value),
                requires_grad=bool(value.requires_grad),
            )
            try:
                values = array_of(value)
            except UnreadableError as unreadable:
                return replace(described, note=str(unreadable))
            told = vars(arrays.numbers(values))
            return replace(
                described,
                count=values.size,
                first=tuple(values.reshape(-1)[:first].tolist()),
                note=_note(value, values.size),
                **told,
            )

    def histogram(self, value: Any, bins: int) -> tuple[list[float], list[int]]:  # noqa: D102
        with quietly():
            try:
                return arrays.histogram(array_of(value), bins)
            except UnreadableError:
                return [], []

    def window(self, value: Any, index: str) -> Any:  # noqa: D102
        wanted = arrays.parse_index(index)
        with quietly():
            if layout_of(value) == "nested":
                rows = [array_of(one).tolist() for one in value.unbind()]
                return arrays.pick(rows, wanted, index)
            values = _readable(_dense(value))
        try:
            return values[wanted].tolist()
        except IndexError as error:
            raise ValueError(f"[{index}]: {error}") from None

    def bytes(self, value: Any, offset: int, size: int) -> bytes:  # noqa: D102
        import torch

        if offset < 0 or size <= 0:
            return b""
        with quietly():
            try:
                plain = stored(value).detach().contiguous().resolve_conj().resolve_neg()
                flat = plain.reshape(-1).view(torch.uint8)[offset : offset + size]
                found: bytes = flat.cpu().numpy().tobytes()
            except Exception:  # no values, or none that lie in memory
                return b""
        return found

    def difference(self, left: Any, right: Any) -> Difference:  # noqa: D102
        with quietly():
            same_dtype = left.dtype == right.dtype
            try:
                a, b = array_of(_dense(left)), array_of(_dense(right))
            except (UnreadableError, ValueError):
                return Difference(_sizes(left) == _sizes(right), same_dtype, equal=left is right)
        found = arrays.difference(a, b)
        if same_dtype == found.same_dtype:
            return found
        # NumPy has no bfloat16: two types of torch's may be one of its own.
        return replace(found, same_dtype=same_dtype, equal=found.equal and same_dtype)

    def like(self, value: object, old: Any) -> Any:  # noqa: D102
        import torch

        with quietly():
            if layout_of(old):
                raise ValueError(f"a {layout_of(old)} tensor cannot be written as numbers")
            try:
                given = torch.as_tensor(value)
            except (TypeError, ValueError, RuntimeError) as error:
                raise ValueError(f"{value!r} is no number, nor a nested list of numbers") from error
            _check_fits(given, old.dtype, value)
            made = given.to(old.dtype).to(old.device)
            if made.dim() == 0:
                made = made.expand(_sizes(old)).clone()
            return made.requires_grad_() if old.requires_grad and old.is_leaf else made

    def items(self, value: Any, start: int, count: int) -> Sequence[tuple[str, Any]]:  # noqa: D102
        with quietly():
            try:
                if layout_of(value) == "nested":
                    rows = value.unbind()[start : start + count]
                    return [(f"[{at}]", row) for at, row in enumerate(rows, start)]
                plain = _dense(value)
                if plain.dim() == 0:
                    return ()
                part = stored(plain)[start : start + count].detach()
                found = list(part.unbind()) if part.dim() > 1 else array_of(part).tolist()
            except (UnreadableError, ValueError):
                return ()
        return [(f"[{at}]", one) for at, one in enumerate(found, start)]


def _sizes(value: Any) -> tuple[int, ...]:
    return tuple(int(size) for size in value.shape)


def _strides(value: Any) -> tuple[int, ...] | None:
    try:
        return tuple(int(step) for step in value.stride())
    except Exception:  # only dense ones have any
        return None


def _note(value: Any, count: int) -> str:
    if is_batched(value):
        return "inside of vmap: the numbers are those of the whole batch"
    layout = layout_of(value)
    if layout == "nested":
        return "nested: the rows differ in length"
    if layout == "quantized":
        return "quantized: the numbers are those that it stands for"
    if layout.startswith("sparse"):
        return f"sparse: {count} of {value.numel()} elements are stored"
    return ""


def _readable(value: Any) -> Any:
    try:
        return array_of(value)
    except UnreadableError as unreadable:
        raise ValueError(str(unreadable)) from None


def _dense(value: Any) -> Any:
    """All elements of a sparse tensor; any other as it is.

    Raises:
        ValueError: there are too many.
    """
    if not layout_of(value).startswith("sparse"):
        return value
    if value.numel() > _MAX_DENSE:
        raise ValueError(f"too large to lay out: {' x '.join(map(str, _sizes(value)))}")
    return value.detach().to_dense()


def _check_fits(given: Any, dtype: Any, value: object) -> None:
    """Torch itself would take 300 for a `uint8`, and make 44 of it.

    Raises:
        ValueError: it does not fit.
    """
    import torch

    name = str(dtype).removeprefix("torch.")
    if dtype is torch.bool and given.dtype is not torch.bool:
        raise ValueError(f"{value!r} is not True or False")
    if given.dtype.is_complex and not dtype.is_complex:
        raise ValueError(f"{value!r} is complex, and {name} is not")
    if dtype.is_floating_point or dtype.is_complex or dtype is torch.bool or given.numel() == 0:
        return
    if given.dtype.is_floating_point:
        raise ValueError(f"{value!r} is not a whole number, and {name} holds no others")
    bounds = torch.iinfo(dtype)
    low, high = int(given.min()), int(given.max())
    if low < bounds.min or high > bounds.max:
        outside = low if low < bounds.min else high
        raise ValueError(f"{outside} is outside of {name}: {bounds.min} to {bounds.max}")

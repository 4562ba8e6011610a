"""How the debugger looks at NumPy's arrays of numbers, beside whatever framework is debugged.

It must not know breakpoints, screens, nor any framework.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from tracedbg.adapters import arrays
from tracedbg.tensors import TensorSummary

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from tracedbg.debugging import Debugger
    from tracedbg.hooks import Hooks
    from tracedbg.tensors import Difference


class NumpyArraysWalker:
    """A `Walker` that makes nothing stop: it only brings `NumpyTensors`."""

    name: ClassVar[str] = "numpy_arrays"
    modules: ClassVar[tuple[str, ...]] = ("numpy",)

    def attach(self, module: ModuleType, hooks: Hooks, debugger: Debugger) -> None:  # noqa: ARG002  of the Protocol
        """See `Walker`; nothing is installed."""
        debugger.add_tensors(NumpyTensors())


class NumpyTensors:
    """See `tracedbg.tensors.Tensors`. Arrays of objects are none: to look at one runs their code."""

    name = "numpy"

    def __init__(self) -> None:
        import numpy as np

        self._array = np.ndarray

    def owns(self, value: object) -> bool:
        """See `Tensors`; the same for the methods below."""
        return issubclass(type(value), self._array) and arrays.is_number(value)

    def spec(self, value: Any) -> tuple[str, tuple[int, ...] | None]:  # noqa: D102
        return value.dtype.name, value.shape

    def is_bad(self, value: Any, *, infinite: bool) -> bool:  # noqa: D102
        return arrays.is_bad(value, infinite=infinite)

    def summary(self, value: Any, first: int = 8) -> TensorSummary:  # noqa: D102
        told = vars(arrays.numbers(value))
        return TensorSummary(
            type_name=type(value).__name__,
            dtype=value.dtype.name,
            shape=value.shape,
            device="",
            strides=tuple(step // value.itemsize for step in value.strides),
            count=value.size,
            first=tuple(value.flat[:first].tolist()),
            **told,
        )

    def histogram(self, value: Any, bins: int) -> tuple[list[float], list[int]]:  # noqa: D102
        return arrays.histogram(value, bins)

    def window(self, value: Any, index: str) -> Any:  # noqa: D102
        wanted = arrays.parse_index(index)
        try:
            return value[wanted].tolist()
        except IndexError as error:
            raise ValueError(f"[{index}]: {error}") from None

    def bytes(self, value: Any, offset: int, size: int) -> bytes:  # noqa: D102
        import numpy as np

        if offset < 0 or size <= 0:
            return b""
        found: bytes = np.ascontiguousarray(value).tobytes()[offset : offset + size]
        return found

    def difference(self, left: Any, right: Any) -> Difference:  # noqa: D102
        return arrays.difference(left, right)

    def like(self, value: object, old: Any) -> Any:  # noqa: D102
        import numpy as np

        try:
            given = np.asarray(value)
        except ValueError:
            raise ValueError("the rows differ in length") from None
        _check_fits(given, old.dtype, value)
        made = given.astype(old.dtype)
        return np.full(old.shape, made, dtype=old.dtype) if made.shape == () else made

    def items(self, value: Any, start: int, count: int) -> Sequence[tuple[str, Any]]:  # noqa: D102
        if not value.ndim:
            return ()
        chosen = value[start : start + count]
        rows = chosen.tolist() if value.ndim == 1 else list(chosen)
        return [(f"[{number}]", row) for number, row in enumerate(rows, start)]


def _check_fits(given: Any, dtype: Any, value: object) -> None:
    """See that numbers can be held.

    Raises:
        ValueError: they cannot.
    """
    import numpy as np

    if not arrays.is_number(given):
        raise ValueError(f"{value!r} is no number, nor a nested list of numbers")
    if dtype.kind != "c" and given.dtype.kind == "c":
        raise ValueError(f"{value!r} is complex, and {dtype.name} is not")
    if dtype.kind == "b" and not ((given == 0) | (given == 1)).all():
        raise ValueError(f"{value!r} is not True or False")
    if dtype.kind in "iu":
        if not (given == np.trunc(given)).all():
            raise ValueError(f"{value!r} is not a whole number, and {dtype.name} holds no others")
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
        if given.size and (given.min() < low or given.max() > high):
            raise ValueError(f"{value!r} is outside of {dtype.name}: {low} to {high}")

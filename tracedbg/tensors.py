"""What can be told of a tensor without knowing whose it is.

Each framework's adapter implements `Tensors`. Only asked at a stop, or for a filter that the user has
set: a look at a value waits for its device.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class TensorSummary:
    """A tensor, in what a person wants to know first. Numbers are None where they have no meaning."""

    type_name: str
    """`Tensor`, `Parameter`, `EagerTensor`, `Variable`, ..."""
    dtype: str
    """Without the framework's name: `float32`."""
    shape: tuple[int, ...]
    device: str
    strides: tuple[int, ...] | None = None
    """In elements; None where the framework has none."""
    layout: str = ""
    """Where it is not dense: `sparse_coo`, `ragged`, ..."""
    requires_grad: bool | None = None
    count: int = 0
    """Elements."""
    minimum: float | None = None
    """Of the finite elements; so are maximum, mean and deviation."""
    maximum: float | None = None
    mean: float | None = None
    deviation: float | None = None
    nans: int = 0
    infinities: int = 0
    zeros: int = 0
    first: tuple[Any, ...] = ()
    """The first few elements, as Python values, in row-major order."""
    note: str = ""
    """Why numbers are missing: a meta tensor, a symbolic one, ..."""


@dataclass(frozen=True)
class Difference:
    """Two tensors compared, element by element."""

    same_shape: bool
    same_dtype: bool
    equal: bool
    """Bit for bit, NaN equal to NaN."""
    differing: int = 0
    max_absolute: float = 0.0
    max_relative: float = 0.0
    at: tuple[int, ...] = ()
    """Where the absolute difference is greatest."""
    left: float | None = None
    """The two values there."""
    right: float | None = None


class Tensors(Protocol):
    """One framework's tensors. Nothing here changes a value, the graph, or a random stream."""

    name: str
    """`torch`, `tensorflow`."""

    def owns(self, value: object) -> bool:
        """Whether `value` is a tensor, parameter or variable of this framework. Cheap, never raises."""

    def spec(self, value: Any) -> tuple[str, tuple[int, ...] | None]:
        """(dtype, shape), without looking at values."""

    def is_bad(self, value: Any, *, infinite: bool) -> bool:
        """Whether a floating-point or complex tensor has a NaN, or an infinity if `infinite`."""

    def summary(self, value: Any, first: int = 8) -> TensorSummary:
        """All of it, with at most `first` elements."""

    def histogram(self, value: Any, bins: int) -> tuple[list[float], list[int]]:
        """(`bins` + 1 edges, `bins` counts) over the finite elements; empty where there are none."""

    def window(self, value: Any, index: str) -> Any:
        """A slice, as nested lists of Python values.

        Args:
            value: the tensor.
            index: as it stands between brackets in Python, such as `0, :10, ::2`.

        Raises:
            ValueError: no such slice, with a text for a person.
        """

    def bytes(self, value: Any, offset: int, size: int) -> bytes:
        """Elements as they lie in memory when contiguous, from byte `offset`, at most `size` bytes."""

    def difference(self, left: Any, right: Any) -> Difference:
        """Compare two of this framework's tensors."""

    def like(self, value: object, old: Any) -> Any:
        """A Python number or nested list as a tensor of `old`'s dtype, device and, for a number, shape.

        Raises:
            ValueError: it does not fit, with a text for a person.
        """

    def items(self, value: Any, start: int, count: int) -> Sequence[tuple[str, Any]]:
        """(`[i]`, element or sub-tensor) along the first dimension: what a variables pane shows below it."""

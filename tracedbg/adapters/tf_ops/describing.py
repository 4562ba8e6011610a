"""What can be told of an op's inputs at the least cost: sizes, dtypes, and the numbers of tensors.

It must not hold a tensor, nor read one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_common.op_defs import definition, tensors_of
from tracedbg.adapters.tf_ops._compat import EAGER_TENSOR

if TYPE_CHECKING:
    from collections.abc import Sequence

    ShapeKey = tuple[Any, ...]

MAX_INPUTS = 8
"""Inputs of one op whose shapes are told."""
MAX_LISTED = 4
"""Likewise of a list of inputs."""
_LEFT_OUT = "..."


class Describer:
    """Describes what is not a plain tensor, and numbers tensors."""

    def __init__(self) -> None:
        self.eager = EAGER_TENSOR.owner()[0]
        """The class of plain tensors."""
        self._item_sizes: dict[int, int] = {}
        """Enumerated dtype -> bytes of an element; 0 for what is no number."""
        self.counts: dict[str, int] = {}
        """Op -> how many of its arguments are inputs."""

    def count_of(self, op: str) -> int:
        """How many of an op's arguments are inputs; of a function, as many as are looked at."""
        found = definition(op)
        count = len(found.inputs) if found is not None else MAX_INPUTS
        if len(self.counts) < 10 * MAX_INPUTS**3:
            self.counts[op] = count
        return count

    def add(self, shapes: list[Any], value: Any, most: int = MAX_LISTED) -> None:
        """Add a value to a key of shapes: two items, sizes and dtype, or a word and None."""
        if type(value) is self.eager:
            shapes += (value._shape_tuple(), value._datatype_enum())
        elif isinstance(value, (list, tuple)):
            for one in value[:most]:
                self.add(shapes, one, 1)
            if len(value) > most:
                shapes += (_LEFT_OUT, None)
        else:
            shapes += _described(value)

    def numbers(self, values: Sequence[Any]) -> tuple[int, ...]:
        """The number of each tensor; of a variable that of its handle; 0 for else. Lists are opened."""
        eager = self.eager
        found = []
        for value in values:
            if type(value) is eager:
                found.append(value._id)
            elif isinstance(value, (list, tuple)):
                found += self.numbers(value)
            else:
                number = getattr(getattr(value, "_handle", None), "_id", 0)
                found.append(number if type(number) is int else 0)
        return tuple(found)

    def sizes(self, values: Sequence[Any]) -> list[tuple[int, int]]:
        """The number of each tensor among the values, with its bytes."""
        return [(one._id, self._size(one)) for one in tensors_of(values) if type(one) is self.eager]

    def _size(self, tensor: Any) -> int:
        dtype = tensor._datatype_enum()
        item = self._item_sizes.get(dtype)
        if item is None:
            from tensorflow.python.framework import dtypes

            item = self._item_sizes[dtype] = max(dtypes.as_dtype(dtype).size, 0)
        return int(tensor._num_elements()) * item if item else 0

    def made(self, outputs: Any) -> tuple[int, ...]:
        """The numbers of what the runtime has returned."""
        if type(outputs) is self.eager:
            return (outputs._id,)
        return self.numbers(outputs) if isinstance(outputs, (list, tuple)) else ()


def _described(value: Any) -> tuple[Any, Any]:
    """Of a variable or an array its sizes; of anything else the name of its class."""
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if shape is None or dtype is None:
        return type(value).__name__, None
    try:
        return tuple(shape), getattr(dtype, "name", None) or str(dtype)
    except (TypeError, ValueError):  # unknown rank
        return type(value).__name__, None


def in_words(shapes: ShapeKey) -> str:
    """`float32[32, 64], float` for a key of shapes."""
    from tensorflow.python.framework import dtypes

    words = []
    for sizes, dtype in zip(shapes[::2], shapes[1::2], strict=True):
        if isinstance(sizes, str):
            words.append(sizes)
            continue
        name = dtypes.as_dtype(dtype).name if isinstance(dtype, int) else str(dtype)
        words.append(f"{name}[{', '.join('?' if size is None else str(size) for size in sizes)}]")
    return ", ".join(words)

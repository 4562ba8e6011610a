"""What a local was bound to while a function was traced, in a form that outlives the trace.

A tensor of the graph is remembered by its name, and stands for another value in each call; any other
object is remembered weakly, or by value where it cannot change. It must not know stacks or walks.
"""

from __future__ import annotations

import types
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_ITEMS = 64
MAX_DEPTH = 4
_PLAIN = (
    int, float, complex, str, bytes, bool, type(None), type(Ellipsis), range, slice, type, types.ModuleType,
)  # fmt: skip
Symbol = tuple[int, str, int]
"""A tensor of a graph: (number of the graph, name of the op, index of its output)."""


class AbsentError(LookupError):
    """What a local stands for is not there: not computed yet, freed, or gone."""


class Ref:
    """What a local was bound to."""

    def value(self, of: Callable[[Symbol], Any]) -> Any:
        """What it stands for in a call, in which tensors have the values `of`.

        Raises:
            AbsentError: it is not there.
        """
        raise NotImplementedError

    def symbols(self) -> Iterator[Symbol]:
        """The tensors in it."""
        yield from ()


class Plain(Ref):
    """A value that cannot change, and holds no tensor."""

    __slots__ = ("_value",)

    def __init__(self, value: object) -> None:
        self._value = value

    def value(self, of: Callable[[Symbol], Any]) -> Any:  # noqa: ARG002, D102  see `Ref`
        return self._value


class Weak(Ref):
    """An object that has its own life."""

    __slots__ = ("_reference",)

    def __init__(self, value: object) -> None:
        self._reference = weakref.ref(value)

    def value(self, of: Callable[[Symbol], Any]) -> Any:  # noqa: ARG002, D102
        value = self._reference()
        if value is None:
            raise AbsentError
        return value


class Tensor(Ref):
    """A tensor of a graph."""

    __slots__ = ("symbol",)

    def __init__(self, symbol: Symbol) -> None:
        self.symbol = symbol

    def value(self, of: Callable[[Symbol], Any]) -> Any:  # noqa: D102
        return of(self.symbol)

    def symbols(self) -> Iterator[Symbol]:  # noqa: D102
        yield self.symbol


class Parts(Ref):
    """Something made of others, and how to put it together again."""

    __slots__ = ("_make", "_parts")

    def __init__(self, parts: list[Ref], make: Callable[[list[Any]], Any]) -> None:
        self._parts = parts
        self._make = make

    def value(self, of: Callable[[Symbol], Any]) -> Any:  # noqa: D102
        return self._make([part.value(of) for part in self._parts])

    def symbols(self) -> Iterator[Symbol]:  # noqa: D102
        for part in self._parts:
            yield from part.symbols()


class RefMaker:
    """Makes refs of the locals of frames that are being traced.

    Args:
        number: the number of a graph; None for one whose tensors cannot be followed.
    """

    def __init__(self, number: Callable[[Any], int | None]) -> None:
        import tensorflow as tf

        self._number = number
        self._tensor = tf.Tensor
        self._eager = type(tf.constant(0))
        self._nest = tf.nest
        self._spec_of = tf.type_spec_from_value
        self._composites = (tf.RaggedTensor, tf.SparseTensor, tf.IndexedSlices)
        self._array = tf.TensorArray

    def ref(self, value: Any, depth: int = 0) -> Ref | None:  # noqa: PLR0911  one for each kind
        """What stands for `value`; None if nothing can."""
        kind = type(value)
        if kind in _PLAIN:
            return Plain(value)
        if isinstance(value, self._tensor) and not isinstance(value, self._eager):
            return self._symbolic(value)
        if isinstance(value, (list, tuple, dict, set, frozenset)):
            return self._container(value, depth) if depth < MAX_DEPTH else None
        if isinstance(value, self._composites):
            spec, nest = self._spec_of(value), self._nest
            parts = [self._symbolic(part) for part in nest.flatten(value, expand_composites=True)]
            known = [part for part in parts if part is not None]
            if len(known) < len(parts):
                return _weak(value)
            return Parts(known, lambda flat: nest.pack_sequence_as(spec, flat, expand_composites=True))
        if kind.__module__.startswith("tensorflow.python.autograph"):
            return None  # a name that is not bound yet, in AutoGraph's way
        if isinstance(value, self._array):
            flow = self._symbolic(value.flow)
            dtype = value.dtype
            return None if flow is None else Parts([flow], lambda flat: ArrayValue(flat[0], dtype))
        return _weak(value)

    def _symbolic(self, tensor: Any) -> Ref | None:
        if isinstance(tensor, self._eager):
            return _weak(tensor)
        graph = getattr(tensor, "graph", None)
        number = None if graph is None else self._number(graph)
        return None if number is None else Tensor((number, tensor.op.name, tensor.value_index))

    def _container(self, value: Any, depth: int) -> Ref | None:
        if len(value) > MAX_ITEMS:
            return None
        kind = type(value)
        if isinstance(value, dict):
            keys = list(value)
            return self._parts(list(value.values()), depth, lambda flat: dict(zip(keys, flat, strict=True)))
        if hasattr(value, "_fields"):
            return self._parts(value, depth, lambda flat: kind(*flat))
        plain = next(one for one in (list, tuple, set, frozenset) if isinstance(value, one))
        return self._parts(value, depth, plain)

    def _parts(self, values: Any, depth: int, make: Callable[[list[Any]], Any]) -> Ref | None:
        parts = [self.ref(value, depth + 1) for value in values]
        known = [part for part in parts if part is not None]
        return Parts(known, make) if len(known) == len(parts) else None


class ArrayValue:
    """A `TensorArray` at a stop: an op reads its elements, which is run when they are asked for."""

    def __init__(self, flow: Any, dtype: Any) -> None:
        self.flow = flow
        self.dtype = dtype

    def stack(self) -> Any:
        """The elements as one tensor."""
        import tensorflow as tf

        return tf.raw_ops.TensorListStack(
            input_handle=self.flow, element_shape=-1, element_dtype=self.dtype, num_elements=-1
        )

    def __len__(self) -> int:
        import tensorflow as tf

        return int(tf.raw_ops.TensorListLength(input_handle=self.flow))

    def __repr__(self) -> str:
        return f"<TensorArray of {len(self)} {self.dtype.name}>"


def _weak(value: object) -> Ref | None:
    try:
        return Weak(value)
    except TypeError:
        return None

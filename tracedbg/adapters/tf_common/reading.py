"""Values of TensorFlow's tensors and variables as NumPy arrays, without anybody noticing.

Nothing here is recorded on a tape, watched by one, placed into a graph, or seen by hooks on ops: what has
to be executed goes to the runtime by `TFE_Py_Execute`, which knows none of them.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_common._compat import EXECUTE

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOCAL = "/job:localhost/replica:0/task:0/device:"


class UnreadableError(Exception):
    """A tensor without values that could be shown; the text says why."""


@dataclass(frozen=True)
class Parts:
    """A tensor as what is stored of it."""

    values: Any
    """A NumPy array."""
    layout: str = ""
    """As `TensorSummary.layout`."""
    indices: Any = None
    """A NumPy array: where the values of a sparse tensor or of slices are."""
    splits: tuple[Any, ...] = ()
    """NumPy arrays: where the rows of a ragged tensor end, the outermost dimension first."""
    shape: tuple[int, ...] = ()
    """Of the whole; of a ragged tensor, as long as its longest rows."""


@contextmanager
def quietly() -> Iterator[None]:
    """Run eager ops that nothing records, whatever the thread is doing."""
    from tensorflow.python.eager import context, record

    with context.eager_mode(), record.stop_recording():
        yield


def is_eager(value: Any) -> bool:
    """Whether `value` is a dense tensor with a value."""
    from tensorflow.python.framework import ops

    return isinstance(value, ops.EagerTensor)


def plain(value: Any) -> Any:
    """The variable that stands behind a Keras variable, or for one with replicas; all else as it is."""
    if is_eager(value) or not hasattr(value, "assign"):
        return value
    for name in ("_value", "_primary"):  # of Keras 3; PRIMARY in `_compat`
        inner = getattr(value, name, None)
        value = inner if hasattr(inner, "assign") else value
    return value


def short_device(device: str | None) -> str:
    """`CPU:0` for a device of this process; the full name of another one."""
    device = device or ""
    return device.removeprefix(_LOCAL)


def array_of(value: Any) -> Any:
    """The elements of a dense tensor or variable, as a NumPy array that must not outlive the stop.

    Raises:
        UnreadableError: it has none.
    """
    import numpy as np

    value = plain(value)
    if not is_eager(value):
        value = _read(value)
    kind = value.dtype.name
    if kind == "resource":
        raise UnreadableError(_handle_text(value))
    if kind == "variant":
        raise UnreadableError("a variant holds an object of TensorFlow's own, and no numbers")
    try:
        found = value._numpy_internal()
    except Exception as error:
        raise UnreadableError(f"no value: {error}") from error
    return np.asarray(found, dtype=object if kind == "string" else None)


def _read(value: Any) -> Any:
    """The value of a variable, as an `EagerTensor`.

    By the op itself: reading it in the ordinary way would make every tape that is open watch it.
    """
    from tensorflow.python.eager import context

    handle = getattr(value, "handle", None)
    if handle is None or not is_eager(handle):
        raise UnreadableError("a symbolic tensor: it stands for a value in a graph that is being made")
    attributes = ("dtype", value.dtype.as_datatype_enum)
    runtime = context.context()
    runtime.ensure_initialized()
    try:
        (found,) = EXECUTE.get()(runtime._handle, handle.device, "ReadVariableOp", [handle], attributes, 1)
    except Exception as error:
        raise UnreadableError("the variable has no value yet") from error
    return found


def _handle_text(value: Any) -> str:
    data = getattr(value, "_handle_data", None)
    if data is None or not data.is_set or not data.shape_and_type:
        return "a handle of a resource, and no numbers"
    from tensorflow.python.framework import dtypes

    held = data.shape_and_type[0]
    sizes = ", ".join("?" if size.size < 0 else str(size.size) for size in held.shape.dim)
    return f"a handle of a variable, {dtypes.as_dtype(held.dtype).name}[{sizes}]"


def parts_of(value: Any) -> Parts:
    """What is stored of any tensor.

    Raises:
        UnreadableError: nothing can be read.
    """
    import numpy as np

    kind = layout_of(value)
    if kind == "ragged":
        splits, inner = [], value
        while layout_of(inner) == "ragged":
            splits.append(array_of(inner.row_splits))
            inner = inner.values
        values = array_of(inner)
        longest = [int(np.diff(split).max(initial=0)) for split in splits]
        shape = (len(splits[0]) - 1, *longest, *values.shape[1:])
        return Parts(values, kind, splits=tuple(splits), shape=shape)
    if kind == "sparse_coo":
        shape = tuple(int(size) for size in array_of(value.dense_shape))
        return Parts(array_of(value.values), kind, indices=array_of(value.indices), shape=shape)
    if kind == "slices":
        values, indices = array_of(value.values), array_of(value.indices)
        dense = None if value.dense_shape is None else array_of(value.dense_shape)
        shape = values.shape if dense is None else tuple(int(size) for size in dense)
        return Parts(values, kind, indices=indices, shape=shape)
    values = array_of(value)
    return Parts(values, shape=values.shape)


def layout_of(value: Any) -> str:
    """`ragged`, `sparse_coo`, `slices`, or nothing for a dense one."""
    import tensorflow as tf

    if isinstance(value, tf.RaggedTensor):
        return "ragged"
    if isinstance(value, tf.SparseTensor):
        return "sparse_coo"
    return "slices" if isinstance(value, tf.IndexedSlices) else ""


def rows_of(parts: Parts) -> Any:
    """A ragged tensor as nested lists."""
    rows = parts.values.tolist()
    for splits in reversed(parts.splits):
        bounds = splits.tolist()
        rows = [rows[start:end] for start, end in pairwise(bounds)]
    return rows


def make(array: Any, device: str, dtype: Any) -> Any:
    """An `EagerTensor` with these elements on that device."""
    import tensorflow as tf

    with quietly(), tf.device(device):
        return tf.constant(array, dtype)

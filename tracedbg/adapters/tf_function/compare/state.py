"""What a call can change, kept and put back: variables, random streams, iterators among its arguments.

Not kept are tables, queues and what Python code does to objects of its own.
"""

from __future__ import annotations

import random
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.instances import instances_of
from tracedbg.adapters.tf_common._compat import EXECUTE
from tracedbg.adapters.tf_function.compare._compat import CONTEXT, VARIABLES

if TYPE_CHECKING:
    from collections.abc import Sequence


class State:
    """How things stood at one moment. Values are shared with the runtime until one of the two is written."""

    def __init__(self, iterators: Sequence[Any] = ()) -> None:
        """Keep everything.

        Args:
            iterators: of datasets.

        Raises:
            tf.errors.OpError: an iterator cannot tell where it is.
        """
        self._context = CONTEXT.get()()
        self._execute = EXECUTE.get()
        self.variables: dict[int, tuple[Any, str, Any]] = {}
        """By identity of the handle: (handle, name, value)."""
        for variable in _live_variables():
            handle = variable._handle
            value = self._read(handle, variable.dtype.as_datatype_enum)
            if value is not None:
                self.variables[id(handle)] = handle, variable.name, value
        self._python = random.getstate()
        numpy = sys.modules.get("numpy")
        self._numpy = numpy.random.get_state() if numpy is not None else None
        seeds = getattr(self._context, "_rng", None)
        self._seeds = seeds.getstate() if seeds is not None else None
        self._iterators = [(one, _position(one)) for one in iterators]

    def value(self, key: int) -> Any:
        """What a variable was; None if it was not there."""
        return self.variables.get(key, (None, "", None))[2]

    def restore(self) -> None:
        """Put everything back."""
        for handle, _, value in self.variables.values():
            dtype = value.dtype.as_datatype_enum
            with suppress(Exception):  # a variable that has died since
                self._run("AssignVariableOp", [handle, value], ("dtype", dtype, "validate_shape", False), 0)
        random.setstate(self._python)
        if self._numpy is not None:
            sys.modules["numpy"].random.set_state(self._numpy)
        if self._seeds is not None:
            self._context._rng.setstate(self._seeds)
        for iterator, position in self._iterators:
            import tensorflow as tf

            tf.raw_ops.DeserializeIterator(resource_handle=iterator._iterator_resource, serialized=position)

    def _read(self, handle: Any, dtype: int) -> Any:
        try:
            return self._run("ReadVariableOp", [handle], ("dtype", dtype), 1)[0]
        except Exception:  # it has no value yet
            return None

    def _run(self, op: str, inputs: list[Any], attributes: tuple[Any, ...], outputs: int) -> Any:
        self._context.ensure_initialized()
        return self._execute(self._context._handle, inputs[0].device, op, inputs, attributes, outputs)


def _live_variables() -> list[Any]:
    """All variables there are, of whomever: a call may write any of them."""
    kind = VARIABLES.get()
    return [one for one in instances_of(kind) if hasattr(getattr(one, "_handle", None), "_numpy_internal")]


def _position(iterator: Any) -> Any:
    import tensorflow as tf

    return tf.raw_ops.SerializeIterator(resource_handle=iterator._iterator_resource, external_state_policy=0)

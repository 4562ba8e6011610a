"""TensorFlow's key of a call, the `FunctionType` and `FunctionContext`, in the neutral form of `Spec`.

The form is exact within one function object: two calls have equal signatures if, and only if,
TensorFlow takes them for the same. Equality is therefore TensorFlow's own: the first value that is seen
of a class of equal ones (`1`, `True`, `1.0`) stands for all of them, as it does in the trace.

One relation is wider than equality, and left to the reader: a cached trace also fits a call whose tensors
are more specific (a dimension None against 3; the detail `name` against none).
"""

from __future__ import annotations

import itertools
import os
import reprlib
import sys
import weakref
from types import FunctionType
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_common import _compat
from tracedbg.adapters.tf_common.weak import WeakTable
from tracedbg.events import (
    MappingSpec,
    ObjectSpec,
    OpaqueSpec,
    SequenceSpec,
    Signature,
    Spec,
    TensorSpec,
    ValueSpec,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

_PLAIN = frozenset({bool, int, float, complex, str, bytes, range, type(None), type(Ellipsis)})
_HUGE_BITS = 256
_CUSTOM_NEST = "tensorflow.core.function.trace_type.custom_nest_trace_type"
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80
_SHORT.maxlong = 40


class Leaves:
    """How the values of one function object have been spelled so far.

    It holds what TensorFlow's own cache holds as long as the function lives: Python constants and type
    specs, never tensors or the user's objects.
    """

    def __init__(self) -> None:
        self._spelled: dict[Hashable, Spec] = {}
        self._keys: dict[Hashable, str] = {}
        self._taken: set[Spec] = set()
        self._taken_keys: set[str] = set()

    def spell(self, trace_type: Hashable, make: Callable[[str], Spec]) -> Spec:
        """The spec of `trace_type`: that of an equal one seen before, or else a new one.

        Args:
            trace_type: compared by its own `==`, as TensorFlow does.
            make: makes a spec whose text ends with the given suffix, which tells apart those that differ
                but read alike.
        """
        found = self._spelled.get(trace_type)
        if found is None:
            found = make("")
            if found in self._taken:
                found = make(f" #{len(self._taken)}")
            self._taken.add(found)
            self._spelled[trace_type] = found
        return found

    def spell_key(self, key: Hashable) -> str:
        """The text of a dict's key, with the same care."""
        found = self._keys.get(key)
        if found is None:
            found = _text(key)
            if found in self._taken_keys:
                found = f"{found} #{len(self._taken_keys)}"
            self._taken_keys.add(found)
            self._keys[key] = found
        return found


class Identities:
    """Numbers for objects that TensorFlow compares through a weak reference.

    Equal while both live (by `==`, or else by identity) means the same number; a number is never used
    again.
    """

    def __init__(self) -> None:
        self._numbers: dict[Any, tuple[int, weakref.ref[Any]]] = {}
        self._count = itertools.count(1)

    def number(self, reference: Any) -> int:
        """The number of a `Weakref` trace type."""
        numbers = self._numbers
        try:
            entry = numbers.get(reference)
        except Exception:  # the user's own `__eq__`: TensorFlow has met, or will meet, the same
            return next(self._count)
        if entry is not None:
            return entry[0]

        def forget(_: object) -> None:
            numbers.pop(reference, None)

        number = next(self._count)
        target = reference._ref()
        if target is not None:
            numbers[reference] = (number, weakref.ref(target, forget))
        return number


class SignatureReader:
    """Reads signatures; made once per attachment."""

    def __init__(self) -> None:
        types = _compat.TRACE_TYPES.get()
        self._identities = Identities()
        self._graphs: WeakTable[int] = WeakTable()
        self._graph_count = itertools.count(1)
        self._readers: dict[type, Callable[[Any, Leaves], Spec]] = {
            types.Literal: _literal,
            types.Weakref: self._reference,
            types.Tuple: self._tuple,
            types.List: self._list,
            types.Dict: self._dict,
            types.NamedTuple: self._named_tuple,
            types.Attrs: self._attrs,
        }

    def read(self, function_type: Any, context: Any, polymorphic_type: Any, leaves: Leaves) -> Signature:
        """The signature of one call.

        Args:
            function_type: TensorFlow's type of the call.
            context: its `FunctionContext`, or None to leave that out.
            polymorphic_type: the type of the function itself, which knows what `*args` is called.
            leaves: how this function's values were spelled so far.
        """
        starred = _starred(polymorphic_type)
        arguments = []
        for name, parameter in function_type.parameters.items():
            spec = self.spec(parameter.type_constraint, leaves)
            arguments.append((starred(name), spec))
        return Signature(tuple(arguments), () if context is None else self._context(context))

    def spec(self, trace_type: Any, leaves: Leaves) -> Spec:
        """One trace type as a neutral spec."""
        kind = type(trace_type)
        reader = self._readers.get(kind)
        if reader is None:
            reader = self._readers[kind] = self._reader_for(kind)
        return reader(trace_type, leaves)

    def _reader_for(self, kind: type) -> Callable[[Any, Leaves], Spec]:
        if kind.__module__.startswith("tensorflow."):
            named = {"TensorSpec": _tensor, "VariableSpec": _variable, "RaggedTensorSpec": _ragged}
            named["SparseTensorSpec"] = _sparse
            if kind.__name__ in named:
                return named[kind.__name__]
        if kind is getattr(sys.modules.get(_CUSTOM_NEST), "CustomNestTraceType", None):
            return self._custom_nest
        return _opaque

    def _reference(self, trace_type: Any, _: Leaves) -> Spec:
        target = trace_type._ref()
        number = self._identities.number(trace_type)
        return ObjectSpec(type(target).__qualname__, number, _describe(target), target is not None)

    def _tuple(self, trace_type: Any, leaves: Leaves) -> Spec:
        return SequenceSpec("tuple", tuple(self.spec(part, leaves) for part in trace_type.components))

    def _list(self, trace_type: Any, leaves: Leaves) -> Spec:
        parts = trace_type.components_tuple.components
        return SequenceSpec("list", tuple(self.spec(part, leaves) for part in parts))

    def _dict(self, trace_type: Any, leaves: Leaves) -> Spec:
        parts = {leaves.spell_key(key): part for key, part in trace_type.mapping.items()}
        keys = tuple(sorted(parts))
        return MappingSpec("dict", keys, tuple(self.spec(parts[key], leaves) for key in keys))

    def _named_tuple(self, trace_type: Any, leaves: Leaves) -> Spec:
        return self._record(trace_type.type_name, trace_type, leaves)

    def _attrs(self, trace_type: Any, leaves: Leaves) -> Spec:
        record = trace_type.named_attributes
        return self._record(f"{record.type_name} (attrs)", record, leaves)

    def _record(self, name: str, record: Any, leaves: Leaves) -> Spec:
        items = tuple(self.spec(part, leaves) for part in record.attributes.components)
        return MappingSpec(name, tuple(record.attribute_names), items, is_record=True)

    def _custom_nest(self, trace_type: Any, leaves: Leaves) -> Spec:
        kind = trace_type.value_type
        parts = tuple(self.spec(part, leaves) for part in trace_type.components)
        metadata = OpaqueSpec("metadata", _SHORT.repr(trace_type.metadata))
        names = ("metadata", *(f"[{index}]" for index in range(len(parts))))
        name = f"{kind.__module__}.{kind.__qualname__}"
        return MappingSpec(name, names, (metadata, *parts), is_record=True)

    def _context(self, context: Any) -> tuple[tuple[str, str], ...]:
        inner = context.context
        graph = inner.parent_graph
        return (
            ("scope_type", getattr(context.scope_type, "name", str(context.scope_type))),
            ("parent_graph", "eager" if graph is None else self._graph(graph)),
            ("device_functions", ", ".join(map(str, inner.device_functions))),
            ("colocation", ", ".join(getattr(op, "name", str(op)) for op in inner.colocation_stack)),
            ("in_cross_replica_context", str(inner.in_cross_replica_context)),
            ("variable_policy", str(inner.variable_policy)),
            ("xla_context", str(inner.xla_context_id)),
        )

    def _graph(self, graph: Any) -> str:
        return f"graph #{self._graphs.setdefault(graph, lambda: next(self._graph_count))}"


def _starred(polymorphic_type: Any) -> Callable[[str], str]:
    """Takes TensorFlow's name of an item of `*args` (`args_0`) back to the user's (`args[0]`)."""
    parameters = polymorphic_type.parameters
    variadic = next((p.name for p in parameters.values() if p.kind is p.VAR_POSITIONAL), None)

    def rename(name: str) -> str:
        if variadic is None or name in parameters:
            return name
        stem, _, index = name.rpartition("_")
        return f"{variadic}[{index}]" if stem == variadic and index.isdigit() else name

    return rename


def _literal(trace_type: Any, leaves: Leaves) -> Spec:
    def make(suffix: str) -> Spec:
        value = trace_type.value
        if type(value) is object:  # TensorFlow's marker for every NaN
            return ValueSpec("float", "nan")
        return ValueSpec(type(value).__qualname__, _text(value) + suffix)

    return leaves.spell(trace_type, make)


def _text(value: Hashable) -> str:
    """A short repr of a constant, without calling a `__repr__` of the user's."""
    if isinstance(value, int) and value.bit_length() > _HUGE_BITS:
        return f"{hex(value >> (value.bit_length() - 64))}..."
    if type(value) in _PLAIN:
        return _SHORT.repr(value)
    base = next((kind for kind in (int, float, complex, str, bytes) if isinstance(value, kind)), None)
    return type(value).__qualname__ if base is None else base.__repr__(value)


def _shape(spec: Any) -> tuple[int | None, ...] | None:
    shape = spec.shape
    return None if shape.rank is None else tuple(shape.as_list())


def _tensor(spec: Any, leaves: Leaves) -> Spec:
    details = []
    if spec.name is not None:
        details.append(("name", spec.name))
    if (handle := getattr(spec.dtype, "_handle_data", None)) is not None:
        details.append(("handle", leaves.spell_key(f"{handle.alias_id} {handle.shape_inference}")))
    return TensorSpec(spec.dtype.name, _shape(spec), details=tuple(details))


def _variable(spec: Any, _: Leaves) -> Spec:
    details = (("trainable", str(spec.trainable)),)
    return TensorSpec(spec.dtype.name, _shape(spec), "Variable", details, spec.alias_id)


def _ragged(spec: Any, leaves: Leaves) -> Spec:
    details = [("ragged_rank", str(spec.ragged_rank)), ("row_splits_dtype", spec.row_splits_dtype.name)]
    if spec.flat_values_spec is not None:
        details.append(("flat_values", leaves.spell_key(spec.flat_values_spec)))
    dtype = "unknown" if spec.dtype is None else spec.dtype.name
    return TensorSpec(dtype, _shape(spec), "RaggedTensor", tuple(details))


def _sparse(spec: Any, _: Leaves) -> Spec:
    return TensorSpec(spec.dtype.name, _shape(spec), "SparseTensor")


def _opaque(trace_type: Any, leaves: Leaves) -> Spec:
    """Any other trace type: its own equality decides; what it reads like is for people."""
    kind = type(trace_type)

    def make(suffix: str) -> Spec:
        text = _SHORT.repr(trace_type) if kind.__module__.startswith("tensorflow.") else ""
        return OpaqueSpec(kind.__qualname__, text + suffix)

    if hasattr(trace_type, "_serialize"):  # a type spec; others may hold the user's own object
        return leaves.spell(trace_type, make)
    return make(f" #{hash(trace_type):x}")


def _describe(target: Any) -> str:
    """Words for an object of the user's, without calling a method of it."""
    if type(target).__module__.startswith("tensorflow."):
        target = getattr(target, "python_function", target)
    if isinstance(target, FunctionType):
        code = target.__code__
        return f"{code.co_name} ({os.path.basename(code.co_filename)}:{code.co_firstlineno})"
    return target.__qualname__ if isinstance(target, type) else ""

"""Finds the op at which TensorFlow's own run of a graph parts from the same graph run op by op.

The graph is run once more as a copy that also returns what each of its ops makes: it is optimised, and
compiled where it is to be, as the graph itself; but what is returned is not fused away, so that it may part
less than the graph does. The same ops in float64 say which of the two is nearer.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_common._compat import EXECUTE
from tracedbg.adapters.tf_function.compare._compat import CONTEXT, OP_DEFS
from tracedbg.adapters.tf_function.compare.recorder import Recording
from tracedbg.compare.steps import Steps, compare_steps

if TYPE_CHECKING:
    from tracedbg.adapters.tf_function.compare.outcome import Runs
    from tracedbg.compare.records import OpRecord
    from tracedbg.compare.steps import Limits
    from tracedbg.debugging import View
    from tracedbg.tensors import Tensors

_PREFIX = "__tracedbg_all_"
_numbers = itertools.count(1)


def find_in_real_graph(runs: Runs, limits: Limits, tensors: Tensors) -> Steps:
    """The steps at which they part; none if the copy does not part at all."""
    doubles = Doubles()
    again = Recording()
    again.on_op = doubles.after
    runs.walk_again(again)
    root = again.root
    if root is None:
        return Steps((), 0, 0)
    runs.before.restore()
    real = _all_values(root.plan, again.inputs)
    walked = [record for record in again.ops if record.name in real and _is_of(record, root)]
    traced = [replace(record, values=real[record.name]) for record in walked]

    def errors_of(ours: OpRecord, theirs: OpRecord, at: int) -> tuple[float, float] | None:
        exact = doubles.values.get(id(ours.values[at]))
        if exact is None:
            return None
        return _error(ours.values[at], exact, tensors), _error(theirs.values[at], exact, tensors)

    return compare_steps(walked, traced, tensors, "optimised", limits=limits, errors_of=errors_of)


def _is_of(record: OpRecord, root: Any) -> bool:
    """Whether it is an op of the function itself, and not of one that it calls."""
    return record.name in root.plan.slots


def _error(value: Any, exact: Any, tensors: Tensors) -> float:
    import tensorflow as tf

    return tensors.difference(_cast(value, tf.float64.as_datatype_enum), exact).max_absolute


def _all_values(plan: Any, inputs: list[Any]) -> dict[str, tuple[Any, ...]]:
    """By node, what it makes in the real graph."""
    from tensorflow.core.framework import function_pb2

    context = CONTEXT.get()()
    original = context.get_function_def(plan.name)
    copy = function_pb2.FunctionDef()
    copy.CopyFrom(original)
    copy.signature.name = f"{_PREFIX}{next(_numbers)}"
    wanted: list[tuple[str, int]] = []
    for node in plan.nodes:
        outputs = _float_outputs(node)
        for place, kind in outputs:
            output = copy.signature.output_arg.add()
            output.name, output.type = f"tracedbg_{len(wanted)}", kind
            copy.ret[output.name] = f"{node.name}:{place}"
            wanted.append((node.name, len(outputs)))
    count = len(copy.signature.output_arg)
    context.add_function_def(copy)
    try:
        made = context.call_function(copy.signature.name.encode(), inputs, count) or []
    finally:
        context.remove_function(copy.signature.name)
    values: dict[str, list[Any]] = {}
    for (name, _), value in zip(wanted, made[count - len(wanted) :], strict=True):
        values.setdefault(name, []).append(value)
    return {name: tuple(found) for name, found in values.items()}


def _float_outputs(node: Any) -> list[tuple[str, int]]:
    """(`name:index`, type) of each output of a node, if all of them are floats."""
    definition = OP_DEFS.get()(node.proto.op)
    if definition is None or node.op == "Const":
        return []
    found: list[tuple[str, int]] = []
    attr = node.proto.attr
    for output in definition.output_arg:
        kind = attr[output.type_attr].type if output.type_attr else output.type
        if output.type_list_attr:
            kinds = list(attr[output.type_list_attr].list.type)
        else:
            kinds = [kind] * (attr[output.number_attr].i if output.number_attr else 1)
        found += [(f"{output.name}:{index}", each) for index, each in enumerate(kinds)]
    return found if all(kind in _floats() for _, kind in found) else []


def _floats() -> frozenset[int]:
    import tensorflow as tf

    return frozenset(kind.as_datatype_enum for kind in (tf.float16, tf.bfloat16, tf.float32, tf.float64))


class Doubles:
    """Runs each op of a walk in float64 as well, from the float64 values of its inputs."""

    def __init__(self) -> None:
        import tensorflow as tf

        self._execute = EXECUTE.get()
        self._context = CONTEXT.get()()
        self._double = tf.float64.as_datatype_enum
        self._narrow = _floats() - {self._double}
        self.values: dict[int, Any] = {}
        """By identity of what the walk has made."""
        self._alive: list[Any] = []
        """What the walk has made: an identity is that of another object when the first one is gone."""

    def after(self, view: View) -> None:
        """An op has run."""
        node = getattr(view.op, "_node", None)
        if node is None or view.op is None or node.attributes is None or node.functions:
            return
        inputs = [value for _, value in view.op.inputs()]
        outputs = [value for _, value in view.op.outputs()]
        if any(value.dtype.name in {"resource", "variant"} for value in (*inputs, *outputs)):
            return
        if not any(value.dtype.is_floating for value in outputs):
            return
        try:
            made = self._run(node, inputs)
        except Exception:  # there is no kernel for it: later ops begin with what was made
            return
        for value, exact in zip(outputs, made, strict=True):
            if exact.dtype.as_datatype_enum == self._double:
                self._alive.append(value)
                self.values[id(value)] = exact

    def _run(self, node: Any, inputs: list[Any]) -> Any:
        wide = [
            self.values.get(id(value))
            if id(value) in self.values
            else _cast(value, self._double)
            if value.dtype.is_floating
            else value
            for value in inputs
        ]
        attributes = tuple(self._widened(one) for one in _pairs(node))
        flat = tuple(itertools.chain(*attributes))
        device = node.device or self._context.device_name
        return self._execute(self._context._handle, device, node.op, wide, flat, node.outputs)

    def _widened(self, attribute: tuple[str, Any, str]) -> tuple[str, Any]:
        name, value, kind = attribute
        if kind == "type" and value in self._narrow:
            return name, self._double
        if kind == "list" and isinstance(value, list) and all(one in self._narrow for one in value) and value:
            return name, [self._double] * len(value)
        return name, value


def _pairs(node: Any) -> list[tuple[str, Any, str]]:
    flat = node.attributes
    return [
        (name, value, node.proto.attr[name].WhichOneof("value") if _is_types(node, name) else "")
        for name, value in zip(flat[::2], flat[1::2], strict=True)
    ]


def _is_types(node: Any, name: str) -> bool:
    value = node.proto.attr[name]
    kind = value.WhichOneof("value")
    return kind == "type" or (kind == "list" and len(value.list.type) > 0)


def _cast(value: Any, kind: int) -> Any:
    if value.dtype.as_datatype_enum == kind:
        return value
    attributes = ("SrcT", value.dtype.as_datatype_enum, "DstT", kind, "Truncate", False)
    handle = CONTEXT.get()()._handle
    return EXECUTE.get()(handle, value.device, "Cast", [value], attributes, 1)[0]

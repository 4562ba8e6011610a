"""Runs one node with real values, as TensorFlow's own eager mode does. It must not know walks or stops."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_function.walk import _compat
from tracedbg.adapters.tf_function.walk.functions import OURS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.adapters.tf_function.walk.plan import Node
    from tracedbg.hooks import Hooks


class Executor:
    """Runs nodes."""

    def __init__(self, hooks: Hooks) -> None:
        import tensorflow as tf

        self._execute = _compat.EXECUTE.get()
        self._context = _compat.CONTEXT.get()
        self._op_def = _compat.OP_DEFS.get()
        self._make_array = _compat.MAKE_ARRAY.get()
        self._constant = tf.constant
        self._as_dtype = tf.dtypes.as_dtype
        self._singles: dict[tuple[bytes, tuple[int, ...]], str] = {}
        self._numbers = itertools.count(1)
        hooks.on_remove(self._remove_singles)

    def run(self, node: Node, inputs: list[Any]) -> Sequence[Any]:
        """Its outputs.

        Raises:
            tf.errors.OpError: the op fails, with its message as eager mode has it.
        """
        if node.attributes is None:
            return self._run_alone(node, inputs)
        context = self._context()
        outputs: Sequence[Any] = self._execute(
            context._handle,
            node.device or context.device_name,
            node.op,
            inputs,
            node.attributes,
            node.outputs,
        )
        return outputs

    def call(self, node: Node, inputs: list[Any]) -> Sequence[Any]:
        """The outputs of the function that a node calls, run by TensorFlow itself."""
        context = self._context()
        options = tuple(itertools.chain(*context.function_call_options.as_attrs().items()))
        outputs: Sequence[Any] = self._execute(
            context._handle,
            node.device or context.device_name,
            node.functions[0],
            inputs,
            options,
            node.outputs,
        )
        return outputs

    def constant(self, node: Node) -> Any:
        """The value of a `Const`; made once."""
        if node.constant is None:
            attributes = node.proto.attr
            try:
                array = self._make_array(attributes["value"].tensor)
                node.constant = self._constant(array, self._as_dtype(attributes["dtype"].type))
            except (TypeError, ValueError):  # a type that NumPy does not have
                node.constant = self._run_alone(node, [])[0]
        return node.constant

    def fresh(self, tensor: Any) -> Any:
        """The same value in a tensor of its own: a tape may not meet an input again as an output."""
        dtype = tensor.dtype.as_datatype_enum
        return self._execute(self._context()._handle, tensor.device, "Identity", [tensor], ("T", dtype), 1)[0]

    def _run_alone(self, node: Node, inputs: list[Any]) -> Sequence[Any]:
        """Run a node with attributes that cannot be handed over: as a function of that node only."""
        context = self._context()
        key = (
            node.proto.SerializeToString(deterministic=True),
            tuple(i.dtype.as_datatype_enum for i in inputs),
        )
        name = self._singles.get(key)
        if name is None:
            name = f"{OURS}single_{next(self._numbers)}"
            context.add_function_def(self._single(name, node, key[1]))
            self._singles[key] = name
        options = tuple(itertools.chain(*context.function_call_options.as_attrs().items()))
        outputs: Sequence[Any] = self._execute(
            context._handle, node.device or context.device_name, name, inputs, options, node.outputs
        )
        return outputs

    def _single(self, name: str, node: Node, types: tuple[int, ...]) -> Any:
        from tensorflow.core.framework import function_pb2

        definition = function_pb2.FunctionDef()
        signature = definition.signature
        signature.name, signature.is_stateful = name, True
        for position, kind in enumerate(types):
            signature.input_arg.add(name=f"i{position}", type=kind)
        inner = definition.node_def.add()
        inner.CopyFrom(node.proto)
        inner.name = "node"
        del inner.input[:]
        inner.input.extend(f"i{position}" for position in range(len(types)))
        for output, index, kind in self._output_types(node):
            result = f"o{len(signature.output_arg)}"
            signature.output_arg.add(name=result, type=kind)
            definition.ret[result] = f"node:{output}:{index}"
        definition.control_ret["node"] = "node"
        signature.control_output.append("node")
        return definition

    def _output_types(self, node: Node) -> list[tuple[str, int, int]]:
        """(name, index, type) of each output."""
        made = []
        attr = node.proto.attr
        for output in self._op_def(node.proto.op).output_arg:
            kind = attr[output.type_attr].type if output.type_attr else output.type
            if output.number_attr:
                kinds = [kind] * attr[output.number_attr].i
            elif output.type_list_attr:
                kinds = list(attr[output.type_list_attr].list.type)
            else:
                kinds = [kind]
            made += [(output.name, index, each) for index, each in enumerate(kinds)]
        return made

    def _remove_singles(self) -> None:
        context = self._context()
        for name in self._singles.values():
            context.remove_function(name)
        self._singles.clear()

"""Runs one node with real values, as TensorFlow's own eager mode does. It must not know walks or stops."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_function.walk import _compat
from tracedbg.adapters.tf_function.walk.functions import OURS
from tracedbg.adapters.tf_function.walk.plan import XLA

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
        _compat.HANDLE.owner()  # read at each op: without it nothing is walked
        self._op_def = _compat.OP_DEFS.get()
        self._make_array = _compat.MAKE_ARRAY.get()
        self._constant = tf.constant
        self._as_dtype = tf.dtypes.as_dtype
        self._made: dict[tuple[tuple[bytes, ...], tuple[int, ...], bool], str] = {}
        self._numbers = itertools.count(1)
        hooks.on_remove(self._remove)

    def run(self, node: Node, inputs: list[Any]) -> Sequence[Any]:
        """Its outputs.

        Raises:
            tf.errors.OpError: the op fails, with its message as eager mode has it.
        """
        if node.attributes is None:
            return self.together([node], [inputs])[0]
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
                node.constant = self.together([node], [[]])[0][0]
        return node.constant

    def fresh(self, tensor: Any) -> Any:
        """The same value in a tensor of its own: a tape may not meet an input again as an output."""
        dtype = tensor.dtype.as_datatype_enum
        return self._execute(self._context()._handle, tensor.device, "Identity", [tensor], ("T", dtype), 1)[0]

    def compiled(self, node: Node, inputs: list[Any]) -> Sequence[Any]:
        """The outputs of a node as XLA makes them, which checks nothing: no assertion, no index."""
        if node.op == "Assert":
            return ()
        return self.together([node], [inputs], is_compiled=True)[0]

    def together(
        self, nodes: Sequence[Node], inputs: Sequence[list[Any]], *, is_compiled: bool = False
    ) -> list[Sequence[Any]]:
        """The outputs of nodes that are run at once, by TensorFlow's own executor.

        So are ops run that wait for each other, and those with attributes that cannot be handed over.
        """
        context = self._context()
        flat = [value for values in inputs for value in values]
        types = tuple(value.dtype.as_datatype_enum for value in flat)
        protos = tuple(node.proto.SerializeToString(deterministic=True) for node in nodes)
        key = protos, types, is_compiled
        name = self._made.get(key)
        if name is None:
            name = f"{OURS}{next(self._numbers)}"
            definition = self._definition(name, nodes, types)
            if is_compiled:
                definition.attr[XLA].b = True
            context.add_function_def(definition)
            self._made[key] = name
        options = tuple(itertools.chain(*context.function_call_options.as_attrs().items()))
        count = sum(node.outputs for node in nodes)
        outputs = iter(
            self._execute(context._handle, nodes[0].device or context.device_name, name, flat, options, count)
        )
        return [[next(outputs) for _ in range(node.outputs)] for node in nodes]

    def _definition(self, name: str, nodes: Sequence[Node], types: tuple[int, ...]) -> Any:
        from tensorflow.core.framework import function_pb2  # the program has imported TensorFlow

        definition = function_pb2.FunctionDef()
        signature = definition.signature
        signature.name, signature.is_stateful = name, True
        for position, kind in enumerate(types):
            signature.input_arg.add(name=f"i{position}", type=kind)
        taken = 0
        for number, node in enumerate(nodes):
            inner = definition.node_def.add()
            inner.CopyFrom(node.proto)
            inner.name = f"node{number}"
            del inner.input[:]
            inner.input.extend(f"i{taken + position}" for position in range(len(node.inputs)))
            taken += len(node.inputs)
            for output, index, kind in self._output_types(node):
                result = f"o{len(signature.output_arg)}"
                signature.output_arg.add(name=result, type=kind)
                definition.ret[result] = f"{inner.name}:{output}:{index}"
            definition.control_ret[inner.name] = inner.name
            signature.control_output.append(inner.name)
        return definition

    def _output_types(self, node: Node) -> list[tuple[str, int, int]]:
        """(name, index, type) of each output."""
        made = []
        attr = node.proto.attr
        op_def = self._op_def(node.proto.op) or self._context().get_function_def(node.proto.op).signature
        for output in op_def.output_arg:
            kind = attr[output.type_attr].type if output.type_attr else output.type
            if output.number_attr:
                kinds = [kind] * attr[output.number_attr].i
            elif output.type_list_attr:
                kinds = list(attr[output.type_list_attr].list.type)
            else:
                kinds = [kind]
            made += [(output.name, index, each) for index, each in enumerate(kinds)]
        return made

    def _remove(self) -> None:
        context = self._context()
        for name in self._made.values():
            context.remove_function(name)
        self._made.clear()

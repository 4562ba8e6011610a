"""The example inputs of `torch.jit.trace` as a `Signature`, by the function's own parameter names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_compile.values import describe, is_plain_tensor, type_name
from tracedbg.events import MappingSpec, OpaqueSpec, SequenceSpec, Signature, Spec, TensorSpec, ValueSpec

if TYPE_CHECKING:
    from types import FunctionType

_VALUES = (bool, int, float, complex, str, bytes, type(None))


def signature(function: FunctionType | None, inputs: Any, context: tuple[tuple[str, str], ...]) -> Signature:
    """What `function` was traced for.

    Args:
        function: what is traced; None where it has no Python code.
        inputs: a tensor, a tuple of arguments, or a dict of them by name, as torch takes them.
        context: what else decides on the graph.
    """
    if isinstance(inputs, dict):
        given = list(inputs.items())
    else:
        values = inputs if isinstance(inputs, (tuple, list)) else (inputs,)
        given = list(zip(_names(function, len(values)), values, strict=True))
    return Signature(tuple((str(name), spec(value)) for name, value in given), context)


def _names(function: FunctionType | None, count: int) -> list[str]:
    if function is None:
        return [f"args[{number}]" for number in range(count)]
    code = function.__code__
    names = list(code.co_varnames[: code.co_argcount])
    if names[:1] == ["self"]:
        del names[0]
    return [*names[:count], *(f"args[{number}]" for number in range(count - len(names)))]


def spec(value: Any) -> Spec:
    """One example input; a tensor's data are not read."""
    import torch

    kind = type(value)
    if isinstance(value, torch.Tensor):
        return _tensor(value) if is_plain_tensor(value) else OpaqueSpec(type_name(kind), describe(value))
    if kind in _VALUES:
        return ValueSpec(kind.__name__, describe(value))
    if isinstance(value, (list, tuple)):
        return SequenceSpec(kind.__name__, tuple(map(spec, value)))
    if isinstance(value, dict):
        return MappingSpec(kind.__name__, tuple(map(describe, value)), tuple(map(spec, value.values())))
    return OpaqueSpec(type_name(kind), describe(value))


def _tensor(tensor: Any) -> TensorSpec:
    import torch

    with torch._C.DisableTorchFunction():
        dtype, shape = str(tensor.dtype).removeprefix("torch."), tuple(map(int, tensor.shape))
        details = (("device", str(tensor.device)), ("requires_grad", str(tensor.requires_grad)))
    return TensorSpec(dtype, shape, type(tensor).__name__, details)

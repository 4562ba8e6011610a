"""Gives an op what a dispatch mode was given for it, where torch would not take that back.

For a tensor that stands for a number, a mode is given the number. Most ops that such tensors come to take
numbers; `aten::equal` does not, with which TorchScript compares the constants of a graph.
"""

from __future__ import annotations

from typing import Any

from tracedbg.adapters.torch_common import _compat


def check() -> None:
    """Find out before a mode is on whether this can be done: an op of the program's would fail else.

    Raises:
        MovedError, AttributeError: this torch is another one.
    """
    import torch

    _compat.TAKES_NUMBERS.find()
    torch.ops.aten.equal.default._schema  # noqa: B018  looked up alone


def as_tensors(function: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The positional arguments of an op, with tensors where it takes no numbers."""
    if not any(isinstance(value, (int, float, complex)) for value in args):
        return args
    schema = function._schema
    if _compat.TAKES_NUMBERS.get()(schema.name):
        return args
    return tuple(
        _tensor(value)
        if isinstance(value, (int, float, complex)) and argument.type.kind() == "TensorType"
        else value
        for value, argument in zip(args, schema.arguments, strict=False)
    )


def _tensor(value: complex) -> Any:
    import torch

    kinds = {bool: torch.bool, int: torch.int64, float: torch.float64, complex: torch.complex128}
    return torch.scalar_tensor(value, dtype=kinds[type(value)])

"""One eager op as the debugger sees it: its inputs and outputs by the names of its schema."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from tracedbg.events import OpSite

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class EagerOp:
    """See `OpView`. Holds the program's own values, and must not outlive the call of the op."""

    file, line = "", 0
    """Where it is run; set when that is known."""

    def __init__(
        self, op: Any, arguments: Sequence[Any], named: Mapping[str, Any], index: int, node: str
    ) -> None:
        self._op = op
        self._arguments = arguments
        self._named = named
        self._outputs: Any = ()
        self.index = index
        self._node = node

    @property
    def site(self) -> OpSite:
        """See `OpView`; the same for the methods below."""
        name = op_name(self._op)
        return OpSite(self._node or name, name, _tensors(self.inputs()), file=self.file, line=self.line)

    def inputs(self) -> list[tuple[str, Any]]:  # noqa: D102
        names, _ = _schema(self._op)
        found = []
        for at, value in enumerate(self._arguments):
            found += _spread(names[at] if at < len(names) else f"input{at}", value)
        for name, value in self._named.items():
            found += _spread(name, value)
        return found

    def outputs(self) -> list[tuple[str, Any]]:  # noqa: D102
        _, names = _schema(self._op)
        made = self._outputs
        several = made if isinstance(made, tuple) else (made,)
        found = []
        for at, value in enumerate(several):
            otherwise = "output" if len(several) == 1 else f"output{at}"
            found += _spread((names[at] if at < len(names) else "") or otherwise, value)
        return found

    def ran(self, outputs: Any) -> None:
        """Note what it has made."""
        self._outputs = () if outputs is None else outputs


def _tensors(named: list[tuple[str, Any]]) -> tuple[str, ...]:
    import torch

    return tuple(name for name, value in named if issubclass(type(value), torch.Tensor))


@cache
def op_name(op: Any) -> str:
    """`aten.relu`: without the overload, as nobody writes it."""
    return str(op.overloadpacket) if hasattr(op, "overloadpacket") else str(op)


@cache
def _schema(op: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    schema = getattr(op, "_schema", None)
    if schema is None:
        return (), ()
    return tuple(one.name for one in schema.arguments), tuple(one.name for one in schema.returns)


def _spread(name: str, value: Any) -> list[tuple[str, Any]]:
    """A list of tensors is one input for each; a list of numbers is one value."""
    import torch

    if isinstance(value, (list, tuple)) and any(issubclass(type(one), torch.Tensor) for one in value):
        return [(f"{name}[{at}]", one) for at, one in enumerate(value)]
    return [(name, value)]

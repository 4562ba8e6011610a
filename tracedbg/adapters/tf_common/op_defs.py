"""What the definition of an op says of its arguments."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_common._compat import OP_DEFS

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Definition:
    """What an op's definition says of its arguments."""

    inputs: tuple[tuple[str, bool], ...]
    """(name, whether it is a list of tensors)."""
    outputs: tuple[tuple[str, bool], ...]


@cache
def definition(op: str) -> Definition | None:
    """The definition of an op; None for a function."""
    found = OP_DEFS.get()(op)
    if found is None:
        return None
    return Definition(_arguments(found.input_arg), _arguments(found.output_arg))


def _arguments(arguments: Any) -> tuple[tuple[str, bool], ...]:
    return tuple((one.name, bool(one.number_attr or one.type_list_attr)) for one in arguments)


def tensors_of(values: Sequence[Any]) -> list[Any]:
    """Values, with the lists among them opened."""
    flat: list[Any] = []
    for value in values:
        flat += value if isinstance(value, (list, tuple)) else [value]
    return flat

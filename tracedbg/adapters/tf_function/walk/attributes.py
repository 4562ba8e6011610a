"""The attributes of a node in the form in which `TFE_Py_Execute` takes them. It must not know walks."""

from __future__ import annotations

from typing import Any, Final

UNSET: Final = None
"""There is one among them that cannot be handed over so."""
_LISTS = ("s", "i", "f", "b", "type")


def attributes(op_def: Any, proto: Any) -> tuple[Any, ...] | None:
    """Name and value in turn; `UNSET` if that cannot be."""
    known = {attribute.name for attribute in op_def.attr} if hasattr(op_def, "attr") else set()
    made: list[Any] = []
    for name, value in proto.attr.items():
        if name not in known:
            continue
        converted = _converted(value)
        if converted is NotImplemented:
            return UNSET
        made += [name, converted]
    return tuple(made)


def _converted(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind in {"s", "i", "f", "b", "type"}:
        return getattr(value, kind)
    if kind == "shape":
        return _shape(value.shape)
    if kind == "func":
        return value.func.name if not value.func.attr else NotImplemented
    if kind == "list":
        return _list(value.list)
    return NotImplemented


def _list(values: Any) -> Any:
    for field in _LISTS:
        if len(found := getattr(values, field)):
            return list(found)
    if len(values.shape):
        return [_shape(shape) for shape in values.shape]
    if len(values.func):
        if any(function.attr for function in values.func):
            return NotImplemented
        return [function.name for function in values.func]
    return NotImplemented if len(values.tensor) else []


def _shape(shape: Any) -> list[int | None] | None:
    return None if shape.unknown_rank else [None if dim.size < 0 else dim.size for dim in shape.dim]

"""What is in an object, read without running anything of its own, such as a property or `__len__`.

It must not know texts, frames or frameworks.
"""

from __future__ import annotations

from collections import deque
from types import FunctionType, GetSetDescriptorType, MemberDescriptorType, ModuleType
from typing import Any

_CONTAINERS: tuple[type, ...] = (list, tuple, set, frozenset, deque)
_TYPE_NAME = type.__dict__["__name__"]
_TYPE_QUALNAME = type.__dict__["__qualname__"]
_MISSING = object()


def type_name(value: object) -> str:
    """The name of its class."""
    return name_of(type(value))


def name_of(kind: type) -> str:
    """The name of a class, whatever its metaclass says."""
    return str(_TYPE_NAME.__get__(kind))


def full_name(kind: type) -> str:
    """Module and qualified name of a class."""
    qualified = str(_TYPE_QUALNAME.__get__(kind)).replace("<locals>.", "")
    module = type.__dict__["__dict__"].__get__(kind).get("__module__")
    return f"{module}.{qualified}" if type(module) is str and module != "builtins" else qualified


def class_attribute(kind: type, name: str) -> Any:
    """An attribute as it stands in a class or its bases, not bound; None if there is none."""
    for base in type.__dict__["__mro__"].__get__(kind):
        found = type.__dict__["__dict__"].__get__(base).get(name, _MISSING)
        if found is not _MISSING:
            return found
    return None


def writes_itself(kind: type) -> bool:
    """Whether somebody has written a `__repr__` for it."""
    return class_attribute(kind, "__repr__") is not object.__repr__


def has_python_repr(kind: type) -> bool:
    """Whether that is written in Python: it may say more of a container than its items."""
    return type(class_attribute(kind, "__repr__")) is FunctionType


def container(kind: type) -> type | None:
    """Which of Python's own sequences and sets it is, or is derived from."""
    return next((base for base in _CONTAINERS if issubclass(kind, base)), None)


def is_record(kind: type) -> bool:
    """Whether it is told by its fields: a named tuple, or a dataclass without a `__repr__` of its own."""
    if issubclass(kind, tuple):
        return type(class_attribute(kind, "_fields")) is tuple
    params = class_attribute(kind, "__dataclass_params__")
    if params is None or not getattr(params, "repr", False):
        return False
    made = class_attribute(kind, "__repr__")
    return hasattr(made, "__wrapped__") or getattr(made, "__module__", "") != getattr(kind, "__module__", "")


def fields(value: Any) -> list[tuple[str, Any]]:
    """The fields of a record, by name."""
    kind = type(value)
    if issubclass(kind, tuple):
        names = class_attribute(kind, "_fields")
        return [(str(name), one) for name, one in zip(names, tuple.__iter__(value))]  # noqa: B905  hostile lengths
    known = dict(attributes(value))
    names = class_attribute(kind, "__dataclass_fields__")
    shown = [name for name, field in names.items() if field.repr and name in known]
    return [(name, known[name]) for name in shown]


def instance_dict(value: object) -> dict[str, Any]:
    """Its `__dict__`; empty if it has none, or makes one up."""
    if issubclass(type(value), ModuleType):
        found = vars(ModuleType)["__dict__"].__get__(value)
        return found if type(found) is dict else {}
    slot = class_attribute(type(value), "__dict__")
    if type(slot) is not GetSetDescriptorType:
        return {}
    found = slot.__get__(value)
    return found if issubclass(type(found), dict) else {}


def attributes(value: object) -> list[tuple[str, Any]]:
    """Its attributes that are simply there, in `__dict__` and in slots."""
    found = [(str(name), one) for name, one in list(dict.items(instance_dict(value)))]
    if issubclass(type(value), ModuleType):
        return [(name, one) for name, one in found if not name.startswith("__")]
    for base in type.__dict__["__mro__"].__get__(type(value)):
        for name, slot in list(type.__dict__["__dict__"].__get__(base).items()):
            if type(slot) is MemberDescriptorType and not name.startswith("__"):
                try:
                    found.append((name, slot.__get__(value)))
                except AttributeError:
                    continue  # a slot that is empty
    if issubclass(type(value), BaseException):
        found.insert(0, ("args", BaseException.__dict__["args"].__get__(value)))
    return found

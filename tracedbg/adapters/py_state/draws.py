"""Functions that give another value each time they are called: random numbers and clocks.

They are told by what they are, not by name: `random.random` is a method of an object of the module `random`,
by whatever name the user calls it.
"""

from __future__ import annotations

from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

_RANDOM_OBJECTS = ("random", "numpy.random")
_BUILTINS = {
    "time": {
        name + unit for name in ("time", "monotonic", "perf_counter", "process_time") for unit in ("", "_ns")
    },
    "posix": {"urandom"},
    "nt": {"urandom"},
}
_FUNCTIONS = {"uuid": {"uuid1", "uuid4"}, "secrets": {"token_bytes", "token_hex", "randbelow"}}
_CLASS_METHODS = {"now", "utcnow", "today"}


def is_drawing(owner: Any, name: str) -> bool:
    """Whether the attribute `name` of `owner` draws a random number or reads a clock."""
    if type(owner) is ModuleType:
        return is_drawing_function(vars(owner).get(name))
    if issubclass(type(owner), type):
        return owner.__module__ == "datetime" and name in _CLASS_METHODS
    return _is_generator(owner)


def is_drawing_function(function: Any) -> bool:
    """The same of a function that has a name of its own."""
    kind = type(function)
    if kind is FunctionType:
        return function.__name__ in _FUNCTIONS.get(function.__module__, ())
    if kind is MethodType:
        return _is_generator(function.__self__)
    if kind is not BuiltinFunctionType:
        return False
    owner = function.__self__
    if type(owner) is ModuleType:
        return function.__name__ in _BUILTINS.get(owner.__name__, ())
    return is_drawing(owner, function.__name__)


def _is_generator(owner: Any) -> bool:
    module = type(owner).__module__
    return any(module == name or module.startswith(f"{name}.") for name in _RANDOM_OBJECTS)

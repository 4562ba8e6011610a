"""The arguments of a request, read by name and type: what is wrong with them is said in words.

It must not know any request.
"""

from __future__ import annotations

from typing import Any, TypeVar, overload

_T = TypeVar("_T")
_NAMES = {str: "a string", int: "an integer", bool: "true or false", list: "a list", dict: "an object"}
_MISSING: Any = object()
_LARGEST = 2**53
"""What JavaScript holds exactly."""


class RequestError(Exception):
    """A request that cannot be done; the text is for the person at the client."""


class Arguments:
    """What a request, or an object in it, holds."""

    def __init__(self, values: object, of: str) -> None:
        """Look at `values`.

        Args:
            values: as it came.
            of: what it is, for messages: `'setBreakpoints'`.
        """
        if values is None or values == []:  # Lua has one empty table for both
            values = {}
        if not isinstance(values, dict):
            raise RequestError(f"the arguments of {of!r} are not an object but {_kind(values)}")
        self.values = values
        self.of = of

    @overload
    def text(self, name: str) -> str: ...
    @overload
    def text(self, name: str, default: _T) -> str | _T: ...
    def text(self, name: str, default: Any = _MISSING) -> Any:
        """A string."""
        return self._get(name, str, default)

    @overload
    def number(self, name: str) -> int: ...
    @overload
    def number(self, name: str, default: _T) -> int | _T: ...
    def number(self, name: str, default: Any = _MISSING) -> Any:
        """An integer that JavaScript can hold, too."""
        value = self._get(name, int, default)
        if isinstance(value, int) and abs(value) > _LARGEST:
            raise RequestError(f"argument {name!r} of {self.of!r} is out of range")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean."""
        return bool(self._get(name, bool, default))

    def strings(self, name: str) -> list[str]:
        """A list of strings; empty if it is not there."""
        values = self._get(name, list, [])
        for value in values:
            self._check(name, value, str)
        return list(values)

    def objects(self, name: str) -> list[Arguments]:
        """A list of objects; empty if it is not there."""
        values = self._get(name, list, [])
        for value in values:
            self._check(name, value, dict)
        return [Arguments(value, self.of) for value in values]

    def inner(self, name: str) -> Arguments:
        """An object; empty if it is not there."""
        return Arguments(self._get(name, dict, {}), self.of)

    def is_text(self, name: str) -> bool:
        """Whether it is a string, where several types are allowed."""
        return isinstance(self.values.get(name), str)

    def names(self) -> list[str]:
        """All that there is."""
        return list(self.values)

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) is not None

    def _get(self, name: str, kind: type, default: Any) -> Any:
        value = self.values.get(name)
        if value is None:
            if default is _MISSING:
                raise RequestError(f"{self.of!r} needs argument {name!r}, {_NAMES[kind]}")
            return default
        if kind is int and isinstance(value, float) and value.is_integer():
            value = int(value)  # some languages have no other numbers
        self._check(name, value, kind)
        return value

    def _check(self, name: str, value: object, kind: type) -> None:
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise RequestError(f"argument {name!r} of {self.of!r} is not {_NAMES[kind]} but {_kind(value)}")


def _kind(value: object) -> str:
    if isinstance(value, float):
        return "a number with a fraction"
    return _NAMES.get(type(value), "nothing")

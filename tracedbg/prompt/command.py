"""How a command of the prompt is described: by its method's name, docstring, and what may follow it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Method = TypeVar("_Method", bound="Callable[..., Any]")


class CommandError(Exception):
    """A command that cannot be done; the text says why."""


@dataclass(frozen=True)
class Command:
    """One command with its other names."""

    names: tuple[str, ...]
    """The full one first."""
    arguments: str
    help: str
    group: str


def command(group: str, arguments: str = "") -> Callable[[_Method], _Method]:
    """Describe a `do_...` method; what it does stands in its docstring.

    Args:
        group: under which heading it is listed.
        arguments: what may follow its name.
    """

    def mark(method: _Method) -> _Method:
        vars(method).update(group=group, arguments=arguments)
        return method

    return mark


def commands_of(cls: type) -> list[Command]:
    """The commands of a class, in the order of their definition, its bases' first."""
    names: dict[Any, list[str]] = {}
    for base in reversed(cls.__mro__):
        for name, method in vars(base).items():
            if name.startswith("do_") and getattr(method, "group", None):
                names.setdefault(method, []).append(name.removeprefix("do_"))
    return [
        Command(tuple(known), method.arguments, " ".join((method.__doc__ or "").split()), method.group)
        for method, known in names.items()
    ]

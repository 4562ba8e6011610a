"""Fixed twins: a program with the advice applied as it is written, and what it costs then.

A twin names the case, or the small program beside it, that it fixes, and the piece of the advice that
it applies. `test_twins.py` runs it and compares the framework's own counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Twin:
    """One fixed program."""

    program: Callable[[], Any]
    of: str
    """The case in `../shared/cases`, or the name of a function in `PROGRAMS`."""
    applies: str
    """The piece of the advice."""
    count: int
    """Traces, by the framework's own count."""

    def __str__(self) -> str:
        return f"{self.of}-{self.program.__name__}"


class Twins:
    """The twins of one framework."""

    def __init__(self) -> None:
        self.all: list[Twin] = []
        self.programs: dict[str, Callable[[], Any]] = {}

    def program(self, function: Callable[[], Any]) -> Callable[[], Any]:
        """A program that is no case, with a cause that no case has."""
        self.programs[function.__name__] = function
        return function

    def fix(self, of: str, applies: str, count: int) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
        """A twin of `of`."""

        def add(function: Callable[[], Any]) -> Callable[[], Any]:
            self.all.append(Twin(function, of, applies, count))
            return function

        return add

"""What one function's source says that it reads and does outside of itself. Data only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ast

    from tracedbg.adapters.py_state.state import Step

Span = tuple[int, int]
"""First and last line of a piece of source."""


@dataclass(frozen=True)
class Path:
    """A value by the way to it: a name that is not the function's own, attributes, constant keys."""

    root: str
    scope: str
    """`global`, `closure` or `argument`."""
    steps: tuple[Step, ...]
    text: str
    """As the user wrote it."""

    @property
    def kind(self) -> str:
        """The kind of `Stale` that a change of it is."""
        return "attribute" if self.steps else self.scope


@dataclass(eq=False)
class Test:
    """A condition that decides what is traced, and can be decided again later."""

    expression: ast.expr
    paths: dict[ast.AST, Path]
    """The values in it."""


@dataclass(eq=False)
class Read:
    """One value that is read."""

    path: Path
    line: int
    spans: list[Span] = field(default_factory=list)
    """An op made at one of these lines proves that the value had a part in the graph."""
    test: Test | None = None
    """The condition that it is a part of, where it decides what is traced; else it goes into ops."""


@dataclass(eq=False)
class Draw:
    """A call of a function that gives another value each time."""

    function: Path
    text: str
    line: int
    spans: list[Span] = field(default_factory=list)


@dataclass(eq=False)
class Effect:
    """A statement that changes something outside of the function, or prints."""

    path: Path | None
    """What it changes; None for `print`."""
    text: str
    line: int
    how: str
    """`add` (a counter), `assign`, `mutate` (a method of a container) or `print`."""
    spans: list[Span] = field(default_factory=list)
    """For `print`: an op made at one of these lines proves that it ran."""


@dataclass(eq=False)
class Facts:
    """All that is known of one function."""

    reads: list[Read] = field(default_factory=list)
    draws: list[Draw] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    used: set[Path] = field(default_factory=set)
    """All that it has to do with in any way other than by its effects."""


NOTHING = Facts()
"""Of a function that has to do with its own arguments alone."""

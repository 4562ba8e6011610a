"""Runs what a person types at a stop: expressions, and statements whose assignments are written back.

It must not know who has typed it, nor any framework.
"""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tracedbg.debugging import CannotAssignError

if TYPE_CHECKING:
    from types import CodeType

    from tracedbg.debugging import FrameView

_FILE = "<debugger>"
NOTHING = object()
"""What a statement gives."""


def evaluate(text: str, frame: FrameView, extra: dict[str, Any] | None = None) -> Any:
    """The value of an expression among the variables and globals of a frame.

    Its comprehensions and lambdas see the variables, too: all names are the globals of the expression.

    Args:
        text: the expression.
        frame: where.
        extra: further names; the variables go before them, they before the globals.

    Raises:
        Exception: whatever it raises.
    """
    return eval(_expression(text), _names(frame, extra or {}))  # noqa: S307  the person at the debugger asks


@lru_cache(maxsize=256)
def _expression(text: str) -> CodeType:
    """A condition is asked often."""
    return compile(text.strip(), _FILE, "eval", dont_inherit=True)


def _names(frame: FrameView, extra: dict[str, Any]) -> dict[str, Any]:
    return {"__builtins__": builtins, **frame.names(), **extra, **frame.variables()}


@dataclass
class Session:
    """What was typed at one stop: names that the program does not have are kept here."""

    extra: dict[str, Any] = field(default_factory=dict)

    def evaluate(self, text: str, frame: FrameView) -> Any:
        """See `evaluate`."""
        return evaluate(text, frame, self.extra)

    def run(self, text: str, frame: FrameView, like: Any = None) -> Any:
        """Run an expression, for its value, or statements: `NOTHING`.

        Args:
            text: Python, of one or more lines.
            frame: variables that it assigns to are set there; other names are kept in `extra`.
            like: `like(value, old)` makes a value that can take the place of `old`.

        Raises:
            CannotAssignError: it assigns to a variable that cannot be set; what it has done is done.
            Exception: whatever it raises.
        """
        code, is_expression = _compiled(text)
        names = _names(frame, self.extra)
        if is_expression:
            return eval(code, names)  # noqa: S307  the person at the debugger asks
        before = dict(names)
        variables = set(frame.variables())
        try:
            exec(code, names)  # noqa: S102  likewise
        finally:
            refused = self._keep(before, names, variables, frame, like)
        if refused is not None:
            raise refused
        return NOTHING

    def _keep(
        self, before: dict[str, Any], after: dict[str, Any], variables: set[str], frame: FrameView, like: Any
    ) -> CannotAssignError | None:
        """Set what has changed; returns why something could not be set."""
        refused = None
        for name, value in after.items():
            if name in before and before[name] is value:
                continue
            if name not in variables:
                self.extra[name] = value
                continue
            try:
                frame.assign(name, like(value, before[name]) if like is not None else value)
            except CannotAssignError as error:
                refused = error
        for name in before.keys() - after.keys():
            if name in variables:
                refused = CannotAssignError(f"{name} cannot be deleted here")
            self.extra.pop(name, None)
        return refused


def _compiled(text: str) -> tuple[CodeType, bool]:
    """The code, and whether it is an expression."""
    try:
        return compile(text.strip(), _FILE, "eval", dont_inherit=True), True
    except SyntaxError:
        return compile(text, _FILE, "exec", dont_inherit=True), False


@dataclass(frozen=True)
class Target:
    """What stands on the left of an assignment."""

    kind: str
    """`name`, `attribute`, `item`."""
    owner: str = ""
    """The expression before the dot or the bracket."""
    key: str = ""
    """The name, the attribute, or the expression in the brackets."""


def target(text: str) -> Target:
    """Read what a person wants to set.

    Raises:
        ValueError: it is no name, attribute or item, with a text for a person.
    """
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        node = None
    match node:
        case ast.Name(id=name):
            return Target("name", key=name)
        case ast.Attribute(value=owner, attr=name):
            return Target("attribute", ast.unparse(owner), name)
        case ast.Subscript(value=owner, slice=key):
            return Target("item", ast.unparse(owner), ast.unparse(key))
    raise ValueError(f"{text.strip()!r} cannot be set: it is no variable, attribute or item")


def expression_for(parent: str, key: object, kind: str) -> str:
    """An expression that gives a child again; empty where there is none.

    Args:
        parent: the expression of the value that holds it; empty if there is none.
        key: attribute name, index or key.
        kind: `attribute` or `item`.
    """
    if not parent:
        return ""
    if kind == "attribute":
        name = str(key)
        return f"{parent}.{name}" if name.isidentifier() and not name.startswith("__") else ""
    if type(key) in (str, bytes, int, bool, float, type(None)):
        text = repr(key)
        return f"{parent}[{text}]" if text.isprintable() and text not in ("nan", "inf", "-inf") else ""
    return ""

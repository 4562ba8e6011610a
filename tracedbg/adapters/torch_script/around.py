"""Look before and after a call of torch's without a Python frame of ours on the stack in between.

torch writes the Python stack into what it makes: a traced graph, a saved model, a warning's place. And a
traceback shows each frame. So what stands in for torch's function is called by the interpreter's own C
code: `__call__` is a descriptor, which is asked for the callable (before the call), and that callable is
destroyed as soon as the call is over, whether it returned or raised (after it).

It must not know what is looked at.
"""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from tracedbg.hooks import Hooks

    Before = Callable[[FrameType], Callable[[], object] | None]
    """Given torch's frame that makes the call; gives what to do afterwards, or None for nothing."""


class _Call:
    """The `__call__` of `Around`."""

    def __get__(self, around: Around, owner: type) -> Callable[..., Any]:
        after = around.hooks.safely(around.where, around.before, sys._getframe(1))
        return around.original if after is None else _Running(around, after)


class Around:
    """Stands in for a function of torch's.

    What it has is in slots: `Hooks.patch` copies the `__dict__` of what is stood in for, of another one too.
    """

    __slots__ = ("__dict__", "before", "hooks", "original", "where")
    __call__ = _Call()

    def __init__(self, hooks: Hooks, where: str, original: Any, before: Before) -> None:
        self.hooks = hooks
        self.where = where
        self.original = original
        self.before = before


class AroundMethod(Around):
    """Stands in for a function in a class, and is bound to an object as that would be."""

    __slots__ = ()

    def __get__(self, instance: Any, owner: type) -> Any:
        bound = self.original.__get__(instance, owner)
        return bound if instance is None else Around(self.hooks, self.where, bound, self.before)


class _Running(functools.partial[Any]):
    """One call of the original; it dies when the call is over."""

    _hooks: Hooks
    _where: str
    _after: Callable[[], object]

    def __new__(cls, around: Around, after: Callable[[], object]) -> _Running:
        running = super().__new__(cls, around.original)
        running._hooks, running._where, running._after = around.hooks, f"{around.where}_end", after
        return running

    def __del__(self) -> None:
        self._hooks.safely(self._where, self._after)

"""The values that torch gives to Python while it traces: `bool(tensor)`, `int(tensor)` and the like.

Stand-ins for `Tensor.__bool__` and the others are there only during a trace. They call nothing that the
program does not, by C code alone: no frame of ours is on the stack while torch works.
"""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = ("__bool__", "__int__", "__float__", "__index__")


class Conversions:
    """Tells the values, while at least one trace is under way."""

    def __init__(self, given: Callable[[Any], None]) -> None:
        """Tell `given` of each value, in the thread that gets it."""
        self._given = given
        self._watchers: list[object] = []  # no lock, which a fork could leave held: each step is atomic

    def watch(self, watcher: object) -> None:
        """A trace begins, which is known as `watcher`."""
        import torch

        self._watchers.append(watcher)
        for name in NAMES:
            if name not in vars(torch.Tensor):
                setattr(torch.Tensor, name, _Conversion(getattr(torch.Tensor, name), self._given))

    def unwatch(self, watcher: object) -> None:
        """It is over."""
        self._watchers.remove(watcher)
        if not self._watchers:
            self.remove()

    def remove(self) -> None:
        """Leave torch as it was."""
        import torch

        for name in NAMES:
            if isinstance(vars(torch.Tensor).get(name), _Conversion):
                delattr(torch.Tensor, name)


class _Conversion:
    """Stands in for a method of `Tensor` that takes no arguments, and tells what it returns."""

    def __init__(self, original: Any, given: Callable[[Any], None]) -> None:
        self._original = original
        self._given = given

    def __get__(self, tensor: Any, owner: type) -> Any:
        if tensor is None:
            return self._original.__get__(None, owner)
        # `map` calls the method by its own name, as Python does: an error says the same.
        return functools.partial(next, map(self._tell, map(self._original, itertools.repeat(tensor))))

    def _tell(self, value: Any) -> Any:
        self._given(value)
        return value

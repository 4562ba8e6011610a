"""Numbers of calls, by code object, for as long as the process lives.

It must not know how torch is made to count, nor emit anything.
"""

from __future__ import annotations

import operator
import sys
import weakref
from dataclasses import dataclass, field
from itertools import repeat
from typing import TYPE_CHECKING, Any

from tracedbg.events import Calls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType

    from tracedbg.events import Fallback, Traceable


class Count:
    """Counts the calls of `next`, in C."""

    __slots__ = ("_before", "_left", "next")

    def __init__(self) -> None:
        self._left = repeat(int, sys.maxsize)
        self._before = 0
        self.next: Callable[[], Callable[[], int]] = self._left.__next__
        """To be called by torch; the `int` that it returns may be called, and does nothing."""

    @property
    def value(self) -> int:
        """How many calls there were since `begin`."""
        return sys.maxsize - operator.length_hint(self._left) - self._before

    def begin(self) -> None:
        """Count from 0."""
        self._before += self.value


@dataclass(eq=False)
class Counted:
    """The calls of one code object."""

    code: weakref.ref[CodeType]
    compiled: Count = field(default_factory=Count)
    entered: Count = field(default_factory=Count)
    """Calls of the `torch.compile` wrappers around it."""
    function: Traceable | None = None
    """Known from its first compile on, or from its first eager call."""
    is_wrapped: bool = False
    """Whether a wrapper around it counts."""
    is_called_inside: bool = False
    """Whether something else calls it, too: another compiled function, or a wrapper of several functions."""
    is_counted: bool = True
    """Whether all of its compiled code counts."""
    fallback: Fallback | None = None
    """Why its calls run eager, from the last decision on."""
    entered_unseen: int = 0
    """Calls of wrappers that were first seen in the middle of a call."""
    raised: int = 0
    """Calls that ended with an exception while compiling."""
    first_eager_call: int | None = None
    unexplained_before: int = 0
    """Calls that were neither compiled nor told of when the stance was last changed."""
    told: tuple[int | None, int | None] = (0, 0)
    has_told_first: bool = False
    has_told_fallback: bool = False
    """Whether it was told of in this attachment."""

    def begin(self) -> None:
        """Count from 0, for another attachment; what the function is stays as it is."""
        self.compiled.begin()
        self.entered.begin()
        self.entered_unseen = self.raised = self.unexplained_before = 0
        self.first_eager_call = None
        self.told, self.has_told_first, self.has_told_fallback = self.known, False, False

    @property
    def all_calls(self) -> int | None:
        """None where nobody knows."""
        if not self.is_wrapped or self.is_called_inside or not self.is_counted:
            return None
        return self.entered.value + self.entered_unseen

    @property
    def unexplained(self) -> int:
        """Calls that neither ran compiled code nor raised."""
        return max((self.all_calls or 0) - self.compiled.value - self.raised, 0)

    @property
    def eager(self) -> int | None:
        """While the function is well, a call that is neither is just being compiled."""
        if self.fallback is None:
            return 0
        return None if self.all_calls is None else self.unexplained

    @property
    def known(self) -> tuple[int | None, int | None]:
        """Compiled and eager calls, None where nobody knows."""
        return self.compiled.value if self.is_counted else None, self.eager

    @property
    def current_call(self) -> int:
        """The number of the call that is under way."""
        return self.all_calls or self.compiled.value + self.raised + 1

    def fall_back(self, fallback: Fallback, first_eager_call: int | None) -> None:
        """From here on, calls run eager; that was told just now."""
        self.fallback, self.has_told_fallback = fallback, True
        if self.first_eager_call is None:
            self.first_eager_call = first_eager_call

    def has_told(self, reason: str) -> bool:
        """Whether it was told that calls run eager for that reason."""
        return self.has_told_fallback and self.fallback is not None and self.fallback.reason == reason

    def news(self, function: Traceable) -> Calls | None:
        """What came to be since it was last asked; None where nothing did."""
        known, told = self.known, self.told
        first = None if self.has_told_first else self.first_eager_call
        if known == told and first is None:
            return None
        self.told = known
        self.has_told_first |= first is not None
        compiled, eager = (
            None if now is None else now - (before or 0) for now, before in zip(known, told, strict=True)
        )
        return Calls(function, compiled, eager, first)


class Registry:
    """What is counted in this process: compiled code counts on when we have gone, and may come again."""

    def __init__(self) -> None:
        self.wrappers: weakref.WeakKeyDictionary[Any, Counted] = weakref.WeakKeyDictionary()
        """By the object that has the `enter_exit_hooks` of a `torch.compile` wrapper."""
        self._by_id: dict[int, Counted] = {}

    def of(self, code: CodeType) -> Counted:
        """By identity: two code objects that are equal are two."""
        found = self._by_id.get(id(code))
        if found is None or found.code() is not code:
            found = self._by_id[id(code)] = Counted(weakref.ref(code))
        return found

    def __iter__(self) -> Iterator[Counted]:
        yield from list(self._by_id.values())

    def forget_dead(self) -> None:
        """To be called when all has been told."""
        for key, counted in list(self._by_id.items()):
            if counted.code() is None:
                del self._by_id[key]


REGISTRY = Registry()

"""Puts a dispatch mode at the bottom of this thread's stack, and takes it out from wherever it is.

A `with` of the user's takes off what is on top: ours must never be there while one of theirs is below it.
"""

from __future__ import annotations

from typing import Any

from tracedbg.adapters.torch_eager import _compat


def put_in(mode: Any) -> None:
    """Below all modes of the user's."""
    others = _take_off()
    push = _compat.PUSH.get()
    for one in (mode, *others):
        push(one)


def take_out(mode: Any) -> None:
    """The others stay as they are."""
    push = _compat.PUSH.get()
    for one in _take_off():
        if one is not mode:
            push(one)


def holds(mode: Any) -> bool:
    """Whether the mode is on in this thread; one is not, while it is being asked."""
    at = _compat.STACK_AT.get()
    return any(at(index) is mode for index in range(_compat.STACK_SIZE.get()()))


def _take_off() -> list[Any]:
    """All modes but torch's own, from the bottom."""
    at, size, pop = _compat.STACK_AT.get(), _compat.STACK_SIZE.get()(), _compat.POP.get()
    users = [one for one in map(at, range(size)) if getattr(one, _compat.MODE_KEY, None) is None]
    return [pop(None) for _ in users][::-1]

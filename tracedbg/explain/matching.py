"""What of one run is the same thing as what of another: places that are comparable, and pairs.

It must not know what the things are.
"""

from __future__ import annotations

import os
from collections import defaultdict, deque
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

    from tracedbg.store.run_info import RunInfo

T = TypeVar("T")
_LIBRARIES = ("site-packages", "dist-packages")


class Places:
    """Files of a run, told so that they are the same in another checkout, and on another machine."""

    def __init__(self, run: RunInfo) -> None:
        script = os.path.join(run.cwd, run.argv[0]) if run.argv else ""
        folders = (run.cwd, os.path.dirname(script) if os.path.isabs(script) else "")
        self._folders = [os.path.normpath(folder) + os.sep for folder in folders if folder]

    def path(self, file: str) -> str:
        """`file` below the folder of the run, of its script, or of the installed libraries; else as it is."""
        for folder in self._folders:
            if file.startswith(folder):
                return file[len(folder) :]
        parts = file.split(os.sep)
        for name in _LIBRARIES:
            if name in parts:
                return os.sep.join(parts[parts.index(name) + 1 :])
        return file


def pair(
    a: Sequence[T], b: Sequence[T], keys: Sequence[Callable[[T, int], Hashable]]
) -> Iterator[tuple[T | None, T | None]]:
    """Each thing of `a` with the one of `b` that is the same; None for one that is alone.

    Args:
        a: in an order that means something: things of one key are matched in it.
        b: likewise.
        keys: the strictest first: a thing and its side (0 or 1) -> what has to be equal. What one leaves over
            is left to the next.
    """
    left, right = list(a), list(b)
    for key in keys:
        waiting: defaultdict[Hashable, deque[T]] = defaultdict(deque)
        for thing in right:
            waiting[key(thing, 1)].append(thing)
        alone = []
        for thing in left:
            if same := waiting[key(thing, 0)]:
                yield thing, same.popleft()
            else:
                alone.append(thing)
        left, right = alone, [thing for things in waiting.values() for thing in things]
    yield from ((thing, None) for thing in left)
    yield from ((None, thing) for thing in right)

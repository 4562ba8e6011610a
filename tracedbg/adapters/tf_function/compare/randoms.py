"""Gives an eager run the random numbers of its graph: only so can the rest of the two be compared."""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_function.compare._compat import FAST_PATH, OP_DEFS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tracedbg.compare.records import OpRecord

_SEEDS = frozenset({"seed", "seed2"})


@cache
def draws(op: str) -> bool:
    """Whether an op draws from a random stream of its own, that nobody can set back."""
    found = OP_DEFS.get()(op)
    return found is not None and found.is_stateful and {one.name for one in found.attr} >= _SEEDS


class Draws:
    """What a graph has drawn, in order."""

    def __init__(self, ops: Iterable[OpRecord]) -> None:
        self._by_op: dict[str, deque[Any]] = {}
        for record in ops:
            if draws(record.op) and len(record.values) == 1 and record.values[0] is not None:
                self._by_op.setdefault(record.op, deque()).append(record.values[0])

    def __bool__(self) -> bool:
        return bool(self._by_op)

    @property
    def names(self) -> list[str]:
        """The ops that have drawn."""
        return sorted(self._by_op)

    @contextmanager
    def given(self) -> Iterator[None]:
        """While this lasts, eager ops of these types return what the graph's have drawn."""
        owner, attribute = FAST_PATH.owner()
        original = getattr(owner, attribute)

        def TFE_Py_FastPathExecute(context, op, name, *arguments):  # noqa: N802  its name, in tracebacks too
            drawn = self._by_op.get(op)
            return drawn.popleft() if drawn else original(context, op, name, *arguments)

        TFE_Py_FastPathExecute.__tracedbg__ = "compare"  # type: ignore[attr-defined]
        setattr(owner, attribute, TFE_Py_FastPathExecute)
        try:
            yield
        finally:
            setattr(owner, attribute, original)

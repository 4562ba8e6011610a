"""Which of many earlier signatures is the nearest to a new one.

It knows the neutral specs only, and compares most of them by number.
"""

from __future__ import annotations

import operator
import sys
from dataclasses import dataclass
from itertools import compress, count
from typing import TYPE_CHECKING

from tracedbg.events import CauseKind, Signature, Spec, ValueSpec
from tracedbg.explain.difference import Difference, weight
from tracedbg.explain.signatures import (
    alias_differences,
    alias_groups,
    change_of_value,
    context_differences,
    differences,
    key_of_value,
    spec_differences,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable


_LEAST = 1
"""The weight of the smallest difference."""


@dataclass(frozen=True)
class _Known:
    signature: Signature
    since_ns: int
    names: tuple[str, ...]
    numbers: tuple[int, ...]
    """Of the arguments' specs; see `SignatureIndex`."""
    aliases: dict[str, str]
    frame: int
    """The same for two signatures of the same names, aliasing and context."""


class SignatureIndex:
    """The signatures that one function object was traced for, ready to be compared with another.

    Equal specs get one number, so that a comparison is one of small integers, and it ends where nothing
    can be nearer: a value that no trace has seen differs from all. With 200 signatures of 50 arguments it
    takes well under a millisecond.
    """

    def __init__(self) -> None:
        self._known: list[_Known] = []
        self._exact: dict[tuple[int, tuple[int, ...]], _Known] = {}
        self._numbers: dict[Hashable, int] = {}
        self._seen: set[tuple[str, int]] = set()
        """Each argument's numbers."""
        self._frames: dict[Hashable, int] = {}
        self._specs: list[Spec] = []
        self._weights: list[dict[int, int]] = []
        """By the number of the new spec, then of the old one."""

    def add(self, signature: Signature, since_ns: int) -> None:
        """From `since_ns` on, there is a trace for `signature`."""
        known = self._read(signature, since_ns)
        self._known.append(known)
        self._exact.setdefault((known.frame, known.numbers), known)
        self._seen.update(zip(known.names, known.numbers, strict=True))

    def nearest(self, signature: Signature, at_ns: int) -> tuple[Signature, tuple[Difference, ...]] | None:
        """The signature known at `at_ns` that differs least, the latest of several such.

        Returns:
            That one and how `signature` differs from it; None when none was known.
        """
        new = self._read(signature, at_ns)
        exact = self._exact.get((new.frame, new.numbers))
        if exact is not None and exact.since_ns <= at_ns:
            return exact.signature, ()
        rows: list[Callable[[int], int | None]] = [self._weights[number].get for number in new.numbers]
        floor = self._floor(new)
        best: _Known | None = None
        least = sys.maxsize
        for known in reversed(self._known):
            if known.since_ns <= at_ns:
                distance = self._distance(known, new, rows, least)
                if distance < least:
                    best, least = known, distance
                if least <= floor:
                    break
        if best is None:
            return None
        return best.signature, differences(best.signature, signature)

    def _read(self, signature: Signature, since_ns: int) -> _Known:
        names = tuple(name for name, _ in signature.arguments)
        numbers = tuple(self._number(spec) for _, spec in signature.arguments)
        aliases = alias_groups(signature)
        frame = names, tuple(aliases.items()), signature.context
        return _Known(
            signature, since_ns, names, numbers, aliases, self._frames.setdefault(frame, len(self._frames))
        )

    def _number(self, spec: Spec) -> int:
        key = key_of_value(spec) if type(spec) is ValueSpec else spec
        number = self._numbers.setdefault(key, len(self._specs))
        if number == len(self._specs):
            self._specs.append(spec)
            self._weights.append({})
        return number

    def _floor(self, new: _Known) -> int:
        """What all known signatures differ from the new one by, at least."""
        unseen = {*zip(new.names, new.numbers, strict=True)} - self._seen
        return max(_LEAST, sum([type(self._specs[number]) is ValueSpec for _, number in unseen]))

    def _distance(self, old: _Known, new: _Known, rows: list[Callable[[int], int | None]], limit: int) -> int:
        """The weight of all differences; not counted any further once it has reached `limit`."""
        total = 0
        before, after = old.numbers, new.numbers
        if old.frame != new.frame:
            theirs = dict(zip(old.names, old.numbers, strict=True))
            total = weight(CauseKind.ARGUMENT_COUNT) * len(theirs.keys() ^ set(new.names))
            total += _weigh(alias_differences(old.aliases, new.aliases))
            total += _weigh(context_differences(old.signature, new.signature))
            before = tuple(theirs.get(name, number) for name, number in zip(new.names, after, strict=True))
        for position in compress(count(), map(operator.ne, before, after)):
            found = rows[position](before[position])
            total += self._weight(before[position], after[position]) if found is None else found
            if total >= limit:
                break
        return total

    def _weight(self, before: int, after: int) -> int:
        old, new = self._specs[before], self._specs[after]
        if type(old) is type(new) is ValueSpec:  # by far the most; words for them take longest
            kind = change_of_value(old, new)
            found = weight(kind) if kind is not None else 0
        else:
            found = _weigh(spec_differences(old, new, ""))
        self._weights[after][before] = found
        return found


def _weigh(found: Iterable[Difference]) -> int:
    return sum([weight(difference.kind) for difference in found])

"""Which of many earlier signatures is the nearest to a new one.

It knows the neutral specs only, and compares most of them by number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracedbg.events import CauseKind, Signature, Spec
from tracedbg.explain.difference import Difference, weight
from tracedbg.explain.signatures import (
    alias_differences,
    alias_groups,
    context_differences,
    differences,
    spec_differences,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class _Known:
    signature: Signature
    names: tuple[str, ...]
    ids: tuple[int, ...]
    aliases: dict[str, str]
    since_ns: int


class SignatureIndex:
    """The signatures that one function object was traced for, ready to be compared with another.

    Equal specs get one number, so that most of a comparison is between small integers: one with
    200 signatures of 50 arguments takes well under a millisecond.
    """

    def __init__(self) -> None:
        self._known: list[_Known] = []
        self._numbers: dict[Spec, int] = {}
        self._specs: list[Spec] = []
        self._weights: dict[tuple[int, int], int] = {}

    def __len__(self) -> int:
        return len(self._known)

    def add(self, signature: Signature, since_ns: int) -> None:
        """From `since_ns` on, there is a trace for `signature`."""
        self._known.append(self._read(signature, since_ns))

    def nearest(self, signature: Signature, at_ns: int) -> tuple[Signature, tuple[Difference, ...]] | None:
        """The signature known at `at_ns` that differs least, the latest of several such.

        Returns:
            That one and how `signature` differs from it; None when none was known.
        """
        new = self._read(signature, at_ns)
        best: _Known | None = None
        least = 0
        for known in reversed(self._known):
            if known.since_ns <= at_ns:
                distance = self._distance(known, new, least if best else None)
                if best is None or distance < least:
                    best, least = known, distance
                if least == 0:
                    break
        if best is None:
            return None
        return best.signature, differences(best.signature, signature)

    def _read(self, signature: Signature, since_ns: int) -> _Known:
        names = tuple(name for name, _ in signature.arguments)
        ids = tuple(self._number(spec) for _, spec in signature.arguments)
        return _Known(signature, names, ids, alias_groups(signature), since_ns)

    def _number(self, spec: Spec) -> int:
        number = self._numbers.setdefault(spec, len(self._specs))
        if number == len(self._specs):
            self._specs.append(spec)
        return number

    def _distance(self, old: _Known, new: _Known, limit: int | None) -> int:
        """The weight of all differences; not counted any further once it has reached `limit`."""
        total = 0
        if old.names == new.names:
            pairs: Iterable[tuple[int, int]] = zip(old.ids, new.ids, strict=True)
        else:
            theirs = dict(zip(old.names, old.ids, strict=True))
            ours = dict(zip(new.names, new.ids, strict=True))
            total = weight(CauseKind.ARGUMENT_COUNT) * len(theirs.keys() ^ ours.keys())
            pairs = [(theirs[name], number) for name, number in ours.items() if name in theirs]
        if old.ids != new.ids:
            for a, b in pairs:
                if a != b:
                    total += self._weight(a, b)
                    if limit is not None and total >= limit:
                        return total
        if old.aliases != new.aliases:
            total += _weigh(alias_differences(old.aliases, new.aliases))
        if old.signature.context != new.signature.context:
            total += _weigh(context_differences(old.signature, new.signature))
        return total

    def _weight(self, old: int, new: int) -> int:
        found = self._weights.get((old, new))
        if found is None:
            found = _weigh(spec_differences(self._specs[old], self._specs[new], ""))
            self._weights[old, new] = found
        return found


def _weigh(found: Iterable[Difference]) -> int:
    return sum(weight(difference.kind) for difference in found)

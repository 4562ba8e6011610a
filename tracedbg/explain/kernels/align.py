"""What kernels that nothing is known of have in common with others: the same kernels, in the same order.

A training step, or a layer, runs the same sequence of kernels each time. A kernel that stands among the same
neighbours as others that are known came from where they came from, if those agree. It must not know what a
kernel is attributed to: only whether two agree.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

A = TypeVar("A")

CONTEXTS = ((24, 24), (12, 12), (8, 8), (0, 24), (24, 0), (0, 12), (12, 0), (4, 4), (0, 8), (8, 0))
"""How many neighbours before and after have to be the same; the first that tells is taken."""


class Numbers:
    """A number for each text, so that sequences of texts can be compared as bytes."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}

    def sequence(self, texts: Iterable[Hashable]) -> Sequenced:
        """The sequence of `texts`."""
        numbers = self._numbers
        return Sequenced(array("I", [numbers.setdefault(text, len(numbers)) for text in texts]))


class Sequenced:
    """A sequence of numbers, and the neighbourhoods in it."""

    def __init__(self, numbers: array[int]) -> None:
        self._bytes = numbers.tobytes()
        self._width = numbers.itemsize
        self.length = len(numbers)

    def around(self, at: int, before: int, after: int) -> bytes | None:
        """What stands from `before` places before `at` to `after` behind it; None beyond an end."""
        if at < before or at + after >= self.length:
            return None
        return self._bytes[(at - before) * self._width : (at + after + 1) * self._width]

    def places_of(self, other: Sequenced) -> list[int]:
        """Where the whole of `other` stands in this sequence."""
        found: list[int] = []
        at = self._bytes.find(other._bytes) if other.length else -1
        while at >= 0:
            if at % self._width == 0:
                found.append(at // self._width)
            at = self._bytes.find(other._bytes, at + 1)
        return found


class Example(Generic[A]):
    """A sequence of which some places have an answer; two answers of the same key agree."""

    def __init__(self, sequence: Sequenced, answers: Sequence[A | None], keys: Sequence[Hashable]) -> None:
        self.sequence = sequence
        self.answers = answers
        self.keys = keys


@dataclass(frozen=True, slots=True)
class Likeness(Generic[A]):  # no NamedTuple: one that is generic needs Python 3.11
    """What a place was found to be like."""

    answer: A
    is_single: bool
    """Whether it is like that one place: else like several, which agree by their keys alone."""


_Spot = tuple[int, int]
"""An example, and a place in its sequence."""


def infer(
    sequence: Sequenced, places: Iterable[int], examples: Sequence[Example[A]]
) -> dict[int, Likeness[A]]:
    """The answers for `places` of `sequence` that the examples agree on.

    Args:
        sequence: the kernels, by name, in their order.
        places: where an answer is wanted.
        examples: sequences with answers; one may be `sequence` itself.
    """
    found: dict[int, frozenset[_Spot]] = {}
    left = list(places)
    for before, after in CONTEXTS:
        if not left:
            break
        wanted: dict[bytes, list[int]] = {}
        for at in left:
            context = sequence.around(at, before, after)
            if context is not None:
                wanted.setdefault(context, []).append(at)
        for context, spots in _agreed(wanted, examples, before, after).items():
            found.update(dict.fromkeys(wanted[context], spots))
        left = [at for at in left if at not in found]
    chosen = _in_a_row(found)
    likeness = {}
    for at, spots in found.items():
        number, place = chosen.get(at) or min(spots)
        answer = examples[number].answers[place]
        if answer is not None:
            likeness[at] = Likeness(answer, at in chosen)
    return likeness


def _agreed(
    wanted: dict[bytes, list[int]], examples: Sequence[Example[A]], before: int, after: int
) -> dict[bytes, frozenset[_Spot]]:
    """Where each context that is wanted stands in the examples, if the answers of all these agree."""
    spots: dict[bytes, list[_Spot]] = {}
    keys: dict[bytes, Hashable] = {}
    contested: set[bytes] = set()
    for number, example in enumerate(examples):
        for at, answer in enumerate(example.answers):
            if answer is None:
                continue
            context = example.sequence.around(at, before, after)
            if context is None or context not in wanted:
                continue
            if keys.setdefault(context, example.keys[at]) != example.keys[at]:
                contested.add(context)
            spots.setdefault(context, []).append((number, at))
    return {context: frozenset(at) for context, at in spots.items() if context not in contested}


def _in_a_row(found: dict[int, frozenset[_Spot]]) -> dict[int, _Spot]:
    """For places that are like several: the one that goes on from what its neighbour is like."""
    chosen = {at: next(iter(spots)) for at, spots in found.items() if len(spots) == 1}
    for step, order in ((1, sorted(found, reverse=True)), (-1, sorted(found))):
        for at in order:
            beside = chosen.get(at + step)
            if at not in chosen and beside is not None:
                spot = (beside[0], beside[1] - step)
                if spot in found[at]:
                    chosen[at] = spot
    return chosen

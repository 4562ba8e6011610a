"""Two tables of kernel time beside each other: which places got slower, faster, new, or are gone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracedbg.explain.kernels.table import Place, Row, Table

_SAME_SHARE = 0.05
"""A change below this part of the time before is none."""


class Verdict(str, Enum):
    """What became of a place."""

    NEW = "new"
    GONE = "gone"
    SLOWER = "slower"
    FASTER = "faster"
    SAME = "same"


@dataclass(frozen=True)
class Change:
    """One place in both tables."""

    place: Place
    verdict: Verdict
    before_ns: int
    after_ns: int
    before_count: int
    after_count: int

    @property
    def delta_ns(self) -> int:
        """By how much its time has grown."""
        return self.after_ns - self.before_ns

    @property
    def ratio_per_kernel(self) -> float | None:
        """How long a kernel takes now for one of before; None where there is none on one side."""
        if not self.before_ns or not self.after_count:
            return None
        return (self.after_ns / self.after_count) / (self.before_ns / self.before_count)


def compare(after: Table, before: Table) -> list[Change]:
    """How `after` differs from `before`, by place; what has grown most comes first.

    A line that has moved within its function is the same line if the function has no other on that side.
    """
    was = {_key(row.place): row for row in before.rows}
    now = {_key(row.place): row for row in after.rows}
    for key in _moved(set(now) - set(was), set(was) - set(now)):
        was[key[0]] = was.pop(key[1])
    changes = [_change(now.get(key), was.get(key)) for key in {**now, **was}]
    return sorted(changes, key=lambda change: (-change.delta_ns, change.place))


_Key = tuple[str, str, int, str]


def _key(place: Place) -> _Key:
    return place.whose.value, place.file, place.line, place.name


def _moved(new: set[_Key], gone: set[_Key]) -> list[tuple[_Key, _Key]]:
    """Pairs of a new line and a line that is gone, of the same function, which has no other of either."""
    pairs = []
    for key in sorted(new):
        whose, file, line, name = key
        same = [other for other in gone if (other[0], other[1], other[3]) == (whose, file, name)]
        rivals = [other for other in new if (other[0], other[1], other[3]) == (whose, file, name)]
        if line and len(same) == len(rivals) == 1:
            pairs.append((key, same[0]))
    return pairs


def _change(now: Row | None, was: Row | None) -> Change:
    place = (now or was).place  # type: ignore[union-attr]  # one of both is there
    before_ns, before_count = (was.time_ns, was.count) if was else (0, 0)
    after_ns, after_count = (now.time_ns, now.count) if now else (0, 0)
    if was is None:
        verdict = Verdict.NEW
    elif now is None:
        verdict = Verdict.GONE
    elif abs(after_ns - before_ns) <= _SAME_SHARE * before_ns:
        verdict = Verdict.SAME
    else:
        verdict = Verdict.SLOWER if after_ns > before_ns else Verdict.FASTER
    return Change(place, verdict, before_ns, after_ns, before_count, after_count)

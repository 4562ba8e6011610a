"""Launches and work of a device in columns, until it is known which belong together.

It must not know where they were read.
"""

from __future__ import annotations

from array import array
from operator import le
from typing import TYPE_CHECKING

from tracedbg.kernels import Kernel, Kind, Launch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tracedbg.kernels import Spans, ThreadKey

_KINDS = tuple(Kind)


class Names:
    """Texts by rows of a list, each once."""

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts
        self._rows = {text: row for row, text in enumerate(texts)}

    def row(self, text: str) -> int:
        """The row of `text`, new if need be."""
        row = self._rows.get(text)
        if row is None:
            row = self._rows[text] = len(self.texts)
            self.texts.append(text)
        return row


class Launches:
    """Calls of a runtime that may have launched something, by their correlation."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._threads: list[ThreadKey] = []
        self._thread_rows: dict[ThreadKey, int] = {}
        self._thread = array("I")
        self._start_ns = array("q")
        self._api = array("I")
        self._kernel = array("I")
        self._correlation = array("q")

    def add(self, thread: ThreadKey, start_ns: int, api: str, kernel: str, correlation: int) -> None:
        """Append one."""
        row = self._thread_rows.get(thread)
        if row is None:
            row = self._thread_rows[thread] = len(self._threads)
            self._threads.append(thread)
        self._thread.append(row)
        self._start_ns.append(start_ns)
        self._api.append(self._names.row(api))
        self._kernel.append(self._names.row(kernel))
        self._correlation.append(correlation)

    def of(self, correlations: Iterable[int]) -> dict[int, Launch]:
        """The launch of each of `correlations`: the earliest call, as a runtime's calls the driver's."""
        wanted = set(correlations)
        found: dict[int, int] = {}
        for row, correlation in enumerate(self._correlation):
            if correlation in wanted:
                before = found.get(correlation)
                if before is None or self._start_ns[row] < self._start_ns[before]:
                    found[correlation] = row
        return {correlation: self._launch(row) for correlation, row in found.items()}

    def without(self, correlations: Iterable[int]) -> list[Launch]:
        """The launches that have none of `correlations`, in the order of their starts."""
        launched = set(correlations)
        does_launch = {row: launches_work(text) for row, text in enumerate(self._names.texts)}
        rows = [
            row
            for row, correlation in enumerate(self._correlation)
            if correlation not in launched and does_launch[self._api[row]]
        ]
        return [self._launch(row) for row in sorted(rows, key=self._start_ns.__getitem__)]

    def _launch(self, row: int) -> Launch:
        texts = self._names.texts
        return Launch(
            self._threads[self._thread[row]],
            self._start_ns[row],
            texts[self._api[row]],
            texts[self._kernel[row]],
            (),
            self._correlation[row],
        )


def launches_work(api: str) -> bool:
    """Whether a call of that name puts a kernel, a copy or a fill on a device."""
    if "Graph" in api or "Callback" in api or "HostFunc" in api:
        return False
    return "Launch" in api or "Memcpy" in api or "Memset" in api


class Works:
    """What ran on devices."""

    def __init__(self, names: Names) -> None:
        self.correlations = array("q")
        self._names = names
        self._places: list[tuple[str, str]] = []
        self._place_rows: dict[tuple[str, str], int] = {}
        self._place = array("I")
        self._kind = array("B")
        self._start_ns = array("q")
        self._duration_ns = array("q")
        self._name = array("I")
        self._op_id = array("q")

    def add(  # noqa: PLR0913, PLR0917  one value for each column
        self,
        kind: Kind,
        place: tuple[str, str],
        start_ns: int,
        duration_ns: int,
        name: str,
        correlation: int,
        op_id: int,
    ) -> None:
        """Append one; `place` is its device and stream."""
        row = self._place_rows.get(place)
        if row is None:
            row = self._place_rows[place] = len(self._places)
            self._places.append(place)
        self._place.append(row)
        self._kind.append(_KINDS.index(kind))
        self._start_ns.append(start_ns)
        self._duration_ns.append(duration_ns)
        self._name.append(self._names.row(name))
        self.correlations.append(correlation)
        self._op_id.append(op_id)

    def kernels(self, launches: Mapping[int, Launch]) -> list[Kernel]:
        """All, in the order of their starts."""
        texts = self._names.texts
        order = sorted(range(len(self._start_ns)), key=self._start_ns.__getitem__)
        return [
            Kernel(
                *self._places[self._place[row]],
                self._start_ns[row],
                self._duration_ns[row],
                texts[self._name[row]],
                _KINDS[self._kind[row]],
                launches.get(self.correlations[row]) if self.correlations[row] else None,
                "",
                self._op_id[row],
            )
            for row in order
        ]


def sort_spans(spans: Spans) -> None:
    """Put the rows in the order of their starts; of two that start together, the longer comes first."""
    starts = spans.start_ns
    if all(map(le, starts, starts[1:])):
        return
    order = sorted(range(len(starts)), key=lambda row: (starts[row], -spans.end_ns[row]))
    for name in ("start_ns", "end_ns", "names", "ids", "parent_ids", "sequences", "forward_threads"):
        column = getattr(spans, name)
        if column:
            setattr(spans, name, array(column.typecode, [column[row] for row in order]))
    new_rows = {old: new for new, old in enumerate(order)} if spans.stacks or spans.sources else {}
    spans.stacks = {new_rows[row]: stack for row, stack in spans.stacks.items()}
    spans.sources = {new_rows[row]: file for row, file in spans.sources.items()}

"""The *Ranks* screen: the processes of a run, and what differs between them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tracedbg.events import Outcome, Role
from tracedbg.report.style import clean, count
from tracedbg_tui.debug.deck import Deck
from tracedbg_tui.debug.glyphs import glyphs_of
from tracedbg_tui.debug.lines import fitted
from tracedbg_tui.recorded.listing import Listing
from tracedbg_tui.recorded.telling import Telling, Told
from tracedbg_tui.recorded.view import RecordedView, trouble
from tracedbg_tui.recorded.words import look, seconds
from tracedbg_tui.snapshot import key_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from rich.segment import Segment

    from tracedbg.report.style import Style
    from tracedbg_tui.recording import Recording
    from tracedbg_tui.snapshot import ProcessSnapshot, Snapshot

_COUNTED = (Role.FORWARD, Role.RESUME, Role.VARIABLE_CREATION, Role.DATASET)


@dataclass(frozen=True)
class ProcessRow:
    """A process, in numbers."""

    number: int
    process: ProcessSnapshot
    traces: Counter[str] = field(default_factory=Counter)
    """By the key of the function."""
    breaks: int = 0
    """Graph breaks: each place once."""
    ns: int = 0

    @property
    def name(self) -> str:
        """`rank 3`, `rank 3.1` for its first restart, `pid 71` for a child of it."""
        info = self.process.info
        if not info.is_rank:
            return f"pid {info.pid}"
        return f"rank {info.rank}" + (f".{info.generation}" if info.generation else "")

    @property
    def state(self) -> str:
        """How it is."""
        info = self.process.info
        if info.recording_error:
            return "recording broken"
        if info.stopped_ns is not None:
            return "ended"
        return "runs" if self.process.is_alive else "killed"


def process_rows(snapshot: Snapshot) -> list[ProcessRow]:
    """By rank and generation; a rank's children after it, those without one last."""
    rows = []
    for number, process in enumerate(snapshot.processes):
        made = [one for one in process.all_traces if one.started.role in _COUNTED]
        kept = [one for one in made if not (one.ended and one.ended.outcome is Outcome.FAILED)]
        traces = Counter(key_of(one.started.traceable) for one in kept)
        ns = sum(one.duration_ns for one in process.all_traces if one.started.parent_id is None)
        breaks = {(one.frame.file, one.frame.line, one.kind) for one in process.breaks()}
        rows.append(ProcessRow(number, process, traces, len(breaks), ns))
    return sorted(rows, key=_order)


def _order(row: ProcessRow) -> tuple[object, ...]:
    info = row.process.info
    return (info.rank is None, info.rank or 0, info.generation or 0, not info.is_rank)


def differences(snapshot: Snapshot, rows: list[ProcessRow], style: Style) -> list[Told]:
    """What is not the same in all ranks; where there are none, in all processes."""
    rows = [row for row in rows if row.process.info.is_rank] or rows
    if len(rows) < 2:  # noqa: PLR2004  one has nobody to differ from
        return [Told("one process: there is nothing to compare it with", "dim", 2)]
    made = [
        *_versions(rows),
        *_traces(snapshot, rows, style),
        *(
            Told(f"{row.name}: {row.process.info.recording_error}", "stop", 2)
            for row in rows
            if row.process.info.recording_error
        ),
    ]
    slow = max(rows, key=lambda row: row.ns)
    quick = min(rows, key=lambda row: row.ns)
    if quick.ns and slow.ns > 2 * quick.ns:
        words = f"{slow.name} traced for {seconds(slow.ns / 1e9)}, {quick.name} for {seconds(quick.ns / 1e9)}"
        made.append(Told(words, "note", 2))
    return made or [Told("all processes traced the same functions, each as often", "good", 2)]


def _versions(rows: list[ProcessRow]) -> Iterator[Told]:
    names = sorted({name for row in rows for name in row.process.info.versions})
    for name in names:
        found = {row.process.info.versions.get(name, "not imported") for row in rows}
        if len(found) > 1:
            yield Told(f"{name} is not the same", "title")
            for row in rows:
                yield Told(f"{row.name}: {row.process.info.versions.get(name, 'not imported')}", "", 4)
    if len({row.process.info.python for row in rows}) > 1:
        yield Told("Python is not the same", "title")
        for row in rows:
            yield Told(f"{row.name}: {row.process.info.python}", "", 4)


def _traces(snapshot: Snapshot, rows: list[ProcessRow], style: Style) -> Iterator[Told]:
    for key in dict.fromkeys(key for row in rows for key in row.traces):
        counts = [row.traces[key] for row in rows]
        if len(set(counts)) == 1:
            continue
        function = snapshot.function(key)
        if function is None:
            continue
        usual = Counter(counts).most_common(1)[0][0]
        at = {"file": function.file, "line": function.line}
        where = style.place(function.file, function.line)
        yield Told(f"{clean(function.name)}  {where}", "title", right="traces", **at)  # type: ignore[arg-type]
        for row, number in zip(rows, counts, strict=True):
            is_odd = number != usual
            look_of = "note" if is_odd else "dim"
            yield Told(f"{row.name}: {number or 'none'}", look_of, 4, lead="* " if is_odd else "  ", **at)  # type: ignore[arg-type]


class ProcessesPane(Listing[ProcessRow]):
    """The processes."""

    NOTHING = "no process is recorded"

    def text_of(self, row: ProcessRow) -> str:
        """See `Listing`; the same for the methods below."""
        info = row.process.info
        versions = " ".join(f"{name} {version}" for name, version in sorted(info.versions.items()))
        breaks = count(row.breaks, "graph break")
        counted = f"{count(row.traces.total(), 'trace')} {breaks} {seconds(row.ns / 1e9)}"
        return f"{row.name} pid {info.pid} {info.host} {row.state} {counted} Python {info.python} {versions}"

    def key_of(self, row: ProcessRow) -> Hashable:  # noqa: D102
        return row.process.path

    def segments(self, row: ProcessRow, width: int) -> list[Segment]:  # noqa: D102
        info, glyphs = row.process.info, glyphs_of(self)
        is_well = row.state in ("ended", "runs")
        versions = " ".join(f"{name} {version}" for name, version in sorted(info.versions.items()))
        made = [
            self.ink(f"{glyphs.here if row.state == 'runs' else ' '} {row.name:<10}", "name"),
            self.ink(f"{row.state:<8} ", "dim" if is_well else "stop"),
            self.ink(f"{count(row.traces.total(), 'trace'):>12}"),
            self.ink(f" {glyphs.graph_break}{row.breaks:<4}" if row.breaks else "      ", "note"),
            self.ink(f"{seconds(row.ns / 1e9):>10}  ", "value"),
            self.ink(f"pid {info.pid} " if info.is_rank else "", "dim"),
            self.ink(f"on {clean(info.host)}  {versions}  ", "dim"),
            self.ink(clean(" ".join(info.argv)), "dim"),
        ]
        return fitted(made, width, glyphs.more)


class RanksView(RecordedView):
    """Processes above, what differs below."""

    DEFAULT_CSS = """
    RanksView, RanksView.-narrow { layout: vertical; }
    RanksView > .-column, RanksView > .-column:last-child, RanksView.-narrow > .-column {
        width: 100%; height: 1fr; border: none;
    }
    """

    def __init__(self, recording: Recording | None, **options: Any) -> None:
        """Make it.

        Args:
            recording: what is shown.
            options: of the widget.
        """
        self.processes = ProcessesPane()
        self.differences = Telling("reading the recording")
        self._listing = Deck({"Processes": self.processes}, id="processes")
        self._detail = Deck({"What differs": self.differences}, id="differences")
        super().__init__(recording, [[self._listing], [self._detail]], **options)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """See `RecordedView`."""
        rows = process_rows(snapshot)
        self.processes.NOTHING = trouble(snapshot)
        self.processes.told = f"{len(rows)}" if rows else ""
        self.processes.show_rows(rows)
        told = differences(snapshot, rows, look(self)) if rows else [Told(trouble(snapshot), "dim", 2)]
        told += [Told(error, "stop", 2) for error in snapshot.errors]
        self.differences.tell(told, from_start=False)

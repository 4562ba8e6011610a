"""The functions of a run, the costliest first; and the traces of one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracedbg.events import Outcome, Role
from tracedbg.report.style import clean
from tracedbg_tui.debug.glyphs import glyphs_of
from tracedbg_tui.debug.lines import fitted
from tracedbg_tui.recorded.listing import Listing
from tracedbg_tui.recorded.words import cells, look, milliseconds, place, seconds
from tracedbg_tui.snapshot import key_of

if TYPE_CHECKING:
    from collections.abc import Hashable

    from rich.segment import Segment

    from tracedbg.explain import FunctionSummary
    from tracedbg_tui.snapshot import Explained, Snapshot

_BAR_CELLS = 6
_WIDE_CELLS = 60


@dataclass(frozen=True)
class FunctionRow:
    """A function, or what is left of one after a graph break."""

    function: FunctionSummary
    key: str
    share: float
    """Of the costliest one."""
    is_rest: bool = False

    @property
    def troubles(self) -> tuple[str, ...]:
        """What is wrong with it, other than what is counted."""
        function = self.function
        words = []
        if function.silent_eager:
            words.append("eager")
        if function.stale:
            words.append("stale")
        if function.failed:
            words.append("failed")
        return tuple(words)


def function_rows(snapshot: Snapshot) -> list[FunctionRow]:
    """All functions, each followed by what is left of it after its graph breaks."""
    most = max((one.seconds for one in snapshot.functions), default=0.0)
    rows = []
    for function in snapshot.functions:
        for one in (function, *function.resumes):
            share = one.seconds / most if most else 0.0
            rows.append(FunctionRow(one, key_of(one), share, is_rest=one is not function))
    return rows


class FunctionsPane(Listing[FunctionRow]):
    """Functions by cost."""

    def text_of(self, row: FunctionRow) -> str:
        """See `Listing`; the same for the methods below."""
        function = row.function
        where = place(self, function.file, function.line)
        words = [clean(function.framework.value), clean(function.name), where, *row.troubles]
        numbers = f"{function.traces} traces {function.retraces} retraces {function.graph_breaks} breaks"
        return f"{' '.join(words)}  {numbers} {seconds(function.seconds)}"

    def key_of(self, row: FunctionRow) -> Hashable:  # noqa: D102
        return row.key

    def place_at(self, index: int) -> tuple[str, int] | None:  # noqa: D102
        if index >= len(self.rows):
            return None
        return self.rows[index].function.file, self.rows[index].function.line

    def segments(self, row: FunctionRow, width: int) -> list[Segment]:  # noqa: D102
        function, glyphs, style = row.function, glyphs_of(self), look(self)
        retraces = f"{glyphs.retrace}{function.retraces}" if function.retraces else ""
        breaks = f"{glyphs.graph_break}{function.graph_breaks}" if function.graph_breaks else ""
        made = [
            self.ink(f"{function.traces:>5}", "" if function.traces else "dim"),
            self.ink(f"{retraces:>5}", "stop"),
            self.ink(f"{breaks:>4}", "note"),
            self.ink(f"{seconds(function.seconds):>10} "),
        ]
        if width >= _WIDE_CELLS:
            made.append(self.ink(f"{style.bar(row.share, _BAR_CELLS)} ", "value"))
        rest = f"{style.glyphs.branch} after break" if row.is_rest else clean(function.name)
        where = f" {place(self, function.file, function.line, max(12, width // 3))}"
        name = [self.ink(rest, "name")]
        name += [self.ink(f" {one}", "stop") for one in row.troubles]
        room = width - sum(one.cell_length for one in made) - len(where)
        return [*made, *fitted(name, room, glyphs.more), self.ink(where, "dim")]


class TracesPane(Listing["Explained"]):
    """The traces of one function, in the order of their start."""

    NOTHING = "no trace of it is kept"

    def __init__(self) -> None:
        super().__init__()
        self.has_processes = False

    def text_of(self, row: Explained) -> str:
        """See `Listing`; the same for the methods below."""
        started = row.record.started
        causes = "; ".join(cause.message for cause in row.causes)
        return f"{name_of(row)} {started.role.value} {state_of(row)} {causes}"

    def key_of(self, row: Explained) -> Hashable:  # noqa: D102
        return row.process, row.record.started.id

    def place_at(self, index: int) -> tuple[str, int] | None:  # noqa: D102
        if index >= len(self.rows):
            return None
        stack = self.rows[index].record.started.call_stack
        if not stack:
            function = self.rows[index].record.started.traceable
            return function.file, function.line
        return stack[0].file, stack[0].line

    def segments(self, row: Explained, width: int) -> list[Segment]:  # noqa: D102
        started, glyphs = row.record.started, glyphs_of(self)
        cause = row.causes[0]
        is_again = cause.kind.value != "first_call" and started.role in (Role.FORWARD, Role.RESUME)
        state = state_of(row)
        made = [
            self.ink(f"{glyphs.retrace if is_again else ' '} ", "stop"),
            self.ink(f"{row.process} " if self.has_processes else "", "dim"),
            self.ink(cells(name_of(row), 8, glyphs.more) + " ", "name"),
            self.ink(f"{milliseconds(row.record.duration_ns):>8} "),
        ]
        if state:
            made.append(self.ink(f"{state} ", "stop"))
        words = "; ".join(one.message for one in row.causes)
        if started.role not in (Role.FORWARD, Role.RESUME):
            words = started.role.value.replace("_", " ")
        room = width - sum(one.cell_length for one in made)
        return [*made, *fitted([self.ink(clean(words), "" if is_again else "dim")], room, glyphs.more)]


def name_of(row: Explained) -> str:
    """The framework's name of a trace where it tells it apart from others, as `0/1` does; else its number."""
    label = row.record.started.label
    return label if "/" in label else f"#{row.record.started.id}"


def state_of(row: Explained) -> str:
    """How it ended, where that is not as it should be."""
    ended = row.record.ended
    if ended is None:
        return "under way"
    return "" if ended.outcome is Outcome.COMPILED else ended.outcome.value

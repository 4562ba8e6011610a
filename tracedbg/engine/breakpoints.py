"""Where to stop: breakpoints on lines, ops and events, with conditions, hit counts and log messages.

It must not know frames or frameworks: conditions are asked with a mapping of names.
"""

from __future__ import annotations

import fnmatch
import itertools
import operator
import re
import threading
from collections.abc import Callable  # noqa: TC003  the table of comparisons is typed at run time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tracedbg.errors import UsageError
from tracedbg.frames import real_path

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from tracedbg.debugging import Outline

FILTERS = {
    "nan": "an op has made a NaN or an infinity of numbers that were none",
    "inf": "an op has made an infinity, and had none in its inputs",
    "shape": "an op's output has another shape or dtype than in the last call",
    "retrace": "a function is traced again",
    "graph_break": "a compiled function is cut in two",
    "silent_eager": "a function runs eager although it was to be compiled",
    "host_sync": "the program waits for a value of the device",
    "error": "an op raises",
}
"""What a program can stop at other than a place, and what it means."""

_OF_VALUES = frozenset({"nan", "inf", "shape", "error"})
"""Filters that take a look at each op of a graph."""
_NAMES_BACKWARD = re.compile(r"\bis_backward\b")
_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
    "%": lambda hits, number: number > 0 and hits % number == 0,
}
_HIT = re.compile(r"\s*(?P<operator>==|>=|>|<=|<|%)?\s*(?P<number>\d+)\s*")


@dataclass
class Breakpoint:
    """One breakpoint: at a line, at ops by name, at the op with a number, or at an event."""

    id: int = 0
    """Given by `Breakpoints.add`."""
    file: str = ""
    """As a real path; empty where it is not about a line."""
    line: int = 0
    """Where it is now: see `Breakpoints.bind`."""
    asked_line: int = 0
    """Where it was asked for; given by `Breakpoints.add`."""
    is_bound: bool = False
    """Whether code with that line has been seen; one that is not about a line needs none."""
    is_exact: bool = False
    """Whether a graph has the line that was asked for."""
    op_pattern: str = ""
    """A glob over op names, such as `*relu*`."""
    op_index: int | None = None
    """Position in the walk of `graph`."""
    graph: str = ""
    filter: str = ""
    """A name of `FILTERS`."""
    condition: str = ""
    """A Python expression over the locals, and `is_backward`."""
    hit_condition: str = ""
    """`5`, `>= 5`, `% 10`: over the number of hits."""
    log_message: str = ""
    """Said instead of stopping; `{expression}` is filled in."""
    is_once: bool = False
    """Taken out by its first stop."""
    hits: int = 0

    def counts(self) -> bool:
        """One more hit: whether its number is one to stop at."""
        self.hits += 1
        found = _HIT.fullmatch(self.hit_condition)
        if found is None:
            return True
        return _COMPARE[found["operator"] or "=="](self.hits, int(found["number"]))


class Breakpoints:
    """All breakpoints of a process. Safe in any thread; whoever asks sees one state or the next."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._listeners: list[Callable[[], None]] = []
        self._all: tuple[Breakpoint, ...] = ()
        self._by_line: dict[tuple[str, int], tuple[Breakpoint, ...]] = {}
        self._lines_in: dict[str, frozenset[int]] = {}
        self._outlines: dict[tuple[str, int, int, bool], Outline] = {}
        self.by_op: tuple[Breakpoint, ...] = ()
        """Those with an `op_pattern`."""
        self.by_index: tuple[Breakpoint, ...] = ()
        """Those with an `op_index`."""
        self.filters: dict[str, Breakpoint] = {}
        """Those with a `filter`, by its name."""
        self.in_backward: frozenset[tuple[str, int]] = frozenset()
        """The lines of those whose condition names `is_backward`."""

    @property
    def all(self) -> tuple[Breakpoint, ...]:
        """In the order in which they were made."""
        return self._all

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each change: adapters arm and disarm what they have compiled."""
        self._listeners.append(listener)

    def add(self, wanted: Breakpoint) -> Breakpoint:
        """Put in a breakpoint like `wanted`, with a number of its own.

        Raises:
            UsageError: a condition is no expression, a hit condition no number, a filter unknown.
        """
        check(wanted)
        file = real_path(wanted.file) if wanted.file else ""
        made = replace(
            wanted, id=next(self._ids), file=file, asked_line=wanted.line, is_bound=not file, hits=0
        )
        with self._lock:
            outlines = [one for known, one in self._outlines.items() if file and known[0] == file]
        for outline in outlines:
            _bind(made, outline)
        self._change(lambda old: (*old, made))
        return made

    def remove(self, ids: Collection[int]) -> None:
        """Take breakpoints out; unknown ids are left alone."""
        self._change(lambda old: tuple(one for one in old if one.id not in ids))

    def clear(self) -> None:
        """Take all out: nobody is there any more to go on from a stop."""
        self._change(lambda _: ())

    def reset_after_fork(self) -> None:
        """In a forked child: another thread may have held the lock, and does not exist here."""
        self._lock = threading.Lock()

    def bind(self, outline: Outline) -> None:
        """Code has come to exist: bind breakpoints in it, and move those of whose line nothing is left."""
        with self._lock:
            for file, first, last in outline.spans:
                self._outlines[file, first, last, bool(outline.ops)] = outline
            changed = [one for one in self._all if one.file and _bind(one, outline)]
        if changed:
            self._change(lambda old: old)

    def lines_in(self, file: str) -> frozenset[int]:
        """The lines of a file that have breakpoints."""
        return self._lines_in.get(file, frozenset())

    @property
    def files(self) -> frozenset[str]:
        """The files that have breakpoints on lines."""
        return frozenset(self._lines_in)

    def at_line(self, file: str, line: int) -> tuple[Breakpoint, ...]:
        """The breakpoints of one line."""
        return self._by_line.get((file, line), ())

    def for_op(self, name: str) -> list[Breakpoint]:
        """The breakpoints whose pattern an op's name fits."""
        return [one for one in self.by_op if fnmatch.fnmatchcase(name, one.op_pattern)]

    def concern(self, lines: Iterable[tuple[str, int]], ops: Iterable[str]) -> bool:
        """Whether anything may stop in a graph with these lines (real paths) and op names."""
        if self.by_index or self.wants_values:
            return True
        if self._by_line and any(place in self._by_line for place in lines):
            return True
        return bool(self.by_op) and any(self.for_op(name) for name in ops)

    @property
    def wants_values(self) -> bool:
        """Whether every op's values are to be looked at."""
        return not _OF_VALUES.isdisjoint(self.filters)

    def _change(self, make: Callable[[tuple[Breakpoint, ...]], tuple[Breakpoint, ...]]) -> None:
        with self._lock:
            self._all = make(self._all)
            by_line: dict[tuple[str, int], tuple[Breakpoint, ...]] = {}
            for one in self._all:
                if one.file:
                    by_line[one.file, one.line] = (*by_line.get((one.file, one.line), ()), one)
            self._by_line = by_line
            self._lines_in = {
                file: frozenset(line for at, line in by_line if at == file) for file, _ in by_line
            }
            self.by_op = tuple(one for one in self._all if one.op_pattern)
            self.by_index = tuple(one for one in self._all if one.op_index is not None)
            self.filters = {one.filter: one for one in self._all if one.filter}
            self.in_backward = frozenset(
                (one.file, one.line)
                for one in self._all
                if one.file and _NAMES_BACKWARD.search(one.condition) is not None
            )
        for listener in list(self._listeners):
            listener()


def _bind(one: Breakpoint, outline: Outline) -> bool:
    """Bind a breakpoint to code, if it is in it; whether that changed anything.

    A line that some graph has stays where it is, whatever another trace of the function has left of it; one
    that was moved comes back when a graph has the line that was asked for.
    """
    before = one.line, one.is_bound, one.is_exact
    if (one.file, one.asked_line) in outline.lines:
        one.line, one.is_bound = one.asked_line, True
        one.is_exact = one.is_exact or bool(outline.ops)
    elif (one.file, one.line) in outline.lines:
        one.is_bound = True
    elif not one.is_exact:
        for file, first, last in outline.spans:
            if one.file == file and first <= one.line <= last:
                later = [line for at, line in outline.lines if at == file and one.line < line <= last]
                if later:
                    one.line, one.is_bound = min(later), True
    return before != (one.line, one.is_bound, one.is_exact)


def check(wanted: Breakpoint) -> None:
    """See that a breakpoint makes sense.

    Raises:
        UsageError: a condition is no expression, a hit condition no number, a filter unknown.
    """
    _check_expression(wanted.condition)
    _check_message(wanted.log_message)
    if wanted.hit_condition and _HIT.fullmatch(wanted.hit_condition) is None:
        raise UsageError(f"hit condition {wanted.hit_condition!r} is not a number, such as 5, >= 5 or % 10")
    if wanted.filter and wanted.filter not in FILTERS:
        raise UsageError(f"no filter named {wanted.filter!r}; there are {', '.join(FILTERS)}")


def _check_message(text: str) -> None:
    try:
        compile(f"f{text!r}", "<message>", "eval")
    except SyntaxError as error:
        raise UsageError(f"log message {text!r}: in braces there must be Python expressions") from error


def _check_expression(text: str) -> None:
    if not text:
        return
    try:
        compile(text, "<condition>", "eval")
    except SyntaxError as error:
        raise UsageError(f"condition {text!r} is not a Python expression: {error.msg}") from error

"""Kernel time by line, and beside the source. It must not know how a kernel's line was found."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracedbg.report.html.markup import Element, element
from tracedbg.report.html.parts import Cell, Column, Section, bar, muted, place, shortened, table
from tracedbg.report.kernel_time import REST, window_words
from tracedbg.report.style import count, milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tracedbg.explain import KernelLine, KernelRest, KernelSummary, Summary
    from tracedbg.report.html.markup import Node
    from tracedbg.report.html.parts import Look

MAX_LINES = 100
MAX_FILES = 8
_CONTEXT = 3
"""Lines above and below one that has time."""
_MAX_SHOWN = 400
"""Lines of one file."""
_HOT = 0.01
"""The share of all kernel time from which on a line is marked."""
_A_PERCENT = 0.005


@dataclass(frozen=True)
class Timed:
    """Kernel time of the lines of a file."""

    file: str
    seconds: Mapping[int, float]


def kernels(summary: Summary, look: Look) -> Section | None:
    """The windows, the lines, and the files with the time beside them."""
    found = summary.kernels
    if found is None:
        return None
    seen = [window for window in found.windows if window.kernels] or list(found.windows)
    content: list[Node] = [element("p", f"{window_words(window)}.", class_="lead") for window in seen]
    if found.seconds > 0:
        content += [_table(found, look), _rest(found), annotated(_files(found), found.seconds, look)]
    return Section("kernels", "Kernels by line", tuple(content), str(sum(window.kernels for window in seen)))


def _table(found: KernelSummary, look: Look) -> Element:
    most = max((line.seconds for line in found.lines), default=0.0) or 1.0
    rows = [_row(line, found, most, look) for line in found.lines[:MAX_LINES]]
    columns = (
        Column("Line"),
        Column("Time", is_number=True),
        Column("Share", is_number=True),
        Column("", is_bar=True),
        Column("Backward", is_number=True),
        Column("Fused", is_number=True, hint="of kernels that were fused from several lines, in even parts"),
        Column("Kernels", is_number=True),
    )
    rest = found.lines[MAX_LINES:]
    words = ""
    if rest:
        spent = milliseconds(sum(one.seconds for one in rest))
        words = f"{count(len(rest), 'more line')} left out here: {spent}. See --format json."
    return table("Lines by kernel time", columns, rows, rest=words)


def _row(line: KernelLine, found: KernelSummary, most: float, look: Look) -> list[Cell]:
    text = look.excerpts.line(line.file, line.line)
    return [
        Cell(
            [
                place(look, line.file, line.line, line.function),
                element("code", text, class_="text") if text else None,
            ],
            f"{line.file}:{line.line:07}",
        ),
        Cell(milliseconds(line.seconds), line.seconds),
        Cell(f"{line.seconds / found.seconds:.1%}", line.seconds),
        Cell(bar(line.seconds / most), line.seconds),
        Cell(_part(line.backward_seconds, line.seconds), line.backward_seconds),
        Cell(_part(line.shared_seconds, line.seconds), line.shared_seconds),
        Cell(line.kernels, line.kernels),
    ]


def _part(part: float, whole: float) -> str:
    share = part / whole if whole else 0.0
    return f"{share:.0%}" if share >= _A_PERCENT else ""


def _rest(found: KernelSummary) -> Node:
    """What leads to no line: one item for each reason."""
    by_reason: defaultdict[str, list[KernelRest]] = defaultdict(list)
    for one in found.rest:
        by_reason[one.whose].append(one)
    items = []
    for whose, ones in by_reason.items():
        spent = sum(one.seconds for one in ones)
        most = max(ones, key=lambda one: one.seconds)
        words = f"{milliseconds(spent)} ({spent / found.seconds:.1%}) {REST.get(whose, whose)}, mostly "
        items.append(element("li", words, element("code", shortened(most.name, 120))))
    return [muted("What leads to no line of yours:"), element("ul", items)] if items else None


def _files(found: KernelSummary) -> list[Timed]:
    files: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for line in found.lines:
        files[line.file][line.line] += line.seconds  # type: ignore[assignment]  # seconds are added up as well
    timed = [Timed(file, lines) for file, lines in files.items()]
    return sorted(timed, key=lambda one: -sum(one.seconds.values()))


def annotated(files: Sequence[Timed], whole: float, look: Look) -> Node:
    """Source with the time beside it: the lines that have some, and those around them."""
    shown = [part for file in files[:MAX_FILES] if (part := _annotated(file, whole, look)) is not None]
    return [element("h3", "Beside the source"), shown] if shown else None


def _annotated(file: Timed, whole: float, look: Look) -> Element | None:
    lines = look.excerpts.lines(file.file)
    if not lines:
        return None
    most = max(file.seconds.values()) or 1.0
    rows: list[Element] = []
    last = 0
    for number in _near(file.seconds, len(lines)):
        if number != last + 1 and last:
            rows.append(element("tr", element("td", "⋮", colspan=4, class_="gap"), class_="gap"))
        last = number
        rows.append(_source_row(number, lines[number - 1], file.seconds.get(number, 0.0), most, whole))
        if len(rows) >= _MAX_SHOWN:
            break
    name = look.style.path(file.file)
    spent = sum(file.seconds.values())
    heads = [
        element("th", name_, scope="col", class_=class_)
        for name_, class_ in (("Time", "num"), ("Share", "num"), ("", "drawn"), ("Source", None))
    ]
    whole_table = element(
        "table",
        element("caption", f"{name}: {milliseconds(spent)}, {spent / whole:.1%} of the kernel time"),
        element("thead", element("tr", heads)),
        element("tbody", rows),
        class_="annotated",
    )
    return element(
        "div",
        whole_table,
        class_="scroll",
        role="region",
        aria_label=f"{name} with kernel time",
        tabindex="0",
    )


def _near(seconds: Mapping[int, float], end: int) -> Iterator[int]:
    wanted = {near for line in seconds for near in range(line - _CONTEXT, line + _CONTEXT + 1)}
    yield from sorted(number for number in wanted if 0 < number <= end)


def _source_row(number: int, text: str, spent: float, most: float, whole: float) -> Element:
    has = spent > 0
    return element(
        "tr",
        element("td", milliseconds(spent) if has else "", class_="num", data_value=spent if has else None),
        element("td", f"{spent / whole:.1%}" if has else "", class_="num"),
        element("td", bar(spent / most) if has else None, class_="drawn"),
        element("td", element("code", element("span", text, data_n=number), class_="code")),
        class_=("has hot" if spent >= whole * _HOT else "has") if has else None,
    )

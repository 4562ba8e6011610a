"""A source file with the kernel time beside each of its lines."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tracedbg.report.kernels import milliseconds, percent
from tracedbg.report.style import clean

if TYPE_CHECKING:
    from tracedbg.explain.kernels.table import Table
    from tracedbg.report.style import Style

_BAR = 6


def annotated(file: str, text: str, table: Table, style: Style) -> str:
    """The lines of `text`, each with its share and time of all kernels.

    Args:
        file: its path; rows of the same file, or of the end of its path, count.
        text: what it says.
        table: kernel time by line.
        style: how it looks.
    """
    times: Counter[int] = Counter()
    is_exact = True
    for row in table.rows:
        if row.place.line and is_same_file(file, row.place.file):
            times[row.place.line] += row.time_ns
            is_exact = is_exact and row.place.is_exact
    lines = text.splitlines()
    most_ns = max(times.values(), default=0) or 1
    width = len(str(max(len(lines), 1)))
    head = f"{'share':>6}  {'ms':>7}  {'':{_BAR}}  {'line':>{max(width, 4)}}"
    total_ns = sum(times.values())
    share = f"{percent(table.share(total_ns))} of the kernel time"
    title = f"{style.path(file)}: {milliseconds(total_ns)} ms, {share}"
    shown = [style.paint(title, "bold")]
    if times and not is_exact:
        words = "Where the trace knows the function alone, its time stands at the line on which that begins."
        shown += style.wrap(words, 0)
    shown.append(style.paint(head, "dim"))
    for number, line in enumerate(lines, 1):
        time_ns = times[number]
        numbers = f"{percent(table.share(time_ns)):>6}  {milliseconds(time_ns):>7}" if time_ns else " " * 15
        bar = style.bar(time_ns / most_ns, _BAR)
        room = style.width - len(head) - 2
        code = style.end(clean(line.expandtabs(4)), room)
        shown.append(
            f"{numbers}  {style.paint(bar, 'cyan')}  {number:>{max(width, 4)}}  "
            + (style.paint(code, "bold") if time_ns else code)
        )
    beyond = sum(time_ns for number, time_ns in times.items() if number > len(lines))
    if beyond:
        shown.append(f"{milliseconds(beyond)} ms are on lines beyond its end: it has changed since")
    return "\n".join(line.rstrip() for line in shown) + "\n"


def is_same_file(one: str, other: str) -> bool:
    """Whether one path is the other, or the end of it."""
    one, other = one.replace("\\", "/").removeprefix("./"), other.replace("\\", "/").removeprefix("./")
    return one == other or one.endswith("/" + other) or other.endswith("/" + one)

"""The report over many ranks, for people: what tracing took, where, and which ranks are unlike the others.

It must not know the dataset: all that it says is in the `Fleet`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.fleet.summary import ranks_text
from tracedbg.report.ledger import name_of
from tracedbg.report.style import clean, count, seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.fleet.summary import Difference, Fleet, FleetCause, FleetFunction, FleetRank, Spread
    from tracedbg.report.style import Style

MAX_ROWS = 10
_BAR = 6
_GROUPS = 4
_FUNCTIONS = (
    f"{'ranks':>6}  {'traces':>7}  {'retraces':>8}  {'breaks':>6}  {'seconds':>7}  {'p50':>6}  {'p95':>6}  "
)
_FUNCTIONS += f"{'max':>6}"
_RANKS = f"{'rank':>8}  {'traces':>6}  {'retraces':>8}  {'seconds':>7}  "
_IN = "    "
_LITTLE = 0.005
"""The share of the time below which an activity has no row."""


def render(fleet: Fleet, style: Style) -> str:
    """The report as text."""
    parts = [
        _head(fleet, style),
        _functions(fleet.functions, style),
        _differences(fleet, style),
        _causes(fleet.causes, style),
        _spread(fleet, style),
        _slowest(fleet, style),
        _activities(fleet, style),
        _faults(fleet, style),
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def _head(fleet: Fleet, style: Style) -> list[str]:
    where = f"{count(fleet.ranks, 'rank')} on {count(fleet.hosts, 'host')}"
    many = f", {fleet.processes} processes" if fleet.processes != fleet.ranks else ""
    words = f"{where}{many}: {count(fleet.traces, 'trace')}, {count(fleet.retraces, 'retrace')}; tracing took"
    total = fleet.seconds
    words += f" {seconds(total.total)} s in all, {seconds(total.p50)} s on the middle rank,"
    words += f" {seconds(total.most)} s on the slowest"
    lines = style.wrap(f"tracedbg: {words}", 0)
    lines[0] = lines[0].replace("tracedbg", style.paint("tracedbg", "bold"), 1)
    for run in fleet.runs[:MAX_ROWS]:
        ended = "" if run.exit_code is None else f", exit {run.exit_code}"
        ranks = f", {count(run.ranks, 'rank')}" if len(fleet.runs) > 1 else ""
        text = clean(f"{' '.join(run.argv)}{ended}, run {run.id}{ranks}")
        lines.append(style.paint(style.end(text, style.width), "dim"))
    lines += _more(len(fleet.runs) - MAX_ROWS, "run", style)
    return lines


def _functions(functions: Sequence[FleetFunction], style: Style) -> list[str]:
    if not functions:
        return []
    most = functions[0].seconds.total or 1
    lines = [style.paint(_FUNCTIONS, "dim")]
    for one in functions[:MAX_ROWS]:
        numbers = f"{one.ranks:>6}  {one.traces:>7}  {one.retraces:>8}  {one.graph_breaks:>6}"
        numbers += f"  {_times(one.seconds)}"
        lines.append(f"{numbers}  {style.paint(style.bar(one.seconds.total / most, _BAR), 'cyan')}".rstrip())
        limit = f"  limit of traces on {count(one.limit_hits, 'rank')}" if one.limit_hits else ""
        place = style.place(one.file, one.line, style.width // 2)
        name = style.end(clean(one.name), style.width - len(place) - len(limit) - 12)
        lines.append(f"        {name}  {style.paint(place, 'cyan')}{style.paint(limit, 'yellow')}")
    return lines + _more(len(functions) - MAX_ROWS, "function", style)


def _times(spread: Spread) -> str:
    columns = (seconds(one) for one in (spread.p50, spread.p95, spread.most))
    return "  ".join([f"{seconds(spread.total):>7}", *(f"{one:>6}" for one in columns)])


def _differences(fleet: Fleet, style: Style) -> list[str]:
    if not fleet.differences:
        return []
    lines = [style.paint("Ranks that compiled what others did not", "bold")]
    for number, one in enumerate(fleet.differences[:MAX_ROWS]):
        lines += ["", *_difference(one, fleet, style)] if number else _difference(one, fleet, style)
    return lines + _more(len(fleet.differences) - MAX_ROWS, "function", style)


def _difference(one: Difference, fleet: Fleet, style: Style) -> list[str]:
    of_run = f" of {clean(one.run)}" if len(fleet.runs) > 1 else ""
    right = f"{seconds(one.extra_s)} s beyond the middle rank"
    lines = [_title(one.file, one.line, f"{one.name}{of_run}", right, style)]
    for group in one.groups[:_GROUPS]:
        lines += style.wrap(f"{_times_words(group.traces)} on {_ranks_words(group.ranks)}", len(_IN))
    others = sum(len(group.ranks) for group in one.groups[_GROUPS:])
    if others:
        lines += style.wrap(f"another number of traces on {count(others, 'other rank')}", len(_IN))
    for cause in one.causes:
        cost = f"{count(cause.count, 'retrace')}, {seconds(cause.seconds)} s"
        words = f"{cause.message}: {cost}, on {_ranks_words(cause.ranks)}"
        lines += style.wrap(words, len(_IN), f"{style.glyphs.branch} ")
    return lines


def _times_words(traces: int) -> str:
    return count(traces, "trace") if traces else "not traced"


def _ranks_words(ranks: Sequence[int | None]) -> str:
    """`rank 7`, `250 ranks: 0-249`."""
    text = ranks_text(tuple(ranks))
    if len(ranks) == 1:
        return text if ranks[0] is None else f"rank {text}"
    return f"{len(ranks)} ranks: {text}"


def _causes(causes: Sequence[FleetCause], style: Style) -> list[str]:
    if not causes:
        return []
    lines = [style.paint("Why ranks traced again", "bold")]
    for number, one in enumerate(causes[:MAX_ROWS]):
        right = f"{count(one.count, 'retrace')} on {count(len(one.ranks), 'rank')}  {seconds(one.seconds)} s"
        lines += [""] if number else []
        lines.append(_title(one.file, one.line, one.function, right, style))
        lines += style.wrap(one.message, len(_IN))
        lines += [
            style.paint(line, "green")
            for line in (style.wrap(one.advice, len(_IN), f"{style.glyphs.advice} ") if one.advice else [])
        ]
    return lines + _more(len(causes) - MAX_ROWS, "cause", style)


def _spread(fleet: Fleet, style: Style) -> list[str]:
    spread = fleet.seconds
    if not spread.counts or fleet.ranks < 2:  # noqa: PLR2004  one rank has no spread
        return []
    top = max(spread.counts)
    curve = style.paint(style.curve(number / top for number in spread.counts), "cyan")
    return [
        style.paint("Seconds of tracing over ranks", "bold"),
        f"  0 s |{curve}| {seconds(spread.most)} s",
        f"  p50 {seconds(spread.p50)} s, p95 {seconds(spread.p95)} s, max {seconds(spread.most)} s",
    ]


def _slowest(fleet: Fleet, style: Style) -> list[str]:
    if fleet.ranks < 2 or not fleet.slowest or not fleet.seconds.most:  # noqa: PLR2004  as above
        return []
    lines = [
        style.paint("Slowest ranks", "bold"),
        style.paint(
            f"{_RANKS}{'':{_BAR}}  host, and what took most",
            "dim",
        ),
    ]
    lines += [_rank(one, fleet, style) for one in fleet.slowest[:MAX_ROWS]]
    return lines


def _rank(one: FleetRank, fleet: Fleet, style: Style) -> str:
    rank = "none" if one.rank is None else str(one.rank)
    bar = style.paint(style.bar(one.seconds / fleet.seconds.most, _BAR), "cyan")
    numbers = f"{rank:>8}  {one.traces:>6}  {one.retraces:>8}  {seconds(one.seconds):>7}  "
    run = f"{one.run}, " if len(fleet.runs) > 1 else ""
    most = f", {one.most} {seconds(one.most_s)} s" if one.most else ""
    wall = "" if one.wall_s is None else f" of {seconds(one.wall_s)} s"
    words = clean(f"{run}{one.host}{most}{wall}")
    return f"{numbers}{bar}  {style.end(words, style.width - len(numbers) - _BAR - 2)}".rstrip()


def _activities(fleet: Fleet, style: Style) -> list[str]:
    whole = sum(one.seconds.total for one in fleet.activities)
    shown = [one for one in fleet.activities if whole and one.seconds.total >= whole * _LITTLE]
    if not shown:
        return []
    lines = [
        style.paint("Where the time of all ranks went", "bold"),
        style.paint(f"{'share':>7}  {'seconds':>7}  {'p50':>6}  {'p95':>6}  {'max':>6}", "dim"),
    ]
    for one in shown:
        share = one.seconds.total / whole
        bar = style.paint(style.bar(share, _BAR), "cyan")
        lines.append(f"{share:>7.1%}  {_times(one.seconds)}  {bar}  {name_of(one.name)}")
    return lines


def _faults(fleet: Fleet, style: Style) -> list[str]:
    lines = []
    for place, message, ranks in fleet.faults[:MAX_ROWS]:
        lines += style.wrap(f"{place}: {message} (on {count(ranks, 'rank')})", 2)
    if fleet.dropped:
        kinds = ", ".join(f"{number} {kind}" for kind, number in fleet.dropped.items())
        lines += style.wrap(f"counted but not kept, as recordings were full (see --max-mb): {kinds}", 2)
    return [style.paint("Faults of tracedbg, and what is missing", "bold", "red"), *lines] if lines else []


def _title(file: str, line: int, function: str, right: str, style: Style) -> str:
    room = style.width - 4 - len(right)
    place = style.place(file, line, max(room - len(function) - len(f" in :{line}"), room // 2))
    name = style.end(clean(function), max(room - len(place) - len(" in "), 8))
    gap = " " * max(style.width - 6 - len(place) - len(name) - len(right), 2)
    return f"  {style.paint(place, 'cyan')} in {name}{gap}{style.paint(right, 'yellow')}"


def _more(number: int, noun: str, style: Style) -> list[str]:
    return (
        [style.paint(f"  and {number} more {noun}{'s' if number > 1 else ''}: see --format json", "dim")]
        if number > 0
        else []
    )

"""How the ranks of a run differ, for people: `tracedbg report --ranks`.

It must not know the store or a framework: all that it says is in the `RankReport`, but for the text of the
user's lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg import source
from tracedbg.explain.ranks.waits import NOTICEABLE_S
from tracedbg.report.ranks.words import ranks_title, ranks_words, spans
from tracedbg.report.sections import title
from tracedbg.report.style import clean, count, seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.explain.ranks.model import (
        Generation,
        OddTrace,
        RankCause,
        RankFunction,
        RankFunctionKey,
        RankGraph,
        RankReport,
        RankValues,
        RankWait,
    )
    from tracedbg.report.style import Style

MAX_ENTRIES = 20
MAX_WAITS = 3
MAX_VALUES = 3
_IN = 4
_RANKS = 16
_PLACE = 32
HEADS = {
    "alone": "What not all ranks traced",
    "apart": "What ranks traced at different times",
    "slow": "What took much longer on some ranks",
    "outcome": "What ended otherwise on some ranks",
}


_BY = ", by samples of the main thread"
_TOLD = {"apart": "at different times", "slow": "slow on some", "outcome": "ended otherwise"}


def to_text(report: RankReport, style: Style) -> str:
    """The whole of it."""
    if not report.generations:
        words = "no ranks: no process of this run says which rank of a distributed job it is"
        return "\n".join([*style.wrap(f"tracedbg: {words}", 0), _which(report, style)]) + "\n"
    parts: list[list[str]] = []
    has_several = len(report.generations) > 1
    for generation in report.generations:
        head = _head(generation, style, has_several=has_several)
        if not parts:
            head.append(_which(report, style))
        parts += [head, *_sections(generation, style)]
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def _which(report: RankReport, style: Style) -> str:
    run = report.run
    ended = "" if run.exit_code is None else f", exit {run.exit_code}"
    return style.paint(style.end(clean(f"{' '.join(run.argv)}{ended}, run {run.id}"), style.width), "dim")


def _head(generation: Generation, style: Style, *, has_several: bool) -> list[str]:
    lines = style.wrap(f"tracedbg: {head_words(generation, has_several=has_several)}", 0)
    lines[0] = lines[0].replace("tracedbg", style.paint("tracedbg", "bold"), 1)
    if generation.missing:
        lines += style.wrap(f"nothing is recorded of {ranks_words(generation.missing)}", 0)
    if generation.ended:
        lines += style.wrap(f"killed, or still running: {ranks_words(generation.ended)}", 0)
    return lines


def head_words(generation: Generation, *, has_several: bool) -> str:
    """How many ranks there are, and how many things are not alike; `has_several`: generations."""
    number = count(len(generation.ranks), "rank")
    if generation.missing:
        number = f"{len(generation.ranks)} of {count(generation.world_size or 0, 'rank')}"
    alone = [odd for odd in generation.odd if odd.kind == "alone"]
    words = [number]
    if generation.is_alike:
        words.append(f"all traced alike: {_shared(generation)}")
    else:
        words += [f"{count(len(alone), 'trace')} not on all of them"] if alone else []
        words += [
            f"{found} {text}"
            for kind, text in _TOLD.items()
            if (found := sum(odd.kind == kind for odd in generation.odd))
        ]
        if generation.graphs:
            words.append(f"{count(len(generation.graphs), 'different graph')}")
    name = f"generation {generation.number}: " if has_several else ""
    return f"{name}{', '.join(words)}"


def _shared(generation: Generation) -> str:
    functions = count(generation.shared_functions, "function")
    return f"{functions}, {count(generation.shared_traces, 'trace')} on each"


def _sections(generation: Generation, style: Style) -> list[list[str]]:
    if generation.is_alike:
        return []
    parts = [_counts(generation, style)]
    for kind, head in HEADS.items():
        found = [odd for odd in generation.odd if odd.kind == kind]
        if found:
            lines = _section(head, [_odd(odd, style) for odd in found[:MAX_ENTRIES]], len(found), style)
            for words in dict.fromkeys(odd.advice for odd in found if odd.advice):
                lines += ["", *_advice(words, style)]
            parts.append(lines)
    if generation.graphs:
        entries = [_graph(graph, style) for graph in generation.graphs[:MAX_ENTRIES]]
        parts.append(_section("Graphs that differ between ranks", entries, len(generation.graphs), style))
    return parts


def _section(head: str, entries: Sequence[list[str]], total: int, style: Style) -> list[str]:
    lines = [style.paint(head, "bold")]
    for number, entry in enumerate(entries):
        lines += ["", *entry] if number else entry
    if total > len(entries):
        lines += ["", style.paint(f"  and {total - len(entries)} more: see --format json", "dim")]
    return lines


# --- who traced what -----------------------------------------------------------------------------


def _counts(generation: Generation, style: Style) -> list[str]:
    lines = []
    for function in generation.functions[:MAX_ENTRIES]:
        if len(function.counts) > 1:
            lines += _function(function, style)
    if lines:
        lines.insert(0, style.paint(f"{'traces':>6}  {'seconds':>7}  {'ranks':<{_RANKS}}  function", "dim"))
    if generation.shared_traces:
        words = f"{count(generation.shared_traces, 'trace')} of all ranks alike"
        if generation.shared_functions:
            words += f", of {count(generation.shared_functions, 'function')} nothing else"
        lines.append(style.paint(f"  {words}", "dim"))
    return lines


def _function(function: RankFunction, style: Style) -> list[str]:
    lines = []
    for number, row in enumerate(function.counts):
        ranks = style.end(spans(row.ranks), _RANKS)
        traces = f"{row.traces:>6}"
        if number:
            traces = style.paint(traces, "yellow", "bold")
        room = style.width - 6 - 2 - 7 - 2 - _RANKS - 2
        name = style.end(_name(function.function), room // 2)
        place = style.place(function.function.file, function.function.line, max(room - len(name) - 8, 12))
        of = f"{style.paint(name, 'bold')}  {style.paint(place, 'dim')}"
        lines.append(f"{traces}  {seconds(row.seconds):>7}  {ranks:<{_RANKS}}  {of}")
    return lines


def _name(function: RankFunctionKey) -> str:
    return clean(f"{function.owner} after break" if function.owner else function.name)


# --- one odd trace ---------------------------------------------------------------------------------


def _odd(odd: OddTrace, style: Style) -> list[str]:
    lines = [title(odd.file, odd.line, odd.caller or _name(odd.function), ranks_title(odd.ranks), style)]
    text = clean(source.line_text(odd.file, odd.line))
    if text:
        lines.append(style.paint(style.end(f"{'':{_IN}}{text}", style.width), "dim"))
    lines += style.wrap(when_words(odd), _IN)
    if ranks_title(odd.ranks) != ranks_words(odd.ranks):
        lines += style.wrap(f"on {ranks_words(odd.ranks)}", _IN)
    for cause in odd.causes:
        lines += _cause(cause, odd, style)
    lines += _inputs(odd, style)
    lines += _caches(odd, style)
    lines += _waits(odd, style)
    for words in dict.fromkeys(one.cause.advice for one in odd.causes if one.cause.advice):
        lines += _advice(words, style)
    return lines


def _advice(words: str, style: Style) -> list[str]:
    return [style.paint(line, "green") for line in style.wrap(words, _IN, f"{style.glyphs.advice} ")]


def when_words(odd: OddTrace) -> str:
    """Which trace it was, when it began, and how long it took."""
    nth = f"trace {odd.number} of `{_name(odd.function)}`"
    at = f"{seconds(max(odd.started_s, 0))} s after the start"
    if odd.under_way:
        took = f"under way for at least {seconds(odd.seconds)} s when the recording of"
        took += f" {ranks_words(odd.under_way)} ended"
    else:
        took = f"took {seconds(odd.seconds)} s"
    words = f"{nth}, {at}, {took}"
    if odd.kind == "outcome":
        words += f"; it ended {odd.outcome} here, and {odd.others_outcome} on {ranks_words(odd.others)}"
    elif odd.kind != "alone":
        words += f"; {seconds(odd.others_seconds)} s on {ranks_words(odd.others)}"
    if odd.inside:
        words += f"; {count(odd.inside, 'trace')} of other functions on the way"
    return words


def _cause(found: RankCause, odd: OddTrace, style: Style) -> list[str]:
    cause = found.cause
    lines = style.wrap(cause.message, _IN)
    lines += _on_others(cause.argument, found.others, style)
    unknown = set(odd.others) - {rank for other in found.others for rank in other.ranks}
    if cause.argument and odd.kind == "alone" and unknown:
        words = (
            f"{cause.argument} on {ranks_words(sorted(unknown))}: every call fitted a trace that was there"
        )
        lines += style.wrap(words, _IN + 2)
    return lines


def _inputs(odd: OddTrace, style: Style) -> list[str]:
    """What no cause says."""
    lines = []
    if odd.is_again:
        words = f"{ranks_words(odd.ranks)} had traced it before, and nothing of that was left"
        lines += style.wrap(f"{words}: the cache was emptied, or it is another function object", _IN)
    for one in odd.inputs:
        also = "as well, " if any(found.cause.argument for found in odd.causes) else ""
        lines += style.wrap(f"{also}`{one.argument}` is {one.value}", _IN)
        lines += _on_others(one.argument, one.others, style)
    return lines


def _on_others(argument: str, others: Sequence[RankValues], style: Style) -> list[str]:
    lines = []
    for other in others:
        shown = ", ".join(other.values[:MAX_VALUES])
        more = len(other.values) - MAX_VALUES
        values = f"{shown}{f' and {more} more' if more > 0 else ''}"
        lines += style.wrap(f"{argument} on {ranks_words(other.ranks)}: traced for {values} alone", _IN + 2)
    return lines


def _caches(odd: OddTrace, style: Style) -> list[str]:
    if odd.kind not in ("slow", "apart") or not (odd.caches or odd.others_caches):
        return []
    words = f"compiler caches: {', '.join(odd.caches) or 'nothing of its own'} here"
    return style.wrap(f"{words}, {', '.join(odd.others_caches) or 'nothing of the kind'} on the others", _IN)


def _waits(odd: OddTrace, style: Style) -> list[str]:
    words = wait_words(odd)
    if not odd.waits or odd.waited_s is None or not odd.others:
        return style.wrap(words, _IN)
    if len(odd.waits) == 1 and odd.waits[0].ranks == odd.others:
        comma = "," if odd.is_cut else ""
        return style.wrap(f"{words.removesuffix(_BY)}{comma} {_where(odd.waits[0], style)}{_BY}", _IN)
    lines = style.wrap(f"{words}:", _IN)
    for wait in odd.waits[:MAX_WAITS]:
        told = f"{seconds(wait.seconds)} s  {ranks_words(wait.ranks)} {_where(wait, style)}"
        lines.append(style.end(f"{'':{_IN + 2}}{told}", style.width))
    rest = len(odd.waits) - MAX_WAITS
    return [*lines, f"{'':{_IN + 2}}and in {count(rest, 'other place')}"] if rest > 0 else lines


def wait_words(odd: OddTrace) -> str:
    """How long the other ranks waited meanwhile; empty where there are none."""
    if not odd.others:
        return ""
    if odd.waited_s is None:
        return f"how long {ranks_words(odd.others)} waited is not known: threads were not sampled"
    known = " as far as is known," if odd.is_cut else ""
    if not odd.waits:
        return (
            f"{ranks_words(odd.others)} waited for nothing that lasted,{known} by samples of the main thread"
        )
    words = f"{ranks_words(odd.others)} waited {_lasted(*odd.waited_s)} meanwhile{known and f',{known}'}"
    return f"{words.rstrip(',')}{_BY}"


def _lasted(least: float, most: float) -> str:
    if seconds(least) == seconds(most):
        return f"{seconds(most)} s"
    return f"{seconds(least)} to {seconds(most)} s" if least >= NOTICEABLE_S else f"up to {seconds(most)} s"


def _where(wait: RankWait, style: Style) -> str:
    """`in train.py:19, dist.all_reduce(loss) (collective)`."""
    what = clean(wait.phase or wait.activity.replace("_", " "))
    if not wait.file:
        return f"in no line of yours ({what})"
    text = clean(source.line_text(wait.file, wait.line))
    return f"in {style.place(wait.file, wait.line, _PLACE)}{f', {text}' if text else ''} ({what})"


def _graph(graph: RankGraph, style: Style) -> list[str]:
    lines = [title(graph.file, graph.line, _name(graph.function), ranks_title(graph.ranks), style)]
    text = clean(source.line_text(graph.file, graph.line))
    if text:
        lines.append(style.paint(style.end(f"{'':{_IN}}{text}", style.width), "dim"))
    message = graph.message.replace("->", style.glyphs.arrow)
    words = (
        f"trace {graph.number} of `{_name(graph.function)}`, beside {ranks_words(graph.others)}: {message}"
    )
    return lines + style.wrap(words, _IN)

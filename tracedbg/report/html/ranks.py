"""The processes of a run, and how its ranks differ. It must not know how that was found out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.explain.processes import process_tree
from tracedbg.report.html.markup import element
from tracedbg.report.html.parts import (
    Cell,
    Column,
    Section,
    advice,
    change,
    code_around,
    entries,
    entry,
    muted,
    numbers,
    paragraph,
    place,
    shortened,
    table,
)
from tracedbg.report.processes import job_words, process_name
from tracedbg.report.ranks.text import HEADS, head_words, wait_words, when_words
from tracedbg.report.ranks.words import ranks_title, ranks_words, spans
from tracedbg.report.style import count, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tracedbg.explain import ProcessNode, Summary
    from tracedbg.explain.ranks.model import (
        Generation,
        OddTrace,
        RankCause,
        RankGraph,
        RankReport,
        RankValues,
    )
    from tracedbg.report.html.markup import Element, Node
    from tracedbg.report.html.parts import Look

MAX_PROCESSES = 200
MAX_ENTRIES = 40
_MAX_VALUES = 3


def processes(summary: Summary, look: Look) -> Section | None:
    """Who has started whom, where there is more than one process, or a rank."""
    infos = summary.processes
    ranks = [info for info in infos if info.is_rank]
    if len(infos) < 2 and not ranks:  # noqa: PLR2004  one is no tree
        return None
    del look
    nodes = list(_flat(process_tree(infos, summary.process_traces)))
    rows = [
        _process(node, depth, has_hosts=len({info.host for info in infos}) > 1)
        for node, depth in nodes[:MAX_PROCESSES]
    ]
    columns = (
        Column("Process"),
        Column("Number", is_number=True),
        Column("Traces", is_number=True),
        Column("Lived", is_number=True, hint="seconds; empty for one that was killed, or still runs"),
    )
    rest = len(nodes) - MAX_PROCESSES
    words = f"{rest} more processes left out here: see --format json." if rest > 0 else ""
    lead = element("p", f"{job_words(ranks)}.", class_="lead") if ranks else None
    shown = table(
        "Processes, each after the one that has started it", columns, rows, rest=words, is_sortable=False
    )
    return Section("processes", "Processes", (lead, shown), str(len(infos)))


def _flat(nodes: Sequence[ProcessNode]) -> Iterator[tuple[ProcessNode, int]]:
    """Each node with its depth, after the one that it stands below; of these there may be thousands."""
    left = [(node, 0) for node in reversed(nodes)]
    while left:
        node, depth = left.pop()
        yield node, depth
        left += [(child, depth + 1) for child in reversed(node.children)]


def _process(node: ProcessNode, depth: int, *, has_hosts: bool) -> list[Cell]:
    name = shortened(process_name(node, has_hosts=has_hosts, has_generations=bool(node.info.generation)), 160)
    end = node.info.stopped_ns
    lived_s = None if end is None else end / 1e9
    return [
        Cell([element("span", "· " * min(depth, 40), class_="indent", aria_hidden="true"), name], name),
        Cell(node.info.pid, node.info.pid),
        Cell(node.traces, node.traces),
        Cell("" if lived_s is None else f"{seconds(lived_s)} s", lived_s),
    ]


def ranks(report: RankReport | None, look: Look) -> Section | None:
    """What not all ranks traced alike, why, and who waited."""
    if report is None or not report.generations:
        return None
    has_several = len(report.generations) > 1
    content: list[Node] = []
    for generation in report.generations:
        content.append(element("p", f"{head_words(generation, has_several=has_several)}.", class_="lead"))
        content += _generation(generation, look)
    number = sum(len(one.odd) + len(one.graphs) for one in report.generations)
    return Section("ranks", "Ranks", tuple(content), str(number) if number else "")


def _generation(one: Generation, look: Look) -> Iterator[Node]:
    if one.missing:
        yield muted(f"Nothing is recorded of {ranks_words(one.missing)}.")
    if one.ended:
        yield muted(f"Killed, or still running: {ranks_words(one.ended)}.")
    if one.is_alike:
        return
    yield _counts(one, look)
    numbered = list(enumerate(one.odd, 1))[:MAX_ENTRIES]
    for kind, head in HEADS.items():
        cards = [
            _odd(odd, f"odd-{one.number}-{number}", look) for number, odd in numbered if odd.kind == kind
        ]
        if cards:
            yield element("h3", head)
            yield cards
    if len(one.odd) > MAX_ENTRIES:
        yield muted(f"And {len(one.odd) - MAX_ENTRIES} more: see --ranks --format json.")
    for words in dict.fromkeys(odd.advice for odd in one.odd if odd.advice):
        yield advice(words)
    if one.graphs:
        yield element("h3", "Graphs that differ between ranks")
        yield entries([_graph(graph, look) for graph in one.graphs[:MAX_ENTRIES]], len(one.graphs))


def _counts(one: Generation, look: Look) -> Node:
    rows = [
        [
            Cell(
                [
                    element("code", shortened(of.owner or of.name, 160), class_="name"),
                    " after a graph break" if of.owner else "",
                    " ",
                    place(look, of.file, of.line),
                ],
                of.name,
            ),
            Cell(shortened(spans(row.ranks), 80), row.ranks[0] if row.ranks else 0),
            Cell(row.traces, row.traces),
            Cell(seconds(row.seconds), row.seconds),
        ]
        for function in one.functions[:MAX_ENTRIES]
        for row in function.counts
        if (of := function.function)
    ]
    if not rows:
        return None
    columns = (
        Column("Function"),
        Column("Ranks"),
        Column("Traces", is_number=True),
        Column("Seconds", is_number=True),
    )
    rest = len(one.functions) - MAX_ENTRIES
    words = f"{count(rest, 'more function')} left out here: see --ranks --format json." if rest > 0 else ""
    return table("Functions that not all ranks have traced equally often", columns, rows, rest=words)


def _odd(odd: OddTrace, anchor: str, look: Look) -> Element:
    waited = f"{seconds(odd.waited_s[1])} s" if odd.waited_s else ""
    return entry(
        place(look, odd.file, odd.line, odd.caller or odd.function.name),
        numbers((ranks_title(odd.ranks), ""), *([(waited, "waited by others")] if waited else [])),
        paragraph(when_words(odd), "muted"),
        code_around(look, odd.file, odd.line),
        [_cause(cause) for cause in odd.causes],
        [_input(one.argument, one.value, one.others) for one in odd.inputs],
        _waits(odd, look),
        [
            advice(words)
            for words in dict.fromkeys(one.cause.advice for one in odd.causes if one.cause.advice)
        ],
        id_=anchor,
    )


def _cause(found: RankCause) -> Node:
    cause = found.cause
    return [
        paragraph(cause.message, "message"),
        change(cause.argument, cause.before, cause.after),
        _on_others(cause.argument, found.others),
    ]


def _input(argument: str, value: str, others: Sequence[RankValues]) -> Node:
    return [
        element("p", element("code", argument), " is ", element("code", shortened(value, 400))),
        _on_others(argument, others),
    ]


def _on_others(argument: str, others: Sequence[RankValues]) -> Node:
    items = []
    for other in others:
        shown = ", ".join(other.values[:_MAX_VALUES])
        more = len(other.values) - _MAX_VALUES
        values = shortened(f"{shown}{f' and {more} more' if more > 0 else ''}", 400)
        items.append(
            element(
                "li",
                element("code", argument),
                f" on {ranks_words(other.ranks)}: traced for ",
                element("code", values),
                " alone",
            )
        )
    return element("ul", items) if items else None


def _waits(odd: OddTrace, look: Look) -> Node:
    rows = [
        [
            Cell(
                place(look, wait.file, wait.line, wait.function) if wait.file else "no line of yours",
                f"{wait.file}:{wait.line:07}",
            ),
            Cell(ranks_words(wait.ranks), wait.ranks[0] if wait.ranks else 0),
            Cell(shortened(wait.phase or wait.activity.replace("_", " "), 60), None),
            Cell(f"{seconds(wait.seconds)} s", wait.seconds),
        ]
        for wait in odd.waits[:MAX_ENTRIES]
    ]
    words = paragraph(wait_words(odd))
    if not rows:
        return words
    columns = (
        Column("Where others waited"),
        Column("Ranks"),
        Column("In"),
        Column("Seconds", is_number=True),
    )
    return [words, table("Where other ranks waited meanwhile", columns, rows)]


def _graph(graph: RankGraph, look: Look) -> Element:
    return entry(
        place(look, graph.file, graph.line, graph.function.name),
        numbers((ranks_title(graph.ranks), "")),
        paragraph(
            f"Trace {graph.number}, beside {ranks_words(graph.others)}: {graph.message.replace('->', '→')}",
            "message",
        ),
        code_around(look, graph.file, graph.line),
    )

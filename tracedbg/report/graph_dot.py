"""One graph in Graphviz's language, and drawn by its `dot`.

A node for each op, in a box for each line of source; of a large graph a node for each line.
"""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from typing import TYPE_CHECKING, TypeVar

from tracedbg import source
from tracedbg.errors import UsageError
from tracedbg.report.style import clean, count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tracedbg.events import OpSite
    from tracedbg.explain.graphs import Graph
    from tracedbg.report.style import Style

T = TypeVar("T")
MAX_NODES = 500
"""A larger graph takes Graphviz minutes, and nobody can read it."""
_MAX_LABEL = 60
_TIMEOUT_S = 120
_SHOWN_OPS = 3


def to_dot(graph: Graph, sites: Sequence[OpSite], style: Style) -> str:
    """The graph as text for Graphviz.

    Args:
        graph: which.
        sites: its ops.
        style: how paths are shown.
    """
    of = graph.function
    title = [f"{graph.stage} graph of {of.name}", style.place(of.file, of.line, 80)]
    if len(sites) > MAX_NODES:
        body, notes = _by_line(sites, style)
        title += notes
    else:
        body = list(_by_op(sites, style))
    lines = [
        "digraph graph_of_ops {",
        f"  label={_quoted(*title)};",
        '  labelloc=t; fontname="sans-serif"; rankdir=TB;',
        '  node [shape=box, style="rounded,filled", fillcolor="#eef3fa", fontname="monospace", fontsize=10];',
        '  edge [color="#60708a", arrowsize=0.6];',
        *(f"  {line}" for line in body),
        "}",
    ]
    return "\n".join(lines) + "\n"


def draw(dot: str) -> str:
    """The picture of a graph, as SVG.

    Raises:
        UsageError: Graphviz is not installed, or does not come to an end.
    """
    program = shutil.which("dot")
    if program is None:
        raise UsageError(
            "drawing a graph needs Graphviz, whose dot is not on the PATH: apt-get install graphviz; or write"
            " it with --format dot, and draw it on another machine"
        )
    try:
        done = subprocess.run(
            [program, "-Tsvg"], input=dot.encode(), capture_output=True, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise UsageError(
            f"{program} has not drawn the graph in {_TIMEOUT_S} s; write it with --format dot, and try"
            " another program of Graphviz, such as sfdp"
        ) from None
    except OSError as error:
        raise UsageError(f"cannot run {program}: {error.strerror or error}") from error
    if done.returncode:
        told = clean(done.stderr.decode(errors="replace").strip().partition("\n")[0])
        raise UsageError(f"{program} could not draw the graph: {told or f'exit code {done.returncode}'}")
    return done.stdout.decode()


def _by_op(sites: Sequence[OpSite], style: Style) -> Iterator[str]:
    numbers = {site.name: f"op{at}" for at, site in enumerate(sites)}
    children: dict[str, list[OpSite]] = {}
    for site in sites:
        is_known = site.inside.rpartition("/")[0] in numbers
        children.setdefault(site.inside if is_known else "", []).append(site)
    clusters = iter(range(len(sites) * 2 + 1))
    yield from _level(children, "", numbers, clusters, style)
    for site in sites:
        for source_name in dict.fromkeys(_inputs(site, numbers)):
            yield f"{source_name} -> {numbers[site.name]};"
        runner = numbers.get(site.inside.rpartition("/")[0])
        if runner and not any(_inputs(site, numbers)):
            yield f"{runner} -> {numbers[site.name]} [style=dotted, arrowhead=none];"


def _level(
    children: dict[str, list[OpSite]],
    inside: str,
    numbers: dict[str, str],
    clusters: Iterator[int],
    style: Style,
) -> Iterator[str]:
    """The ops of one graph by line, and in boxes of their own those of the graphs that it runs."""
    lines: dict[tuple[str, int], list[OpSite]] = {}
    for site in children.get(inside, ()):
        lines.setdefault((site.file, site.line), []).append(site)
    for (file, line), ops in lines.items():
        if file:
            yield f"subgraph cluster_{next(clusters)} {{"
            yield f"  label={_quoted(_place(file, line, style), source.line_text(file, line))};"
            yield '  style="rounded"; color="#b0bccd"; fontname="monospace"; fontsize=9;'
        for site in ops:
            name = site.name.removeprefix(f"{site.inside}/") if site.inside else site.name
            tip = f"{name}({', '.join(site.inputs)})"
            label = _quoted(site.op, *([site.output] if site.output else []))
            yield f"  {numbers[site.name]} [label={label}, tooltip={_quoted(tip)}];"
        if file:
            yield "}"
        for site in ops:
            for part in [key for key in children if key and key.rpartition("/")[0] == site.name]:
                yield f"subgraph cluster_{next(clusters)} {{"
                yield f'  label={_quoted(part.rpartition("/")[2])}; style=dashed; fontname="sans-serif";'
                yield from (f"  {one}" for one in _level(children, part, numbers, clusters, style))
                yield "}"


def _by_line(sites: Sequence[OpSite], style: Style) -> tuple[list[str], list[str]]:
    """A node for each line, as large graphs have it; and words on that."""
    lines: dict[tuple[str, int], list[OpSite]] = {}
    for site in sites:
        lines.setdefault((site.file, site.line), []).append(site)
    notes = [f"{count(len(sites), 'op')}: one node for each line of source"]
    if len(lines) > MAX_NODES:
        notes.append(f"of {len(lines)} lines the {MAX_NODES} with the most ops")
        most = sorted(lines, key=lambda place: -len(lines[place]))[:MAX_NODES]
        lines = {place: lines[place] for place in lines if place in set(most)}
    numbers = {place: f"line{at}" for at, place in enumerate(lines)}
    of_op = {site.name: (site.file, site.line) for site in sites}
    found = []
    for (file, line), ops in lines.items():
        kinds = Counter(site.op for site in ops).most_common(_SHOWN_OPS)
        named = ", ".join(f"{number} {name}" for name, number in kinds)
        text = source.line_text(file, line) if file else ""
        where = _place(file, line, style) if file else "of no line that is known"
        label = _quoted(where, *([text] if text else []), count(len(ops), "op"), named)
        found.append(f"{numbers[file, line]} [label={label}];")
    edges: Counter[tuple[str, str]] = Counter()
    for site in sites:
        for one in _inputs(site, of_op):
            if one in numbers and (site.file, site.line) in numbers and one != (site.file, site.line):
                edges[numbers[one], numbers[site.file, site.line]] += 1
    found += [
        f"{start} -> {end}{f' [label={number}]' if number > 1 else ''};"
        for (start, end), number in edges.items()
    ]
    return found, notes


def _inputs(site: OpSite, known: Mapping[str, T]) -> Iterator[T]:
    """What of `known` its inputs come from; `x:1` is the second output of `x`."""
    for one in site.inputs:
        found = known.get(one)
        if found is None:
            found = known.get(one.rpartition(":")[0])
        if found is not None:
            yield found


def _place(file: str, line: int, style: Style) -> str:
    return style.place(file, line, _MAX_LABEL)


def _quoted(*lines: str) -> str:
    r"""A string of Graphviz's, each line to the left.

    What it would act on is spelled out: quotes, backslashes, and `&`, with which it begins an entity of HTML.
    """
    shown = (
        clean(line) if len(line) <= _MAX_LABEL else clean(line[: _MAX_LABEL - 1]) + "…" for line in lines
    )
    escaped = (line.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"') for line in shown)
    return '"' + "".join(f"{line}\\l" for line in escaped) + '"'

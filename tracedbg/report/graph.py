"""One graph for people: lines of source, each with its ops; and the same as data."""

from __future__ import annotations

import textwrap
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tracedbg import source
from tracedbg.explain.graphs import STAGES, by_line
from tracedbg.report.style import clean, count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tracedbg.events import OpSite
    from tracedbg.explain.graphs import Graph, Lines, Op
    from tracedbg.report.style import Style

SCHEMA = 1
_STEP = 4
_NUMBER = 5
_MAX_KINDS = 4
"""Ops that are named of those that are not shown."""
_MAX_NAME = 36
_MAX_INDENT = 32
_LEAST_ROOM = 24
_NOWHERE = "of no line that is known"


def to_text(graph: Graph, sites: Sequence[OpSite], others: Sequence[Graph], style: Style, top: int) -> str:
    """The graph as source lines with their ops.

    Args:
        graph: which.
        sites: its ops.
        others: all graphs of the function, and of what is left of it after graph breaks.
        style: how it looks.
        top: how many ops of one line; the others are counted.
    """
    lines = _head(graph, others, sites, style)
    page = _Page(style, top)
    for file, by_number in _files(by_line(sites)):
        lines += ["", style.paint(style.path(file, style.width) if file else _NOWHERE, "bold", "cyan")]
        for number, ops in sorted(by_number.items()):
            lines += page.line(file, number, ops, 0)
    return "\n".join(lines) + "\n"


def _head(graph: Graph, others: Sequence[Graph], sites: Sequence[OpSite], style: Style) -> list[str]:
    of = graph.function
    rest = dict.fromkeys(clean(one.function.name) for one in others if one.key != graph.key)
    others = [one for one in others if one.key == graph.key]
    numbers = [one.number for one in others if one.stage == graph.stage]
    which = "graph" if graph.label.startswith("step ") else "trace"
    words = f"{graph.stage} graph of {of.name}, {which} {graph.number} of {max(numbers)}"
    label = f" ({graph.label})" if graph.label else ""
    parts = max(one.part for one in others if (one.stage, one.number) == (graph.stage, graph.number))
    if parts > 1:
        words += f", part {graph.part} of {parts} (as {of.name}#{graph.number}.{parts} names the last)"
    missing = f", {graph.left_out} more were left out" if graph.left_out else ""
    lines = style.wrap(f"{words}{label}: {count(len(sites), 'op')}{missing}", 0)
    lines[0] = lines[0].replace(clean(of.name), style.paint(clean(of.name), "bold"), 1)
    notes = [f"{style.place(of.file, of.line, style.width)}", STAGES.get(graph.stage, "")]
    lines += [style.paint(line, "dim") for note in notes if note for line in style.wrap(note, 0)]
    stages = dict.fromkeys(one.stage for one in others if one.stage != graph.stage)
    if stages:
        lines += [style.paint(line, "dim") for line in style.wrap(f"other stages: {', '.join(stages)}", 0)]
    if rest:
        words = f"it goes on after a graph break in {', '.join(rest)}"
        lines += [style.paint(line, "dim") for line in style.wrap(words, 0)]
    return lines


def _files(lines: Lines) -> Iterator[tuple[str, dict[int, list[Op]]]]:
    """In the order of the graph; what has no line at the end."""
    yield from ((file, found) for file, found in lines.files.items() if file)
    if "" in lines.files:
        yield "", lines.files[""]


@dataclass(frozen=True)
class _Page:
    """How lines and their ops are written."""

    style: Style
    top: int

    def line(self, file: str, number: int, ops: list[Op], indent: int) -> list[str]:
        """One line of source, and its ops."""
        style = self.style
        lines = []
        if file:
            text = clean(source.line_text(file, number))
            shown = style.end(text, max(style.width - indent - _NUMBER - 2, _LEAST_ROOM))
            lines.append(f"{'':{indent}}{style.paint(f'{number:>{_NUMBER}}', 'dim')}  {shown}".rstrip())
        inner = indent + (_NUMBER + _STEP if file else _STEP)
        for op in ops[: self.top]:
            lines += self._op(op, file, inner)
        if len(ops) > self.top:
            kinds = Counter(clean(op.site.op) for op in ops[self.top :])
            named = ", ".join(f"{number} {name}" for name, number in kinds.most_common(_MAX_KINDS))
            more = f", {style.glyphs.ellipsis}" if len(kinds) > _MAX_KINDS else ""
            words = f"and {len(ops) - self.top} more (--top): {named}{more}"
            lines += [style.paint(line, "dim") for line in _wrapped(words, style, inner)]
        return lines

    def _op(self, op: Op, file: str, indent: int) -> list[str]:
        style = self.style
        lines = _wrapped(_op_text(op.site, style), style, indent)
        inner = min(indent + 2, _MAX_INDENT)
        for part, body in op.bodies.items():
            lines.append(f"{'':{inner}}{style.paint(f'{clean(part)}:', 'yellow')}")
            for other, by_number in _files(body):
                if other not in {file, ""}:
                    name = style.path(other, max(style.width - inner - 2, _LEAST_ROOM))
                    lines.append(f"{'':{inner + 2}}{style.paint(name, 'cyan')}")
                for number, ops in sorted(by_number.items()):
                    lines += self.line(other, number, ops, inner)
        return lines


def _wrapped(text: str, style: Style, indent: int) -> list[str]:
    return textwrap.wrap(
        text,
        max(style.width, indent + _LEAST_ROOM),
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + _STEP),
        break_on_hyphens=False,
    )


def _op_text(site: OpSite, style: Style) -> str:
    """`add_1: float32[2] = aten.add.Tensor(x, mul)`; of long names the end, without the way to a body."""
    scope = f"{site.inside}/" if site.inside else ""
    name, *inputs = [style.tail(one.removeprefix(scope), _MAX_NAME, "/") for one in (site.name, *site.inputs)]
    output = f": {site.output}" if site.output else ""
    return clean(f"{name}{output} = {site.op}({', '.join(inputs)})")


def to_json(graph: Graph, sites: Sequence[OpSite]) -> dict[str, Any]:
    """The graph as data.

    Args:
        graph: which.
        sites: its ops.
    """
    of = graph.function
    return {
        "schema": SCHEMA,
        "framework": of.framework.value,
        "function": of.name,
        "file": of.file,
        "line": of.line,
        "stage": graph.stage,
        "trace": graph.number,
        "label": graph.label,
        "pid": graph.pid,
        "left_out": graph.left_out,
        "ops": [
            {
                "name": site.name,
                "op": site.op,
                "inputs": list(site.inputs),
                "output": site.output,
                "file": site.file,
                "line": site.line,
                "inside": site.inside,
            }
            for site in sites
        ],
    }

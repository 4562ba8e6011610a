"""`tracedbg report --graph`: one graph of a run. It must not know what a graph says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.cli.output import dump_json, plain_style, style_for, write_text

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from typing import TextIO

    from tracedbg.store.reader import Run

DRAWN = ("dot", "svg")
"""Formats that only a graph has."""
STAGES = (
    "dynamo",
    "func_graph",
    "torchscript",
    "aot_forward",
    "aot_backward",
    "backward",
    "autograd",
    "tape",
    "sequence",
)
"""Those of `explain.graphs`, which `--help` need not load."""
_TOP = 20


def graph_writer(recording: Run, args: argparse.Namespace) -> Callable[[TextIO], None]:
    """What writes the graph that is asked for.

    Raises:
        UsageError: there is none, or not only one.
    """
    from tracedbg.explain.graphs import choose, graphs_of  # noqa: PLC0415  deferred: `--help` need not load it
    from tracedbg.report.graph import to_json, to_text  # noqa: PLC0415  deferred: likewise
    from tracedbg.report.graph_dot import draw, to_dot  # noqa: PLC0415  deferred: likewise

    graphs = graphs_of(recording.processes)
    graph = choose(graphs, args.graph, number=args.trace, stage=args.stage or "")
    sites = graph.read()  # while the recording is open
    if args.format == "json":
        data = dump_json(to_json(graph, sites))
        return lambda stream: write_text(stream, data)
    if args.format in DRAWN:
        text = to_dot(graph, sites, plain_style())
        if args.format == "svg":
            text = draw(text)
        return lambda stream: write_text(stream, text)
    of_function = [one for one in graphs if one.key == graph.key or one.is_rest_of(graph)]
    return lambda stream: write_text(
        stream, to_text(graph, sites, of_function, style_for(stream), args.top or _TOP)
    )

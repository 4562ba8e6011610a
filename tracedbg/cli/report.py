"""`tracedbg report`: a recorded run once more, as text or JSON. It must not know what a report says."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, ClassVar, TextIO

from tracedbg.cli.output import (
    check_writable,
    dump_json,
    open_output,
    report_as_html,
    report_as_json,
    show_report,
    style_for,
    with_native,
    write_text,
)
from tracedbg.cli.program import positive
from tracedbg.cli.progress import working
from tracedbg.cli.report_graph import DRAWN, STAGES, graph_writer
from tracedbg.cli.report_ranks import ranks_writer
from tracedbg.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from tracedbg.cli.parser import Parser
    from tracedbg.store.reader import Run

_LEVELS = ("line", "op", "function", "module")
_TOP = 20
_HTML = "html"


class Report:
    """Shows the report of a run that was recorded, or is being recorded."""

    name: ClassVar[str] = "report"
    help: ClassVar[str] = "show the report of a recorded run"

    def configure(self, parser: Parser) -> None:
        """Which run, and in what form."""
        parser.take_run("; or a dataset of many ranks, as tracedbg export --format parquet writes it")
        parser.add_argument(
            "--format",
            choices=("text", "json", "html", *DRAWN),
            default="text",
            help="for a person, for a program, or for a browser, as one page that loads nothing; a graph also"
            " for Graphviz, or drawn by it (default: text)",
        )
        parser.add_argument("-o", "--output", metavar="FILE", help="write to FILE instead of stdout")
        parser.add_argument(
            "--ops", action="store_true", help="show the ops that tracedbg run --ops has recorded, at length"
        )
        parser.add_argument(
            "--ranks",
            action="store_true",
            help="show what some ranks of a distributed run traced and others did not, why, and who waited",
        )
        parser.add_argument("--by", choices=_LEVELS, help="with --ops: what a row stands for (default: line)")
        parser.add_argument(
            "--graph",
            metavar="FUNCTION",
            help="show the last graph of a function as lines of source with their ops; FUNCTION#2 is that of"
            " its second trace",
        )
        parser.add_argument("--trace", metavar="N", type=positive, help="with --graph: of its Nth trace")
        parser.add_argument(
            "--stage",
            metavar="STAGE",
            choices=STAGES,
            help="with --graph: which of the trace's graphs, such as aot_backward",
        )
        parser.add_argument(
            "--top",
            metavar="N",
            type=positive,
            help=f"with --ops: how many rows; with --graph: how many ops of a line (default: {_TOP})",
        )

    def run(self, args: argparse.Namespace) -> int:
        """Write the report to stdout or a file."""
        from tracedbg.fleet import is_dataset  # noqa: PLC0415  deferred: `--help` need not load it
        from tracedbg.store.reader import Run  # noqa: PLC0415  deferred: likewise
        from tracedbg.store.run import find_run  # noqa: PLC0415  deferred: likewise

        _check(args)
        if args.output:
            check_writable(args.output, "--output")
        folder = find_run(args.run)
        if is_dataset(folder):
            write = _fleet(folder, args)
        else:
            with Run.open(folder) as recording, working(f"reading {folder}"):
                write = _part(args)(recording, args)
        if not args.output:
            write(sys.stdout)
        else:
            with open_output(args.output) as stream:
                write(stream)
        return 0


def _check(args: argparse.Namespace) -> None:
    """Refuse options that would do nothing."""
    asked = _parts(args)
    if len(asked) > 1:
        raise UsageError(f"--{asked[0]} and --{asked[1]} are two reports: ask for one of them")
    for name, needed in (("by", "ops"), ("trace", "graph"), ("stage", "graph")):
        if getattr(args, name) is not None and not getattr(args, needed):
            raise UsageError(f"--{name} does nothing without --{needed}")
    if args.top is not None and not (args.ops or args.graph):
        raise UsageError("--top does nothing without --ops or --graph")
    if args.format in DRAWN and not args.graph:
        raise UsageError(f"--format {args.format} is for a graph: name its function with --graph FUNCTION")
    if args.format == _HTML:
        for name in ("ops", "graph"):
            if name in asked:
                raise UsageError(f"--{name} has no page of its own: leave it out, or leave --format html out")
        if not args.output and sys.stdout.isatty():
            raise UsageError("--format html is for a browser: name a file for it with --output report.html")


def _parts(args: argparse.Namespace) -> list[str]:
    """The options that ask for another report than the whole one."""
    return [name for name in ("ops", "graph", "ranks") if getattr(args, name) not in (None, False)]


def _part(args: argparse.Namespace) -> Callable[[Run, argparse.Namespace], Callable[[TextIO], None]]:
    if args.graph is not None:
        return graph_writer
    if args.ranks:
        return ranks_writer
    return _ops if args.ops else _whole


def _fleet(folder: str, args: argparse.Namespace) -> Callable[[TextIO], None]:
    from tracedbg.fleet.asking import add_up  # noqa: PLC0415  deferred: `--help` need not load it
    from tracedbg.report.fleet_json import to_json  # noqa: PLC0415  deferred: likewise
    from tracedbg.report.fleet_text import render  # noqa: PLC0415  deferred: likewise

    for option in _parts(args):
        raise UsageError(
            f"--{option} is for a run, and {folder} is a dataset: name the run that it was made of"
        )
    if args.format == _HTML:
        raise UsageError(f"{folder} is a dataset, which has no page: name the run that it was made of")
    with working(f"adding up {folder}"):
        fleet = add_up(folder)
    if args.format == "json":
        return lambda stream: write_text(stream, dump_json(to_json(fleet)))
    return lambda stream: write_text(stream, render(fleet, style_for(stream)))


def _whole(recording: Run, args: argparse.Namespace) -> Callable[[TextIO], None]:
    from tracedbg.explain import summarise  # noqa: PLC0415  deferred: `--help` need not load it
    from tracedbg.store.run import find_run  # noqa: PLC0415  deferred: likewise

    summary = with_native(summarise(recording), find_run(args.run))
    if args.format == "json":
        return lambda stream: write_text(stream, report_as_json(summary))
    if args.format == _HTML:
        page = report_as_html(recording, summary)
        return lambda stream: write_text(stream, page)
    return lambda stream: show_report(summary, stream)


def _ops(recording: Run, args: argparse.Namespace) -> Callable[[TextIO], None]:
    from tracedbg.explain import OpLevel  # noqa: PLC0415  deferred: `--help` need not load it
    from tracedbg.explain.op_totals import OpTotals  # noqa: PLC0415  deferred: likewise
    from tracedbg.report.ops import to_text  # noqa: PLC0415  deferred: likewise
    from tracedbg.report.ops_json import table_data  # noqa: PLC0415  deferred: likewise

    totals = OpTotals()
    for process in recording.processes:
        totals.add(process.ran.ops())
    ops = totals.done(recording.info.wall_ns)
    if ops is None:
        raise UsageError(f"run {recording.info.id} has no ops: record them with tracedbg run --ops")
    level = OpLevel(args.by or OpLevel.LINE)
    rows = totals.rows(level)
    if args.format == "json":
        return lambda stream: write_text(stream, dump_json(table_data(ops, rows, level)))
    return lambda stream: write_text(stream, to_text(ops, rows, level, style_for(stream), args.top or _TOP))

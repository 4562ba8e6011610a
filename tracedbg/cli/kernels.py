"""`tracedbg kernels`: kernel time per line of Python, from a profiler's file. It must not know any format."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, ClassVar

from tracedbg.cli.output import check_writable, complain, open_output, style_for
from tracedbg.cli.program import positive
from tracedbg.cli.progress import working
from tracedbg.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from tracedbg.cli.parser import Parser
    from tracedbg.explain.kernels import Explained, Table, View
    from tracedbg.explain.kernels.against import Change
    from tracedbg.kernels import Timeline

_TOP = 20
_LEVELS = ("line", "function", "module", "op", "kernel")
_STDOUT = "-"


class Kernels:
    """Shows which lines of Python the time of a GPU belongs to."""

    name: ClassVar[str] = "kernels"
    help: ClassVar[str] = "show kernel time per line of Python, from a profiler's file"

    def configure(self, parser: Parser) -> None:
        """Which files, whose lines, and in what form."""
        parser.add_argument(
            "traces",
            metavar="TRACE",
            nargs="+",
            help="a file of torch.profiler (.json, .json.gz), nsys (.sqlite), or XLA and TensorFlow"
            " (.xplane.pb); several are added up",
        )
        parser.add_argument(
            "--by", choices=_LEVELS, default="line", help="what a row stands for (default: %(default)s)"
        )
        parser.add_argument(
            "--top", metavar="N", type=positive, default=_TOP, help="how many rows (default: %(default)s)"
        )
        add_view_options(parser)
        parser.add_argument("--against", metavar="TRACE", help="what got slower or new since this file")
        parser.add_argument(
            "--annotate", metavar="FILE", help="show this source file with the time of each line"
        )
        parser.add_argument(
            "--json", metavar="FILE", help="write all rows to FILE as JSON instead (-: to stdout)"
        )

        parser.add_argument(
            "--html",
            metavar="FILE",
            help="write FILE as one page for a browser instead, with the source beside the time of its lines",
        )

    def run(self, args: argparse.Namespace) -> int:
        """Write the table to stdout."""
        if args.json and args.json != _STDOUT:
            check_writable(args.json, "--json")
        if args.html:
            for name in ("against", "annotate", "json"):
                if getattr(args, name):
                    raise UsageError(f"--html and --{name} are two reports: ask for one of them")
            check_writable(args.html, "--html")
        text = _text_of(args.annotate) if args.annotate else ""
        from tracedbg.explain.kernels import Level, tabulate  # noqa: PLC0415  deferred: `--help` need not load it

        view = view_of(args)
        captures = [read_file(file, args.source) for file in args.captures]
        explained = [explain_file(file, args, view, captures) for file in args.traces]
        level = Level.LINE if args.annotate else Level(args.by)
        table = tabulate((one for each in explained for one in each.kernels), level)
        if args.against:
            before = [explain_file(args.against, args, view, captures)]
            _show_changes(explained, before, table, args)
        elif args.annotate:
            from tracedbg.report.kernel_source import annotated  # noqa: PLC0415  deferred: as above

            print(annotated(args.annotate, text, table, style_for(sys.stdout)), end="")
        elif args.json:
            _write_json(_data(explained, table), args.json)
        elif args.html:
            _write_html(explained, table, args)
        else:
            _show(explained, table, args)
        return 0


def add_view_options(parser: Parser) -> None:
    """The options that say how a trace is read, and whose lines count."""
    parser.add_argument(
        "--project-root",
        metavar="DIR",
        dest="roots",
        action="append",
        default=[],
        help="only lines below this folder or package count as yours; repeatable (default: all but"
        " frameworks)",
    )
    parser.add_argument(
        "--skip",
        metavar="PATTERN",
        action="append",
        default=[],
        help="pass over a wrapper: a file, function or file:function; `*` stands for anything; repeatable",
    )
    parser.add_argument(
        "--capture",
        metavar="TRACE",
        dest="captures",
        action="append",
        default=[],
        help="where the CUDA or HIP graphs were captured that TRACE replays; repeatable",
    )
    parser.add_argument(
        "--provenance",
        metavar="FILE",
        dest="provenances",
        action="append",
        default=[],
        help="the log that torch wrote with INDUCTOR_PROVENANCE=1 and TORCH_TRACE set: what its kernels"
        " were fused from; repeatable",
    )
    parser.add_argument(
        "--source", metavar="NAME", help="which kernel source reads the files (default: by content)"
    )


def view_of(args: argparse.Namespace) -> View:
    """Whose lines count, by the options."""
    from tracedbg.explain.kernels import View  # noqa: PLC0415  deferred: `--help` need not load it

    return View(tuple(args.roots), tuple(args.skip))


def read_file(file: str, source: str | None) -> Timeline:
    """What `file` tells, with a warning on stderr for what of it is damaged."""
    from tracedbg.explain.kernels import read_timeline  # noqa: PLC0415  deferred: `--help` need not load it

    with working(f"reading {file}"):
        timeline = read_timeline(file, source)
    for damage in timeline.damage:
        at = "" if damage.byte is None else f" at byte {damage.byte}"
        complain(f"warning: {file}: {damage.message}{at}; the rest is shown")
    return timeline


def explain_file(file: str, args: argparse.Namespace, view: View, captures: Sequence[Timeline]) -> Explained:
    """The kernels of `file` with their lines, as the options want them."""
    from tracedbg.explain.kernels import explain  # noqa: PLC0415  deferred: `--help` need not load it
    from tracedbg.explain.kernels.provenance import read_provenance  # noqa: PLC0415  deferred: likewise
    from tracedbg.explain.kernels.sidecar import read_sidecar  # noqa: PLC0415  deferred: likewise

    sidecar = read_sidecar(file)
    for provenance in args.provenances:
        sidecar.fused_stacks |= read_provenance(provenance)
    timeline = read_file(file, args.source)
    with working(f"finding the lines of {file}"):
        return explain(timeline, view, sidecar, captures)


def _show(explained: Sequence[Explained], table: Table, args: argparse.Namespace) -> None:
    from tracedbg.explain.kernels.idle import idle_time  # noqa: PLC0415  deferred: `--help` need not load it
    from tracedbg.report.kernel_places import Sources  # noqa: PLC0415  deferred: likewise
    from tracedbg.report.kernels import Extent, to_text  # noqa: PLC0415  deferred: likewise

    sources = Sources(_folders(explained, args))
    idle = [idle_time(one) for one in explained if not one.is_host_time]
    style = style_for(sys.stdout)
    print(to_text(explained, table, idle, style, Extent(args.top, sources)), end="")


def _write_html(explained: Sequence[Explained], table: Table, args: argparse.Namespace) -> None:
    from tracedbg.explain.kernels.idle import idle_time  # noqa: PLC0415  deferred: `--help` need not load it
    from tracedbg.report.html.kernel_trace import to_html  # noqa: PLC0415  deferred: likewise
    from tracedbg.report.kernel_places import Sources  # noqa: PLC0415  deferred: likewise

    sources = Sources(_folders(explained, args))
    idle = [idle_time(one) for one in explained if not one.is_host_time]
    page = to_html(explained, table, idle, sources, folder=os.getcwd())
    with open_output(args.html) as stream:
        stream.write(page)


def _folders(explained: Sequence[Explained], args: argparse.Namespace) -> list[str]:
    """Where source files are looked for."""
    beside = [os.path.dirname(os.path.abspath(one.timeline.file)) for one in explained]
    return [*args.roots, os.getcwd(), *beside]


def _show_changes(
    explained: Sequence[Explained], before: Sequence[Explained], table: Table, args: argparse.Namespace
) -> None:
    from tracedbg.explain.kernels import Level, tabulate  # noqa: PLC0415  deferred: `--help` need not load it
    from tracedbg.explain.kernels.against import compare  # noqa: PLC0415  deferred: likewise
    from tracedbg.report.kernels_diff import to_text  # noqa: PLC0415  deferred: likewise
    from tracedbg.report.kernels_json import with_changes  # noqa: PLC0415  deferred: likewise

    sections: list[tuple[str, list[Change]]] = []
    old = tabulate((one for each in before for one in each.kernels), table.level)
    for level in dict.fromkeys((table.level, Level.KERNEL)):
        now = tabulate((one for each in explained for one in each.kernels), level)
        was = tabulate((one for each in before for one in each.kernels), level)
        sections.append((level.value, compare(now, was)))
    if args.json:
        _write_json(with_changes(_data(explained, table), sections), args.json)
    else:
        print(to_text(sections, table, old, style_for(sys.stdout), top=args.top), end="")


def _data(explained: Sequence[Explained], table: Table) -> dict[str, Any]:
    from tracedbg.explain.kernels.idle import idle_time  # noqa: PLC0415  deferred: `--help` need not load it
    from tracedbg.report.kernels_json import to_json  # noqa: PLC0415  deferred: likewise

    return to_json(explained, table, [idle_time(one) for one in explained])


def _write_json(data: dict[str, Any], file: str) -> None:
    import json  # noqa: PLC0415  deferred: `--help` need not load it

    text = json.dumps(data, indent=1) + "\n"
    if file == _STDOUT:
        print(text, end="")
        return
    with open_output(file) as stream:
        stream.write(text)


def _text_of(file: str) -> str:
    try:
        with open(file, encoding="utf-8", errors="replace") as opened:
            return opened.read()
    except OSError as error:
        raise UsageError(f"--annotate: cannot read {file}: {error.strerror or error}") from error

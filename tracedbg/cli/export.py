"""`tracedbg export`: kernels and ops with their lines, traces and stops, for other tools.

It knows no format.
"""

from __future__ import annotations

import os
import re
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from tracedbg.cli.kernels import add_view_options, explain_file, read_file, view_of
from tracedbg.cli.output import check_writable, complain
from tracedbg.cli.progress import working
from tracedbg.errors import UsageError
from tracedbg.store.run import RUN_FILE, find_run

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from tracedbg.cli.parser import Parser
    from tracedbg.explain.kernels import Explained
    from tracedbg.report.kernel_export.slices import AnyTrack
    from tracedbg.report.kernel_export.stacks import Flames

FORMATS = {
    "perfetto": ("perfetto:write", ".pftrace"),
    "chrome": ("chrome:write", ".chrome.json"),
    "speedscope": ("stacks:write_speedscope", ".speedscope.json"),
    "collapsed": ("stacks:write_collapsed", ".collapsed.txt"),
    "parquet": ("parquet:write", ".parquet"),
}
"""Name -> its writer below `tracedbg.report.kernel_export`, and how its files end."""
TIMELINES = frozenset(("perfetto", "chrome"))
"""Those that have room for traces, their phases and stops as well; a flame graph is of kernel time alone."""
FLAMES = frozenset(("speedscope", "collapsed"))
"""Those that can show samples, of a run without kernels."""
DATASET_ENDING = ".dataset"
"""How the folder ends in which `parquet` has the tables of runs."""
_RUN_ID = re.compile(r"\d{8}-\d")


class Export:
    """Writes kernels, ops, traces, phases and stops with their source lines as arguments."""

    name: ClassVar[str] = "export"
    help: ClassVar[str] = "write a run, or a profiler's kernels, with their lines, for another tool"

    def configure(self, parser: Parser) -> None:
        """Which files, and in what format."""
        parser.add_argument(
            "traces",
            metavar="RUN|TRACE",
            nargs="+",
            help="folder or id of a run: its kernels, ops, traces, phases and stops; or a file as for"
            " `tracedbg kernels`",
        )
        parser.add_argument("--format", choices=FORMATS, required=True, help="of which tool")
        parser.add_argument(
            "--output",
            metavar="FILE",
            help="write to FILE; with parquet and runs, a folder, to which further runs can be added"
            " (default: beside the first one, by its name)",
        )
        add_view_options(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Write one file, and say where."""
        target, ending = FORMATS[args.format]
        files = [_run_folder(name) or name for name in args.traces]
        if args.format == "parquet" and any(map(_run_folder, files)):
            return _write_dataset(files, args)
        output = args.output or files[0].rstrip(os.sep) + ending
        check_writable(output, "--output")
        if any(os.path.exists(file) and os.path.realpath(file) == os.path.realpath(output) for file in files):
            raise UsageError(f"--output {output}: that is the trace itself")
        explained, tracks = _read(files, args)
        more: list[Any] = list(tracks or [])
        if tracks is not None and args.format not in TIMELINES:
            has_kernels = any(one.kernels for one in explained)
            more = _samples(files) if args.format in FLAMES and not has_kernels else []
            if not has_kernels and not more:
                samples = " and no samples" if args.format in FLAMES else ""
                raise UsageError(
                    f"{files[0]} has no kernels{samples} for {args.format}: record them with"
                    " tracedbg run --kernels, or write its traces with --format perfetto"
                )
        module, _, function = target.partition(":")
        write: Any = getattr(import_module(f"tracedbg.report.kernel_export.{module}"), function)
        try:
            with open(output + ".new", "wb") as stream:
                write(explained, stream, *([more] if args.format in TIMELINES | FLAMES else []))
            os.replace(output + ".new", output)
        except OSError as error:
            raise UsageError(f"cannot write {output}: {error.strerror or error}") from error
        finally:
            if os.path.exists(output + ".new"):
                os.unlink(output + ".new")
        print(output)
        return 0


def _write_dataset(files: Sequence[str], args: argparse.Namespace) -> int:
    """Write the tables of runs, and say where."""
    from tracedbg.fleet.export import export  # noqa: PLC0415  deferred: `--help` need not load it

    traces = [file for file in files if not _run_folder(file)]
    if traces:
        raise UsageError(f"{traces[0]} is no run: write kernels of files and tables of runs apart")
    for option in ("captures", "provenances", "source"):
        if getattr(args, option):
            name = option.removesuffix("s")
            raise UsageError(f"--{name} does nothing for a run: it is for a profiler's file")
    output: str = args.output or files[0].rstrip(os.sep) + DATASET_ENDING
    folder = os.path.dirname(os.path.abspath(output))
    if not os.path.isdir(folder):
        raise UsageError(f"--output {output}: there is no folder {folder}")
    done = [0, 0]

    def tell(*numbers: int) -> None:
        done[:] = numbers

    with working(lambda: f"writing {output}: {done[0]} of {done[1]} processes"):
        written = export(files, output, view_of(args), tell)
    for reason in written.left_out:
        complain(f"warning: left out: {reason}")
    print(output)
    return 0


def _run_folder(name: str) -> str | None:
    """The folder of a run; None for a file."""
    if os.path.isdir(name):
        return name if os.path.exists(os.path.join(name, RUN_FILE)) else None
    return find_run(name) if _RUN_ID.match(name) and not os.path.exists(name) else None


def _samples(files: Sequence[str]) -> list[Flames]:
    """What was sampled in those of the files that are runs."""
    from tracedbg.report.kernel_export.stacks import of_samples  # noqa: PLC0415  deferred: as its format is
    from tracedbg.store.reader import Run  # noqa: PLC0415  deferred: `--help` need not load it

    found: list[Flames] = []
    for file in files:
        if os.path.isdir(file) and _run_folder(file):
            with Run.open(file) as run:
                found += of_samples(run)
    return found


def _read(files: Sequence[str], args: argparse.Namespace) -> tuple[list[Explained], list[AnyTrack] | None]:
    """Kernels with their lines; and the tracks of traces, stops and ops, None if no file is a run."""
    from tracedbg.report.kernel_export import recorded  # noqa: PLC0415  deferred: `--help` need not load it
    from tracedbg.report.kernel_export.ops import ops_of  # noqa: PLC0415  deferred: likewise
    from tracedbg.store.reader import Run  # noqa: PLC0415  deferred: likewise

    view = view_of(args)
    captures = [read_file(file, args.source) for file in args.captures]
    explained: list[Explained] = []
    more: list[AnyTrack] | None = None
    for file in files:
        if os.path.isdir(file) and _run_folder(file):
            with Run.open(file) as run:
                explained += recorded.kernels_of(run, view)
                tracks: Sequence[AnyTrack] = (*recorded.traces_of(run), *recorded.stops_of(run), *ops_of(run))
                more = [*(more or []), *tracks]
        else:
            explained.append(explain_file(file, args, view, captures))
    return explained, more

"""`tracedbg export`: kernels with their lines, and traces, for other tools. It knows no format."""

from __future__ import annotations

import os
import re
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from tracedbg.cli.kernels import add_view_options, explain_file, read_file, view_of
from tracedbg.cli.output import check_writable
from tracedbg.errors import UsageError
from tracedbg.store.run import RUN_FILE, find_run

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from tracedbg.cli.parser import Parser
    from tracedbg.explain.kernels import Explained
    from tracedbg.report.kernel_export.slices import Track

FORMATS = {
    "perfetto": ("perfetto:write", ".pftrace"),
    "chrome": ("chrome:write", ".chrome.json"),
    "speedscope": ("stacks:write_speedscope", ".speedscope.json"),
    "collapsed": ("stacks:write_collapsed", ".collapsed.txt"),
    "parquet": ("parquet:write", ".parquet"),
}
"""Name -> its writer below `tracedbg.report.kernel_export`, and how its files end."""
TIMELINES = frozenset(("perfetto", "chrome"))
"""Those that can show traces and their phases as well."""
_RUN_ID = re.compile(r"\d{8}-\d")


class Export:
    """Writes kernels, ops, traces and phases with their source lines as arguments."""

    name: ClassVar[str] = "export"
    help: ClassVar[str] = "write a run, or a profiler's kernels, with their lines, for another tool"

    def configure(self, parser: Parser) -> None:
        """Which files, and in what format."""
        parser.add_argument(
            "traces",
            metavar="RUN|TRACE",
            nargs="+",
            help="folder or id of a run: its kernels, traces and phases; or a file as for `tracedbg kernels`",
        )
        parser.add_argument("--format", choices=FORMATS, required=True, help="of which tool")
        parser.add_argument(
            "--output",
            metavar="FILE",
            help="write to FILE (default: beside the first one, by its name)",
        )
        add_view_options(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Write one file, and say where."""
        target, ending = FORMATS[args.format]
        files = [_run_folder(name) or name for name in args.traces]
        output = args.output or files[0].rstrip(os.sep) + ending
        check_writable(output, "--output")
        if any(os.path.exists(file) and os.path.realpath(file) == os.path.realpath(output) for file in files):
            raise UsageError(f"--output {output}: that is the trace itself")
        explained, more = _read(files, args)
        if more is None:
            more = []
        elif args.format not in TIMELINES and not any(one.kernels for one in explained):
            raise UsageError(
                f"{files[0]} has no kernels for {args.format}: record them with tracedbg run --kernels,"
                " or write its traces with --format perfetto"
            )
        module, _, function = target.partition(":")
        write: Any = getattr(import_module(f"tracedbg.report.kernel_export.{module}"), function)
        try:
            with open(output + ".new", "wb") as stream:
                write(explained, stream, *([more] if args.format in TIMELINES else []))
            os.replace(output + ".new", output)
        except OSError as error:
            raise UsageError(f"cannot write {output}: {error.strerror or error}") from error
        finally:
            if os.path.exists(output + ".new"):
                os.unlink(output + ".new")
        print(output)
        return 0


def _run_folder(name: str) -> str | None:
    """The folder of a run; None for a file."""
    if os.path.isdir(name):
        return name if os.path.exists(os.path.join(name, RUN_FILE)) else None
    return find_run(name) if _RUN_ID.match(name) and not os.path.exists(name) else None


def _read(files: Sequence[str], args: argparse.Namespace) -> tuple[list[Explained], list[Track] | None]:
    """Kernels with their lines; and the tracks of traces, None if no file is a run."""
    from tracedbg.report.kernel_export import recorded  # noqa: PLC0415  deferred: `--help` need not load it
    from tracedbg.store.reader import Run  # noqa: PLC0415  deferred: likewise

    view = view_of(args)
    captures = [read_file(file, args.source) for file in args.captures]
    explained: list[Explained] = []
    more: list[Track] | None = None
    for file in files:
        if os.path.isdir(file) and _run_folder(file):
            with Run.open(file) as run:
                explained += recorded.kernels_of(run, view)
                more = [*(more or []), *recorded.traces_of(run)]
        else:
            explained.append(explain_file(file, args, view, captures))
    return explained, more

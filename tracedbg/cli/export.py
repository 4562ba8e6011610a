"""`tracedbg export`: kernels of a profiler's file, with their lines, for other tools. It knows no format."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from tracedbg.cli.kernels import add_view_options, explain_file, read_file, view_of
from tracedbg.cli.output import check_writable
from tracedbg.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from tracedbg.cli.parser import Parser

FORMATS = {
    "perfetto": ("perfetto:write", ".pftrace"),
    "chrome": ("chrome:write", ".chrome.json"),
    "speedscope": ("stacks:write_speedscope", ".speedscope.json"),
    "collapsed": ("stacks:write_collapsed", ".collapsed.txt"),
    "parquet": ("parquet:write", ".parquet"),
}
"""Name -> its writer below `tracedbg.report.kernel_export`, and how its files end."""


class Export:
    """Writes kernels and ops with their source lines as arguments."""

    name: ClassVar[str] = "export"
    help: ClassVar[str] = "write the kernels of a profiler's file, with their lines, for another tool"

    def configure(self, parser: Parser) -> None:
        """Which files, and in what format."""
        parser.add_argument("traces", metavar="TRACE", nargs="+", help="as for `tracedbg kernels`")
        parser.add_argument("--format", choices=FORMATS, required=True, help="of which tool")
        parser.add_argument(
            "--output", metavar="FILE", help="write to FILE (default: beside the first TRACE, by its name)"
        )
        add_view_options(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Write one file, and say where."""
        target, ending = FORMATS[args.format]
        output = args.output or args.traces[0] + ending
        check_writable(output, "--output")
        if any(
            os.path.exists(trace) and os.path.realpath(trace) == os.path.realpath(output)
            for trace in args.traces
        ):
            raise UsageError(f"--output {output}: that is the trace itself")
        view = view_of(args)
        captures = [read_file(file, args.source) for file in args.captures]
        explained = [explain_file(file, args, view, captures) for file in args.traces]
        module, _, function = target.partition(":")
        write: Any = getattr(import_module(f"tracedbg.report.kernel_export.{module}"), function)
        try:
            with open(output + ".new", "wb") as stream:
                write(explained, stream)
            os.replace(output + ".new", output)
        except OSError as error:
            raise UsageError(f"cannot write {output}: {error.strerror or error}") from error
        finally:
            if os.path.exists(output + ".new"):
                os.unlink(output + ".new")
        print(output)
        return 0

"""`tracedbg report`: a recorded run once more, as text or JSON. It must not know what a report says."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, ClassVar, TextIO

from tracedbg.cli.output import check_writable, open_output, report_as_json, show_report

if TYPE_CHECKING:
    import argparse

    from tracedbg.cli.parser import Parser
    from tracedbg.explain import Summary


class Report:
    """Shows the report of a run that was recorded, or is being recorded."""

    name: ClassVar[str] = "report"
    help: ClassVar[str] = "show the report of a recorded run"

    def configure(self, parser: Parser) -> None:
        """Which run, and in what form."""
        parser.take_run()
        parser.add_argument(
            "--format", choices=("text", "json"), default="text", help="for a person or for a program"
        )
        parser.add_argument("--output", metavar="FILE", help="write to FILE instead of stdout")

    def run(self, args: argparse.Namespace) -> int:
        """Write the report to stdout or a file."""
        from tracedbg.explain import summarise  # noqa: PLC0415  deferred: `--help` need not load it
        from tracedbg.store.reader import Run  # noqa: PLC0415  deferred: likewise
        from tracedbg.store.run import find_run  # noqa: PLC0415  deferred: likewise

        if args.output:
            check_writable(args.output, "--output")
        with Run.open(find_run(args.run)) as recording:
            summary = summarise(recording)
        if not args.output:
            _write(summary, args.format, sys.stdout)
        else:
            with open_output(args.output) as stream:
                _write(summary, args.format, stream)
        return 0


def _write(summary: Summary, form: str, stream: TextIO) -> None:
    if form == "json":
        stream.write(report_as_json(summary))
    else:
        show_report(summary, stream)

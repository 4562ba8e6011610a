"""`tracedbg diff`: how one run differs from another, for people and for CI. It must not know what differs."""

from __future__ import annotations

import math
import os
import sys
from typing import TYPE_CHECKING, ClassVar, TextIO

from tracedbg.cli.output import check_writable, open_output, show_comparison
from tracedbg.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from tracedbg.cli.parser import Parser
    from tracedbg.explain import Summary
    from tracedbg.explain.comparison import Comparison

WORSE = 1
_TOLERANCE_PERCENT = 25.0


class Diff:
    """Compares two runs, or reports that were kept of them."""

    name: ClassVar[str] = "diff"
    help: ClassVar[str] = "compare two runs; exit code 1 if the second is worse"

    def configure(self, parser: Parser) -> None:
        """Which runs, and what counts."""
        which = "a recorded run, or a report of one as JSON"
        parser.add_argument("run_a", metavar="RUN_A", help=f"what to compare with: {which}")
        parser.add_argument(
            "run_b", metavar="RUN_B", nargs="?", help="what is judged, likewise (default: the latest run)"
        )
        parser.add_argument(
            "--format", choices=("text", "json"), default="text", help="for a person or for a program"
        )
        parser.add_argument(
            "--tolerance",
            metavar="PCT",
            type=_percent,
            default=_TOLERANCE_PERCENT,
            help="by how much longer tracing may take (default: %(default)g)",
        )
        parser.add_argument(
            "--fail-on-cost", action="store_true", help="tracing that takes longer is worse, too"
        )
        parser.add_argument("--output", metavar="FILE", help="write to FILE instead of stdout")

    def run(self, args: argparse.Namespace) -> int:
        """Write what differs to stdout or a file."""
        from tracedbg.explain.compare import compare  # noqa: PLC0415  deferred: `--help` need not load it

        if args.output:
            check_writable(args.output, "--output")
        a, b = _summary(args.run_a), _summary(args.run_b)
        comparison = compare(a, b, tolerance=args.tolerance / 100, fail_on_cost=args.fail_on_cost)
        if not args.output:
            _write(comparison, args.format, sys.stdout)
        else:
            with open_output(args.output) as stream:
                _write(comparison, args.format, stream)
        return WORSE if comparison.worse else 0


def _percent(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < math.inf:
        raise UsageError(f"--tolerance {text}: it must be a number of percent, 0 or more")
    return number


def _summary(name: str | None) -> Summary:
    """What came of a run: read from its recording, or from the report in a file."""
    from tracedbg.explain import summarise  # noqa: PLC0415  deferred: `--help` need not load it
    from tracedbg.report.read import read_report  # noqa: PLC0415  deferred: likewise
    from tracedbg.store.reader import Run  # noqa: PLC0415  deferred: likewise
    from tracedbg.store.run import find_run  # noqa: PLC0415  deferred: likewise

    if name is not None and not os.path.isdir(name) and (os.path.exists(name) or name.endswith(".json")):
        return read_report(name)
    with Run.open(find_run(name)) as recording:
        return summarise(recording)


def _write(comparison: Comparison, form: str, stream: TextIO) -> None:
    if form == "json":
        import json  # noqa: PLC0415  deferred: `--help` need not load it

        from tracedbg.report.diff_json import to_json  # noqa: PLC0415  deferred: likewise

        stream.write(json.dumps(to_json(comparison), indent=1) + "\n")
    else:
        show_comparison(comparison, stream)

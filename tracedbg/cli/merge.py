"""`tracedbg merge`: runs that were recorded on several machines, as one. It must not know what of."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, ClassVar

from tracedbg.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from tracedbg.cli.parser import Parser


class Merge:
    """Joins runs into a new one."""

    name: ClassVar[str] = "merge"
    help: ClassVar[str] = "join the parts of a run that several machines have recorded apart"

    def configure(self, parser: Parser) -> None:
        """Which runs, and where to."""
        parser.add_argument(
            "runs",
            metavar="RUN",
            nargs="+",
            help="folder, id, or the beginning of an id below .tracedbg; two or more",
        )
        parser.add_argument(
            "--out", metavar="DIR", help="the new run (default: .tracedbg/<time>); the parts stay as they are"
        )

    def run(self, args: argparse.Namespace) -> int:
        """Join them, and print the folder."""
        from tracedbg.store.merging import merge_runs  # noqa: PLC0415  deferred: `--help` need not load it
        from tracedbg.store.run import find_run  # noqa: PLC0415  deferred: likewise

        if len(args.runs) == 1:
            raise UsageError(f"nothing to join {args.runs[0]} with: name two or more runs")
        folders = [find_run(name) for name in args.runs]
        for at, folder in enumerate(folders):
            if any(os.path.realpath(folder) == os.path.realpath(other) for other in folders[:at]):
                raise UsageError(f"{args.runs[at]} is named twice")
        print(merge_runs(folders, args.out).path)
        return 0

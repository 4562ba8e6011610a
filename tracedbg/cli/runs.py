"""`tracedbg runs`: the runs below a folder, the newest last. It must not know what was recorded."""

from __future__ import annotations

import os
import shlex
import time
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    import argparse

    from tracedbg.cli.parser import Parser

_HEADER = ("id", "started", "exit", "seconds", "traces", "retraces", "program")
_RIGHT = {"exit", "seconds", "traces", "retraces"}


class Runs:
    """Lists runs, also those under way and those that cannot be read."""

    name: ClassVar[str] = "runs"
    help: ClassVar[str] = "list the recorded runs"

    def configure(self, parser: Parser) -> None:
        """Which folder."""
        parser.add_argument(
            "folder", metavar="DIR", nargs="?", help="folder of the runs (default: .tracedbg here)"
        )

    def run(self, args: argparse.Namespace) -> int:
        """Print a table."""
        from tracedbg.errors import UsageError  # noqa: PLC0415  deferred with the store
        from tracedbg.store.run import HOME, list_runs  # noqa: PLC0415  deferred: `--help` need not load it

        home = args.folder or HOME
        if args.folder and not os.path.isdir(args.folder):
            raise UsageError(f"no such folder: {args.folder}")
        folders = list_runs(home)
        if not folders:
            print(f"no run in {os.path.abspath(home)} yet; make one with tracedbg run SCRIPT")
            return 0
        _print_table([_HEADER, *map(_row, folders)])
        return 0


def _row(folder: str) -> tuple[str, ...]:
    from tracedbg.errors import RunError  # noqa: PLC0415  deferred with the store
    from tracedbg.explain import summarise  # noqa: PLC0415  deferred: `--help` need not load it
    from tracedbg.store.reader import Run  # noqa: PLC0415  deferred: likewise

    name = os.path.basename(folder)
    try:
        with Run.open(folder) as recording:
            info = recording.info
            functions = summarise(recording, traces_alone=True).functions
    except RunError as error:
        return (name, "", "", "", "", "", f"cannot be read: {error}")
    return (
        name,
        time.strftime("%Y-%m-%d %H:%M", time.localtime(info.started_wall_ns / 1e9)),
        "-" if info.exit_code is None else str(info.exit_code),
        "-" if info.wall_ns is None else f"{info.wall_ns / 1e9:.1f}",
        str(sum(function.traces for function in functions)),
        str(sum(function.retraces for function in functions)),
        shlex.join(info.argv),
    )


def _print_table(rows: list[tuple[str, ...]]) -> None:
    *aligned, _ = zip(*rows, strict=True)  # the last column is as long as it likes
    widths = [max(map(len, column)) for column in aligned]
    for row in rows:
        cells = [
            cell.rjust(width) if head in _RIGHT else cell.ljust(width)
            for head, cell, width in zip(_HEADER, row, widths, strict=False)
        ]
        print("  ".join([*cells, row[-1]]).rstrip())

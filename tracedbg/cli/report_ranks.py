"""`tracedbg report --ranks`: how the ranks of a run differ. It must not know what that says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.cli.output import dump_json, style_for, write_text

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from typing import TextIO

    from tracedbg.store.reader import Run


def ranks_writer(recording: Run, args: argparse.Namespace) -> Callable[[TextIO], None]:
    """What writes how the ranks differ."""
    from tracedbg.explain.ranks.compare import compare_ranks  # noqa: PLC0415  deferred: `--help` need not load it
    from tracedbg.report.ranks.json import ranks_data  # noqa: PLC0415  deferred: likewise
    from tracedbg.report.ranks.text import to_text  # noqa: PLC0415  deferred: likewise

    report = compare_ranks(recording.info, recording.processes)
    if args.format == "json":
        data = dump_json(ranks_data(report))
        return lambda stream: write_text(stream, data)
    if args.format == "html":
        from tracedbg.report.html.report import ranks_to_html  # noqa: PLC0415  deferred: likewise

        page = ranks_to_html(report, [process.info for process in recording.processes])
        return lambda stream: write_text(stream, page)
    return lambda stream: write_text(stream, to_text(report, style_for(stream)))

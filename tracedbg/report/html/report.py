"""The report of a run as one page, from the same summary as the text and the JSON. It knows no store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.report.html.autograph import autograph
from tracedbg.report.html.causes import breaks, causes, eager, stale
from tracedbg.report.html.excerpts import Excerpts
from tracedbg.report.html.functions import functions
from tracedbg.report.html.kernels import kernels
from tracedbg.report.html.markup import element
from tracedbg.report.html.ops import ops, steps, syncs
from tracedbg.report.html.overview import faults, header, overview, title_of
from tracedbg.report.html.page import page
from tracedbg.report.html.parts import Look, Section
from tracedbg.report.html.ranks import processes, ranks
from tracedbg.report.html.wall_time import native, wall_time
from tracedbg.report.style import Style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.explain.detail import Detail
    from tracedbg.explain.ranks.model import RankReport
    from tracedbg.store.records import ProcessInfo
    from tracedbg.store.run_info import RunInfo


def to_html(detail: Detail, *, folder: str = "") -> str:
    """The whole page.

    Args:
        detail: the run.
        folder: paths below it are shown relative to it; the one that the program was started in by default.
    """
    summary = detail.summary
    look = _look(summary.run, folder)
    found = (
        overview(detail, look),
        functions(summary, look),
        ranks(detail.ranks, look),
        causes(summary, look),
        stale(summary, look),
        eager(summary, look),
        breaks(summary, look),
        steps(summary, look),
        autograph(detail, look),
        wall_time(detail, look),
        kernels(summary, look),
        ops(summary, look),
        syncs(summary, look),
        native(summary, look),
        processes(summary, look),
        faults(summary, look),
    )
    return page(
        title_of(summary.run),
        header(summary.run, summary.processes),
        [section for section in found if section is not None],
    )


def ranks_to_html(report: RankReport, infos: Sequence[ProcessInfo]) -> str:
    """A page on how the ranks differ alone.

    Args:
        report: how they do.
        infos: the processes of the run.
    """
    found = ranks(report, _look(report.run, ""))
    if found is None:
        words = "No process of this run says which rank of a distributed job it is."
        found = Section("ranks", "Ranks", (element("p", words),))
    return page(title_of(report.run), header(report.run, infos), [found])


def _look(run: RunInfo, folder: str) -> Look:
    excerpts = Excerpts(run.started_wall_ns, run.cwd, are_wanted=not run.redacted)
    return Look(Style(folder=folder or run.cwd), excerpts)

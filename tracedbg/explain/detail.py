"""A run in full: its summary, and what is too long for that. Data only, ready to be shown.

It must not know how it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracedbg.explain.conversions import converted_code
from tracedbg.explain.flame import flames_of
from tracedbg.explain.ranks.compare import compare_ranks

if TYPE_CHECKING:
    from tracedbg.explain.conversions import ConvertedCode
    from tracedbg.explain.flame import Flame
    from tracedbg.explain.ranks.model import RankReport
    from tracedbg.explain.summary import Summary
    from tracedbg.store.reader import Run


@dataclass(frozen=True)
class Detail:
    """A run in full."""

    summary: Summary
    flames: tuple[Flame, ...] = ()
    """Where the wall time went by stack, of the first processes that were sampled."""
    code: tuple[ConvertedCode, ...] = ()
    """What AutoGraph made of functions."""
    ranks: RankReport | None = None
    """How the ranks differ; None where there are none."""


def detail_of(run: Run, summary: Summary) -> Detail:
    """All of it.

    Args:
        run: the recording; it is open.
        summary: what it comes to.
    """
    has_ranks = any(process.is_rank for process in summary.processes)
    return Detail(
        summary,
        flames=flames_of(run),
        code=converted_code(one for process in run.processes for one in process.conversions()),
        ranks=compare_ranks(run.info, run.processes) if has_ranks else None,
    )

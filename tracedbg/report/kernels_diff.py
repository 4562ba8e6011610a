"""How the kernel time of two recordings differs, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.explain.kernels.against import Verdict
from tracedbg.report.kernel_places import label
from tracedbg.report.kernels import milliseconds
from tracedbg.report.style import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.explain.kernels.against import Change
    from tracedbg.explain.kernels.table import Table
    from tracedbg.report.style import Style

_COLOURS = {Verdict.NEW: "red", Verdict.SLOWER: "red", Verdict.FASTER: "green", Verdict.GONE: "green"}


def to_text(
    sections: Sequence[tuple[str, Sequence[Change]]], after: Table, before: Table, style: Style, *, top: int
) -> str:
    """What got slower or new, faster or gone.

    Args:
        sections: a noun (`line`) and its changes, for each level.
        after: the recording that is judged.
        before: what it is compared with.
        style: how it looks.
        top: how many rows of each section.
    """
    delta_ns = after.total_ns - before.total_ns
    share = f" ({delta_ns / before.total_ns:+.1%})" if before.total_ns else ""
    words = (
        f"{milliseconds(before.total_ns)} ms {style.glyphs.arrow} {milliseconds(after.total_ns)} ms{share},"
        f" {count(before.count, 'kernel')} {style.glyphs.arrow} {after.count}"
    )
    lines = style.wrap(f"tracedbg: {words}", 0)
    for noun, changes in sections:
        lines += ["", *_section(noun, changes, style, top)]
    return "\n".join(lines) + "\n"


def _section(noun: str, changes: Sequence[Change], style: Style, top: int) -> list[str]:
    changed = [change for change in changes if change.verdict is not Verdict.SAME]
    if not changed:
        return [f"no {noun} has changed by over 5%"]
    head = f"{'change':>8}  {'before':>7}  {'after':>7}  {'count':>13}  {'each':>6}  {'':6}  "
    shown = sorted(changed, key=lambda change: -abs(change.delta_ns))[:top]
    lines = [style.paint(f"{head}{noun}", "dim")]
    for change in sorted(shown, key=lambda one: -one.delta_ns):
        sign = "+" if change.delta_ns >= 0 else "-"
        counts = f"{change.before_count}{style.glyphs.arrow}{change.after_count}"
        ratio = change.ratio_per_kernel
        each = "" if ratio is None else f"x{ratio:.2f}"
        verdict = style.paint(f"{change.verdict.value:6}", _COLOURS[change.verdict])
        lines.append(
            f"{sign + milliseconds(abs(change.delta_ns)):>8}  {milliseconds(change.before_ns):>7}"
            f"  {milliseconds(change.after_ns):>7}  {counts:>13}  {each:>6}  {verdict}  "
            f"{label(change.place, style, style.width - len(head))}"
        )
    if len(changed) > len(shown):
        lines.append(style.paint(f"and {count(len(changed) - len(shown), f'more {noun}')} (--top)", "dim"))
    return lines

"""What the sizes of ops say: whether to call them costs more than what they compute."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracedbg.explain.op_totals import KindTotal

SMALL_NS = 10_000
"""An op of a CPU that is done sooner has spent most of that on being called."""
_LEAST_COUNT = 1_000
_MOST = 0.5
"""What part of the time in ops the small ones must take."""
_LEAST_OF_WALL = 0.05
_LEAST_NS = 100_000_000
"""The same where it is not known how long the program ran."""
_FUSE = {
    "torch": "torch.compile makes one of many, and larger batches need fewer",
    "tensorflow": "tf.function runs many as one graph, and jit_compile=True makes one of many",
}


def small_ops(totals: Iterable[KindTotal], wall_ns: int | None) -> str:
    """A sentence where most of the time went to eager ops that are too small to be worth a call; or nothing.

    Only ops that were called by the user's own code count, each with the ops that it called; those that wait
    for a device do not: their time is no cost of a call.

    Args:
        totals: of the whole run.
        wall_ns: how long it ran.
    """
    all_ns = small_ns = small_count = 0
    times: dict[str, int] = {}
    for one in totals:
        if not one.kind.is_outer or one.kind.sync or one.kind.is_traced:
            continue
        all_ns += one.duration_ns
        if one.count and one.duration_ns / one.count < SMALL_NS:
            small_ns += one.duration_ns
            small_count += one.count
            times[one.kind.framework] = times.get(one.kind.framework, 0) + one.duration_ns
    least_ns = _LEAST_OF_WALL * wall_ns if wall_ns else _LEAST_NS
    if small_count < _LEAST_COUNT or small_ns < _MOST * all_ns or small_ns < least_ns:
        return ""
    mean_us = small_ns / small_count / 1000
    how = _FUSE.get(max(times, key=lambda name: times[name]), "")
    return (
        f"{small_ns / all_ns:.0%} of the time in eager ops is in {small_count} small ones, {mean_us:.1f} us"
        f" each: that is mostly the cost of calling them{f'; {how}' if how else ''}"
    )

"""What to change where ranks trace at different times, beside what mends the cause itself.

What it says of torch was seen on torch 2.13 with gloo: `tests/end_to_end/test_ranks.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.events import Framework

if TYPE_CHECKING:
    from collections.abc import Collection

_TOGETHER = (
    "until that is mended, let all ranks compile at once instead of one after the other:"
    " torch.compiler.set_enable_guard_collectives(True) costs a collective at each call"
)
_BEFORE = "trace each kind of input on all ranks before the loop, then let them wait for each other once"
_CACHE = "give all ranks the same compiler cache, or compile on all of them before the loop, then a barrier"


def advise(kind: str, framework: Framework, caches: Collection[str]) -> str:
    """What keeps the others from waiting; empty where nothing is known.

    Args:
        kind: one of `ranks.ODD`.
        framework: whose trace it is.
        caches: what compiler caches said on these ranks alone.
    """
    if kind == "slow":
        return _CACHE if any("miss" in name for name in caches) else ""
    if kind == "outcome":
        return ""
    return _TOGETHER if framework is Framework.TORCH_COMPILE else _BEFORE

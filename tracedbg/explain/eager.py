"""Why calls of a function run eager, since which call, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.explain import guards, messages
from tracedbg.explain.summary import CallCounts, SilentEager

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.events import Calls, Fallback

LIMITS = ("recompile_limit", "accumulated_limit")
_ASKED_FOR = ("forced",)
"""These run eager even where the user wants an error for what cannot be compiled."""
_LIMIT = "remove the causes of its retraces; a higher torch._dynamo.config.recompile_limit has room for more"
ADVICE = {
    "recompile_limit": _LIMIT,
    "accumulated_limit": _LIMIT.replace("config.", "config.accumulated_"),
    "skipped": "make the first call one that computes with tensors: a function is judged by that",
    "dispatch_mode": (
        "call it outside the mode, or give the mode a classmethod `ignore_compile_internals` returning True"
    ),
    "with_block": "move what breaks the graph out of the `with` block, or the block into its own function",
    "disabled": "none needed if that is meant",
    "unsupported": "move what cannot be compiled into a function of its own, and compile what calls it",
    "forced": "none needed if that is meant",
    "run_functions_eagerly": "take tf.config.run_functions_eagerly(True) out: it is there for debugging",
    "unconverted": "define it in a file, as AutoGraph reads its source; or write its conditions as tf.cond",
}
"""What to change, by the kind of `Fallback`."""


def count_calls(calls: Sequence[Calls]) -> CallCounts:
    """Those of all function objects and processes together."""
    return CallCounts(_sum([one.compiled for one in calls]), _sum([one.eager for one in calls]))


def _sum(numbers: Sequence[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known and len(known) == len(numbers) else None


def silent_eager(
    fallbacks: Sequence[Fallback], calls: Sequence[Calls], *, raises: bool
) -> SilentEager | None:
    """What to say of a function; None where all of its calls ran compiled, or raised.

    Args:
        fallbacks: the framework's decisions. The first tells why: what comes after it follows from it.
        calls: of the same function.
        raises: whether the user asked for an error rather than for eager calls.
    """
    fallbacks = [found for found in fallbacks if not raises or found.kind in _ASKED_FOR]
    firsts = [one.first_eager_call for one in calls if one.first_eager_call is not None]
    is_compiled = bool(calls) and not firsts and all(one.eager == 0 for one in calls)
    if not fallbacks or is_compiled:
        return None
    chosen = next((found for found in fallbacks if found.kind in LIMITS), fallbacks[0])
    since = min(firsts, default=None)
    return SilentEager(chosen.kind, _reason(chosen), since, len(fallbacks), ADVICE.get(chosen.kind, ""))


def _reason(fallback: Fallback) -> str:
    """The framework's reason; for a limit also what used it up."""
    if fallback.kind not in LIMITS or not fallback.guard_failures:
        return fallback.reason.strip().partition("\n")[0]
    graphs = len({failure.entry for failure in fallback.guard_failures})
    cached = f"{graphs} graph{'' if graphs == 1 else 's'} cached"
    name = fallback.kind.replace("_", " ")
    last = "; ".join(map(messages.sentence, guards.nearest(fallback.guard_failures)))
    return f"{name} reached with {cached}: {last}"

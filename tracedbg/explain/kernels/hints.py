"""What a user could do to see more of their lines, said only where it would help."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.explain.kernels.attributed import Rule, Whose
from tracedbg.explain.kernels.infer import is_replayed

if TYPE_CHECKING:
    from tracedbg.explain.kernels.attributed import Attributed
    from tracedbg.kernels import Timeline

_MUCH = 0.05
"""The share of all kernel time from which on something is worth a word."""
_WITHOUT_STACKS = {
    "kineto": "record with torch.profiler.profile(with_stack=True)",
    "nsys": "record with nsys profile --cudabacktrace=all --python-backtrace=cuda",
}


def hints(timeline: Timeline, kernels: list[Attributed]) -> tuple[str, ...]:
    """A sentence for each thing that hides lines."""
    total_ns = sum(one.duration_ns for one in kernels)
    if not total_ns:
        return ()
    replayed_ns = sum(
        one.duration_ns for one in kernels if is_replayed(one.kernel) and one.rule is not Rule.REPLAYED
    )
    before_ns = sum(one.duration_ns for one in kernels if one.whose is Whose.BEFORE)
    no_python_ns = sum(one.duration_ns for one in kernels if one.whose in {Whose.OP, Whose.LAUNCH})
    found = []
    if replayed_ns > _MUCH * total_ns:
        found.append(
            f"{_share(replayed_ns, total_ns)} was replayed by graphs: name the trace of their capture with"
            " --capture FILE"
        )
    if before_ns > _MUCH * total_ns:
        found.append(
            f"{_share(before_ns, total_ns)} was launched before the recording began, and nothing later is"
            " like it: record more steps"
        )
    how = _WITHOUT_STACKS.get(timeline.source)
    if no_python_ns > _MUCH * total_ns and how:
        found.append(f"{_share(no_python_ns, total_ns)} has no Python stack: {how}")
    return tuple(found)


def _share(part_ns: int, total_ns: int) -> str:
    return f"{100 * part_ns / total_ns:.1f}% of the kernel time"

"""Which retraces have come to their end: docs/explanation/counting.md gives the rule.

A cause is settled if no other value of the same argument can cause another retrace: the framework
has made the trace general, or the argument can only be in two states and each has its trace, or what
changed is made once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.events import CauseKind, TensorSpec
from tracedbg.explain import sources
from tracedbg.explain.difference import SPECIALISED
from tracedbg.explain.signatures import leaves

if TYPE_CHECKING:
    from tracedbg.events import TraceEnded, TraceStarted
    from tracedbg.explain.difference import Difference

_OF_TWO_STATES = (CauseKind.NONE_VS_VALUE, CauseKind.REQUIRES_GRAD)
_VALUES = (CauseKind.PYTHON_VALUE, CauseKind.ATTRIBUTE_VALUE, CauseKind.GLOBAL_VALUE)
_ON_AND_OFF = {"True", "False"}
_NOTHING_YET = ("length 0", "empty")


def is_settled(difference: Difference, started: TraceStarted, ended: TraceEnded | None) -> bool:
    """Whether the trace that `difference` led to is the last one that it can lead to."""
    if has_two_states(difference) or is_made_once(difference, started):
        return True
    return ended is not None and difference.detail != SPECIALISED and _is_general(difference, ended)


def has_two_states(difference: Difference) -> bool:
    """Whether there is nothing else than `before` and `after`."""
    if difference.kind in _OF_TWO_STATES:
        return True
    if difference.kind in _VALUES:
        return difference.detail == "bool"
    is_switch = {difference.before, difference.after} == _ON_AND_OFF
    return difference.kind is CauseKind.GLOBAL_STATE and is_switch


def is_made_once(difference: Difference, started: TraceStarted) -> bool:
    """Whether an optimizer has made its state, in its first step."""
    is_state = difference.kind is CauseKind.STRUCTURE and difference.argument.endswith(".state")
    return is_state and difference.before in _NOTHING_YET and not started.traceable.is_user


def _is_general(difference: Difference, ended: TraceEnded) -> bool:
    """Whether the trace holds for any value of what differed."""
    if difference.kind in _VALUES:
        return difference.argument in _spoken(ended)
    if difference.kind is not CauseKind.SHAPE or not difference.dims:
        return False
    if ended.traced_signature is not None:
        spec = dict(leaves(ended.traced_signature)).get(difference.argument)
        return isinstance(spec, TensorSpec) and (
            spec.shape is None or all(spec.shape[dim] is None for dim in difference.dims)
        )
    return {f"{difference.argument}.size({dim})" for dim in difference.dims} <= _spoken(ended)


def _spoken(ended: TraceEnded) -> set[str]:
    """What the trace left open, as the user wrote it."""
    return {source.text for text in ended.symbolic if (source := sources.parse(text))}

"""Says in a sentence where two graphs part, and what to do if such code is to be compiled."""

from __future__ import annotations

import os
from itertools import zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracedbg.events import OpSite
    from tracedbg.explain.deciding import Decision
    from tracedbg.explain.graph_difference import Difference

_FEW = 6
"""Numbers that are named one by one."""
_TAPE = "tape"
_BRANCH = {
    False: "if it is to be compiled: a Python branch is a retrace for each side, or a graph break where a"
    " tensor decides; torch.where or torch.cond keep both sides in one graph",
    True: "if it is to be a tf.function: a Python branch is a retrace for each side; AutoGraph makes a"
    " tf.cond of it where a tensor decides, and tf.where keeps both sides in one graph",
}
_LOOP = {
    False: "if it is to be compiled: each number of turns is another trace; pad to a few lengths and mask the"
    " rest, or use torch.while_loop, or one op over the whole sequence",
    True: "if it is to be a tf.function: each number of turns is another trace; loop over a tensor, such as"
    " tf.range(n), or pad to a few lengths",
}
_INPUTS = {
    False: "if it is to be compiled: each way to join the ops is another trace; look for a Python value or a"
    " requires_grad that decides which tensors meet here",
    True: "if it is to be a tf.function: each way to join the ops is another trace; look for a Python value"
    " that decides which tensors meet here",
}
_ADVICE = {"other": _BRANCH, "extra": _BRANCH, "turns": _LOOP, "inputs": _INPUTS}


def advise(kind: str, steps: str) -> str:
    """What to do about a difference of that kind, in steps of that kind; empty where nothing is known."""
    words = _ADVICE.get(kind)
    return words[steps == _TAPE] if words else ""


def say(found: Difference, turns: tuple[int, ...], decides: Decision) -> str:
    """`diverges at node 2: MulBackward0 (model.py:10) -> AddBackward0 (model.py:12)`, or the like.

    Args:
        found: the first difference of its kind there.
        turns: for a loop: all numbers of turns that were seen.
        decides: the line of what decides.
    """
    if found.kind == "unknown":
        return "the graphs were not kept: there were too many"
    if found.kind == "turns":
        return f"{_loop(found, decides)} ran {_turns(found.turns, turns)}"
    at = f"diverges at node {found.node}: "
    if found.kind == "extra" and len(found.body) > 1:
        nodes = f"{len(found.body)} nodes from {_place(found.body[0])} on"
        return f"{at}{_place(found.before)} -> {_place(found.after)}; {nodes} are in one of the two alone"
    if found.kind == "inputs":
        if found.before is None:
            return "the same ops on the same lines, joined otherwise"
        was, now = _other_inputs(found)
        return f"{at}{_place(found.before)} takes {now} instead of {was}"
    was, now = _place(found.before), _place(found.after)
    if was == now and found.before is not None and found.after is not None:
        was, now = (f"{was} from {caller}" for caller in _callers(found.before, found.after))
    return f"{at}{was} -> {now}"


def _callers(one: OpSite, other: OpSite) -> tuple[str, str]:
    """The innermost callers of one line that differ."""
    pairs = zip_longest(one.callers, other.callers)
    first = next((pair for pair in pairs if pair[0] != pair[1]), (None, None))
    names = [f"{os.path.basename(frame.file)}:{frame.line}" if frame else "nowhere" for frame in first]
    return names[0], names[1]


def _place(site: OpSite | None) -> str:
    if site is None:
        return "the end"
    return f"{site.op} ({os.path.basename(site.file)}:{site.line})" if site.line else site.op


def _loop(found: Difference, decides: Decision) -> str:
    if decides.is_statement:
        return f"the loop at {os.path.basename(decides.file)}:{decides.line}"
    nodes = len(found.body)
    return f"{f'{nodes} nodes from ' if nodes > 1 else ''}{_place(found.body[0])}{' on' if nodes > 1 else ''}"


def _turns(first: tuple[int, int], every: tuple[int, ...]) -> str:
    if len(every) <= 2:  # noqa: PLR2004  one way, or there and back
        return f"{_times(first[0])}, then {first[1]}"
    if len(every) <= _FEW:
        return f"{', '.join(map(str, every[:-1]))} or {_times(every[-1])}"
    return f"{every[0]} to {_times(every[-1])}: {len(every)} different numbers"


def _times(number: int) -> str:
    return f"{number} time{'' if number == 1 else 's'}"


def _other_inputs(found: Difference) -> tuple[str, str]:
    """The first input that differs, as the two graphs have it."""
    was = found.before.inputs if found.before else ()
    now = found.after.inputs if found.after else ()
    pairs = zip(was, now, strict=False)
    return next(((one, other) for one, other in pairs if one != other), (_names(was), _names(now)))


def _names(inputs: tuple[str, ...]) -> str:
    return ", ".join(inputs) or "nothing"

"""Which line of the source decides that two graphs differ: an `if`, or a loop.

It looks at the source as it is now, and says so where that tells nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tracedbg import source
from tracedbg.events import Frame

if TYPE_CHECKING:
    from tracedbg.events import OpSite
    from tracedbg.explain.graph_difference import Difference


@dataclass(frozen=True)
class Decision:
    """A line that decides; without a file where none is known."""

    file: str = ""
    line: int = 0
    is_statement: bool = False
    """Whether the source has an `if` or a loop there; else it is the line that differs itself."""


def what_decides(found: Difference, step: Frame) -> Decision:
    """The line that decides about a difference, of steps that are done in that line."""
    known = [site for site in (*found.body, found.after, found.before) if site is not None and site.line]
    if not known:
        return Decision()
    decides = None
    if found.kind == "turns":
        decides = _loop(found, step)
    elif found.kind in {"other", "extra"}:
        decides = _branch(found, step)
    return decides or Decision(known[0].file, known[0].line)


def as_loop(found: Difference, step: Frame) -> Difference:
    """Nodes that come and go are turns where no `if` decides about them, and one loop has them all."""
    if found.kind != "extra" or not found.body or not all(site.line for site in found.body):
        return found
    if _branch(found, step) is not None:
        return found
    loops = {_loop_of(site, step) for site in found.body}
    if len(loops) != 1 or loops == {None}:
        return found
    has_more_after = found.after is found.body[0]
    return replace(found, kind="turns", turns=(0, 1) if has_more_after else (1, 0))


def way_to(site: OpSite, step: Frame) -> list[Frame]:
    """The line of a node and its callers, innermost first, as far as the function that does the steps."""
    way = [Frame(site.file, site.line)] if site.line else []
    for frame in site.callers:
        way.append(frame)
        if (frame.file, frame.function) == (step.file, step.function):
            break
    return way


def _loop(found: Difference, step: Frame) -> Decision | None:
    """The innermost loop that most nodes of a turn are in."""
    loops = Counter(at for site in found.body if (at := _loop_of(site, step)) is not None)
    if not loops:
        return None
    (((file, line), _),) = loops.most_common(1)
    return Decision(file, line, is_statement=True)


def _loop_of(site: OpSite, step: Frame) -> tuple[str, int] | None:
    for frame in way_to(site, step):
        outside = step.line if frame.file == step.file else 0
        at = source.loop_around(frame.file, frame.line, outside)
        if at is not None:
            return frame.file, at
    return None


def _branch(found: Difference, step: Frame) -> Decision | None:
    """The innermost `if` that runs one node, and not the other."""
    site = found.body[0] if found.kind == "extra" and found.body else found.before
    others = [one for one in (found.after, found.before) if one is not None and one is not site]
    if site is None or (not others and found.kind != "extra"):
        return None
    ways = [frame for one in others for frame in way_to(one, step)]
    for frame in way_to(site, step):
        lines: list[int | None] = [
            one.line for one in ways if one.file == frame.file and one.line != frame.line
        ]
        if not lines and found.kind != "extra":
            continue
        for other in lines or [None]:
            at = source.branch_between(frame.file, frame.line, other)
            if at is not None:
                return Decision(frame.file, at, is_statement=True)
    return None

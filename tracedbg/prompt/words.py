"""What the prompt says of stops, frames, ops and tensors, line by line.

It must not know any command.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from tracedbg.engine.specs import written
from tracedbg.engine.tensor_text import facts, number
from tracedbg.engine.text import escape
from tracedbg.prompt.source_text import package, short_path, source_line

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from tracedbg.debugging import FrameView, View
    from tracedbg.engine import Breakpoint, Stop
    from tracedbg.engine.inspector import Inspector, Variable
    from tracedbg.events import OpSite

_BAR = 40
_BINS = 12
_MOST = 60
"""Variables of one list."""


def thread_name(thread_id: int) -> str:
    """The name of a thread; its number if it has none."""
    for thread in threading.enumerate():
        if thread.ident == thread_id:
            return escape(thread.name)
    return str(thread_id)


def reason(stop: Stop) -> str:
    """Why it has stopped, in one or more lines."""
    numbers = ", ".join(str(one) for one in stop.breakpoint_ids)
    text = "\n".join(escape(line) for line in stop.text.splitlines())
    match stop.reason:
        case "exception":
            return f"{stop.filter}: {text}"
        case "breakpoint" | "function breakpoint" | "instruction breakpoint" if numbers:
            return f"breakpoint {numbers}" + (f": {text}" if text else "")
        case _:
            return stop.reason + (f": {text}" if text else "")


def place(view: View) -> str:
    """The graph, the turn of the loop and the direction; empty in eager code."""
    parts = [] if view.walk is None else [f"graph {view.walk.graph} of {view.walk.function}"]
    if view.iteration is not None:
        parts.append(f"turn {view.iteration} of the loop")
    if view.is_backward:
        parts.append("backward")
    return escape(", ".join(parts))


def frame_line(frame: FrameView) -> str:
    """`model.py:12 Net.forward`."""
    traced = "  [traced]" if frame.is_traced else ""
    where = f"{short_path(frame.file)}:{frame.line}" if frame.file else "(no line)"
    return f"{where} {escape(frame.function)}{traced}"


def op_line(view: View) -> str:
    """The op that is next, or has just run; empty at a line."""
    op = view.op
    if op is None:
        return ""
    of = f" of {len(view.walk.sites)}" if view.walk is not None else ""
    output = f" -> {op.site.output}" if op.site.output else ""
    return escape(f"op {op.index}{of}: {op.site.op}({', '.join(op.site.inputs)}){output}")


def stack(frames: Sequence[FrameView], current: int, *, whole: bool) -> list[str]:
    """The stack, outermost first as in a traceback; libraries' frames are only counted unless `whole`."""
    found: list[str] = []
    hidden = 0
    innermost = frames[0] if frames else None
    for index in range(len(frames) - 1, -1, -1):
        frame = frames[index]
        if not whole and not is_shown(frame, innermost) and index != current:
            hidden += 1
            continue
        if hidden:
            found.append(_hidden(hidden))
            hidden = 0
        found.append(f"{'>' if index == current else ' '} {frame_line(frame)}")
        if text := source_line(frame.file, frame.line):
            found.append(f"  -> {text}")
    return found + ([_hidden(hidden)] if hidden else [])


def _hidden(count: int) -> str:
    return f"  ({count} frame{'s' if count > 1 else ''} of libraries)"


def is_shown(frame: FrameView, innermost: FrameView | None) -> bool:
    """Whether a person goes to this frame: the user's, and in a library those of the same package."""
    if frame.is_user or innermost is None or frame is innermost:
        return True
    return frame.is_traced == innermost.is_traced and package(frame.file) == package(innermost.file)


def breakpoints(active: Collection[Breakpoint], disabled: Collection[Breakpoint]) -> list[str]:
    """One line for each."""
    found = []
    for one in (*active, *disabled):
        where = written(one).replace(one.file, short_path(one.file), 1) if one.file else written(one)
        notes = [f"hit {one.hits} time{'' if one.hits == 1 else 's'}"]
        if one.is_once:
            notes.append("once")
        if one in disabled:
            notes = ["disabled"]
        elif not one.is_bound:
            notes.append("not seen yet")
        elif one.file and one.line != one.asked_line:
            notes.append(f"moved to line {one.line}")
        found.append(f"{one.id:>3}  {escape(where)}  ({', '.join(notes)})")
    return found


def ops(sites: Sequence[OpSite], first: int, last: int, current: int, stops: Collection[int]) -> list[str]:
    """Ops of a graph by number, with their lines, as `listing` shows lines."""
    shown = range(max(first, 0), min(last, len(sites) - 1) + 1)
    wide = max([len(sites[index].op) for index in shown], default=0)
    found = []
    for index in shown:
        site = sites[index]
        mark = "->" if index == current else "  "
        stop = "B" if index in stops else " "
        where = f"{short_path(site.file)}:{site.line}" if site.file else ""
        found.append(escape(f"{index:>4} {stop}{mark} {site.op:<{wide}}  {site.output}  {where}").rstrip())
    return found


def variables(found: Sequence[Variable], empty: str) -> list[str]:
    """A line for each."""
    lines = [f"{one.name} = {one.text}" for one in found[:_MOST]]
    if len(found) > _MOST:
        lines.append(f"... {len(found) - _MOST:,} more")
    return lines or [empty]


def tree(inspector: Inspector, variable: Variable) -> list[str]:
    """A value and what is in it."""
    if not variable.has_children:
        return [inspector.long_text(variable.value)]
    total = variable.indexed + variable.named
    children = inspector.children(variable, 0, _MOST)
    wide = max([len(child.name) for child in children], default=0)
    lines = [variable.text, *(f"  {child.name:<{wide}}  {child.text}" for child in children)]
    if not variable.is_tensor and total > len(children):
        lines.append(f"  ... {total - len(children):,} more")
    return lines


def tensor(inspector: Inspector, value: object) -> list[str]:
    """All about a tensor, and its values as a histogram."""
    summary = inspector.summary(value)
    known = facts(summary)
    wide = max(len(name) for name, _ in known)
    lines = [f"{name:<{wide}}  {_fact(fact)}" for name, fact in known]
    if summary.first:
        more = ", ..." if summary.count > len(summary.first) else ""
        lines.append(f"{'first':<{wide}}  {', '.join(escape(str(one)) for one in summary.first)}{more}")
    if summary.minimum is None or summary.minimum == summary.maximum:
        return lines
    return lines + histogram(*inspector.histogram(value, _BINS))


def _fact(value: object) -> str:
    return escape(number(value) if isinstance(value, float) else str(value))


def histogram(edges: Sequence[float], counts: Sequence[int]) -> list[str]:
    """A bar for each bin."""
    if not counts:
        return []
    names = [f"{edge:.4g}" for edge in edges]
    wide = max(len(name) for name in names)
    most = max(counts)
    digits = len(f"{most:,}")
    lines = []
    for index, count in enumerate(counts):
        size = max(round(count / most * _BAR), 1 if count else 0)
        name = f"{names[index]:>{wide}} .. {names[index + 1]:>{wide}}"
        lines.append(f"{name}  {count:>{digits},}  {'#' * size}".rstrip())
    return lines

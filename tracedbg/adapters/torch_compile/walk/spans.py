"""The lines of traced functions that a breakpoint may be moved from, when nothing is left of its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracedbg.adapters.torch_compile.walk._compat import is_resume
from tracedbg.frames import real_path

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from types import CodeType

    from tracedbg.adapters.torch_compile.walk.timeline import Moment


def spans(moments: Sequence[Moment], lines: Collection[tuple[str, int]]) -> tuple[tuple[str, int, int], ...]:
    """(real path, first line, last line) of the stretches of each function in which no other line has code.

    A line that has code, and that this graph does not come to (another branch, what is after a graph break),
    is none of them: a breakpoint there waits for another graph, or for Python.
    """
    found = []
    by_code: dict[CodeType, list[int]] = {}
    for moment in moments:
        by_code.setdefault(moment.code, []).append(moment.line)
    for code, traced in by_code.items():
        file = real_path(code.co_filename)
        first = min(traced) if is_resume(code) else min(code.co_firstlineno, *traced)
        last = max(traced)
        elsewhere = {line for line in _lines(code) if (file, line) not in lines and line > first}
        start = first
        for line in (*sorted(line for line in elsewhere if first < line <= last), last + 1):
            if start < line:
                found.append((file, start, line - 1))
            start = line + 1
    return tuple(found)


def _lines(code: CodeType) -> Iterator[int]:
    """The lines that have code, also in the functions that are defined in it."""
    for *_, line in code.co_lines():
        if line is not None:
            yield line
    for constant in code.co_consts:
        if hasattr(constant, "co_lines"):
            yield from _lines(constant)
            yield from range(constant.co_firstlineno, max(_lines(constant), default=0) + 1)

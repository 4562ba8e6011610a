"""Which lines of a code object, and of a source file, can be stopped at.

It must not know what is armed.
"""

from __future__ import annotations

import dis
import linecache
import os
import sys
from types import CodeType
from typing import TYPE_CHECKING

from tracedbg.debugging import Outline
from tracedbg.frames import real_path
from tracedbg.source import code_name

if TYPE_CHECKING:
    from collections.abc import Iterator

_RESUME = dis.opmap.get("RESUME")
"""Ends what only sets a frame up, and has no line event; there is none before Python 3.11."""


def own_lines(code: CodeType) -> frozenset[int]:
    """The lines of a code object at which Python sends a line event, without those of functions inside it."""
    begin = code.co_code[::2].index(_RESUME) * 2 + 2 if _RESUME is not None else 0
    return frozenset(line for _, end, line in code.co_lines() if line and end > begin)


def outlines(code: CodeType) -> Iterator[Outline]:
    """Each function of a code object and itself, the innermost first: breakpoints are moved within that."""
    yield from _outlines(code, real_path(code.co_filename), [])


def source_outlines(file: str) -> list[Outline]:
    """The same for a module whose code objects are not at hand; none where there is no Python source."""
    linecache.checkcache(file)
    text = "".join(linecache.getlines(file))
    if not text:
        return []
    try:
        return list(outlines(compile(text, file, "exec", dont_inherit=True)))
    except (SyntaxError, ValueError):
        return []


def is_loaded(file: str) -> bool:
    """Whether a module of that file (real path) has been imported, be it only in part."""
    for module in tuple(sys.modules.values()):
        at = getattr(module, "__dict__", {}).get("__file__")
        if isinstance(at, str) and os.path.basename(at) == os.path.basename(file) and real_path(at) == file:
            return True
    return False


def _outlines(code: CodeType, file: str, lines_out: list[int]) -> Iterator[Outline]:
    lines = [*own_lines(code)]
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _outlines(inner, file, lines)
    if lines:
        first = 1 if code.co_name == "<module>" else code.co_firstlineno
        span = (file, first, max(lines))
        yield Outline(code_name(code), "", frozenset((file, line) for line in lines), frozenset(), (span,))
    lines_out += lines

"""Whose code is it, and what does its line say: files, frames and stacks of the user's program.

It must not know any framework by name; an adapter passes its own folders where they matter.
"""

from __future__ import annotations

import functools
import linecache
import os
import sys
import sysconfig
from typing import TYPE_CHECKING

from tracedbg.events import Frame

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType, FrameType

_PACKAGE = os.path.dirname(os.path.abspath(__file__))
OWN_CODE = "<tracedbg"
"""How files begin that functions of ours name instead of their own."""
_LIBRARY_PARTS = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_STDLIB = tuple(
    os.path.normpath(path) + os.sep
    for key in ("stdlib", "platstdlib")
    if (path := sysconfig.get_paths().get(key))
)
MAX_STACK = 16


@functools.lru_cache(maxsize=4096)
def is_user_file(file: str) -> bool:
    """Whether `file` is the user's own: not the standard library, an installed package, or ours.

    Code that was typed in or made by `exec` (`<stdin>`, `<string>`, a notebook cell) is the user's.
    """
    if file.startswith(("<frozen", OWN_CODE)) or "__autograph_generated_file" in file:
        return False
    if any(part in file for part in _LIBRARY_PARTS):
        return False
    return not file.startswith((*_STDLIB, _PACKAGE + os.sep))


def is_ours(file: str) -> bool:
    """Whether `file` belongs to tracedbg itself."""
    return file.startswith((_PACKAGE + os.sep, OWN_CODE))


def user_frames(frames: Iterable[Frame], limit: int = MAX_STACK) -> tuple[Frame, ...]:
    """The frames of `frames` that are the user's own, at most `limit`, in their order."""
    kept: list[Frame] = []
    for frame in frames:
        if is_user_file(frame.file):
            kept.append(frame)
            if len(kept) == limit:
                break
    return tuple(kept)


def current_stack(frame: FrameType | None = None, limit: int = MAX_STACK) -> tuple[Frame, ...]:
    """The user's frames of this thread, innermost first.

    Args:
        frame: where to begin; the caller by default.
        limit: how many frames at most.
    """
    here = frame or sys._getframe(1)
    kept: list[Frame] = []
    at: FrameType | None = here
    while at is not None and len(kept) < limit:
        if is_user_file(at.f_code.co_filename):
            kept.append(Frame(at.f_code.co_filename, at.f_lineno, code_name(at.f_code)))
        at = at.f_back
    return tuple(kept)


def code_name(code: CodeType) -> str:
    """The qualified name of a code object, without `<locals>` (plain name before Python 3.11)."""
    name: str = getattr(code, "co_qualname", code.co_name)
    return name.replace("<locals>.", "")


def line_text(file: str, line: int) -> str:
    """The text of one line of source, stripped; empty where there is none."""
    return linecache.getline(file, line).strip()


@functools.lru_cache(maxsize=1024)
def last_line_of(file: str, line: int) -> int | None:
    """The last line of the function that begins in that line; None where there is no source to tell it."""
    return _functions(file).get(line)


@functools.lru_cache(maxsize=64)
def _functions(file: str) -> dict[int, int]:
    """First line of each function of a file, its decorators included -> its last line."""
    import ast  # noqa: PLC0415  deferred: only a report asks

    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):
        return {}
    found: dict[int, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
            for first in (node.lineno, *(one.lineno for one in decorators)):
                found[first] = max(found.get(first, 0), node.end_lineno or node.lineno)
    return found

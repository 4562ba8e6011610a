"""Whose code is it, and what does its line say: files, frames and stacks of the user's program.

It must not know any framework by name; an adapter passes its own folders where they matter.
"""

from __future__ import annotations

import functools
import linecache
import os
import stat
import sys
import sysconfig
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracedbg.events import Frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import CodeType, FrameType

MAX_SOURCE_BYTES = 16 << 20
"""Of a file that is taken for source."""
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
    begins, parts = library_files()
    return not (file.startswith((*begins, *own_files())) or any(part in file for part in parts))


def library_files() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What makes a file a library's: how its name begins, or what is in it. For those that ask in C++."""
    return ("<frozen", *_STDLIB), (*_LIBRARY_PARTS, "__autograph_generated_file")


def own_files() -> tuple[str, ...]:
    """How the names of our own files begin."""
    return (_PACKAGE + os.sep, OWN_CODE)


def is_ours(file: str) -> bool:
    """Whether `file` belongs to tracedbg itself."""
    return file.startswith(own_files())


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


_titles: dict[str, str] = {}
"""Of cells of notebooks: by what their code names as its file."""


def name_cell(file: str, title: str, lines: Iterable[str] = ()) -> None:
    """Tell a cell of a notebook by its title from now on.

    Args:
        file: what its code names as its file; there is none.
        title: such as `Cell In[3]`.
        lines: its source, where the process that ran it is another one.
    """
    if os.path.exists(file):
        return
    _titles[file] = title
    text = [f"{line}\n" for line in lines]
    if text and file not in linecache.cache:
        linecache.cache[file] = sum(map(len, text)), None, text, file


def name_by(namer: Callable[[str], str] | None) -> None:
    """Have `namer` asked for the titles of the cells that this process runs; None: nobody."""
    global _namer  # noqa: PLW0603  there is one notebook in a process
    _namer = namer


_namer: Callable[[str], str] | None = None


def cell_title(file: str) -> str:
    """`Cell In[3]`; empty for a file."""
    return (_namer(file) if _namer else "") or _titles.get(file, "")


def place(file: str, line: int) -> str:
    """`train.py:12`, or `Cell In[3], line 12`."""
    title = cell_title(file)
    return f"{title}, line {line}" if title else f"{file}:{line}"


def line_text(file: str, line: int) -> str:
    """The text of one line of source, stripped; empty where there is none."""
    found = lines(file)
    return found[line - 1].strip() if 0 < line <= len(found) else ""


def lines(file: str) -> list[str]:
    """The lines of a source; none where there is no such file, or it is none of source.

    A recording names the files: one that was made to do harm may name a pipe, a device or a huge file.
    """
    if file not in linecache.cache:
        try:
            found = os.stat(file)
        except ValueError:
            return []
        except OSError:
            pass  # of a notebook, or relative to where the program has found it
        else:
            if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_SOURCE_BYTES:
                return []
    return linecache.getlines(file)


@functools.lru_cache(maxsize=1024)
def last_line_of(file: str, line: int) -> int | None:
    """The last line of the function that begins in that line; None where there is no source to tell it."""
    return _functions(file).get(line)


@functools.lru_cache(maxsize=64)
def _functions(file: str) -> dict[int, int]:
    """First line of each function of a file, its decorators included -> its last line."""
    import ast  # noqa: PLC0415  deferred: only a report asks

    try:
        tree = ast.parse("".join(lines(file)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    found: dict[int, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
            for first in (node.lineno, *(one.lineno for one in decorators)):
                found[first] = max(found.get(first, 0), node.end_lineno or node.lineno)
    return found


@dataclass(frozen=True)
class Statement:
    """An `if` or a loop in a file."""

    line: int
    is_loop: bool
    body: tuple[int, int]
    """Its first and last line."""
    otherwise: tuple[int, int]
    """The same of the `else`; (0, 0) where there is none."""


def branch_between(file: str, line: int, other: int | None) -> int | None:
    """The line of the innermost `if` that decides whether one line runs, or the other.

    Args:
        file: of all of them.
        line: that runs in one case.
        other: that runs in the other case; None: it is enough that the `if` decides about `line`.
    """
    found = None
    for one in _statements(file):
        sides = [_is_within(line, part) - _is_within(other or 0, part) for part in (one.body, one.otherwise)]
        if not one.is_loop and any(sides):
            found = one.line if found is None else max(found, one.line)
    return found


def loop_around(file: str, line: int, outside: int = 0) -> int | None:
    """The line of the innermost loop that runs `line`, but not the line `outside`; None if there is none."""
    loops = [
        one.line
        for one in _statements(file)
        if one.is_loop and _is_within(line, one.body) and not _is_within(outside, one.body)
    ]
    return max(loops, default=None)


def _is_within(line: int, part: tuple[int, int]) -> bool:
    return part[0] <= line <= part[1] and line > 0


@functools.lru_cache(maxsize=64)
def _statements(file: str) -> tuple[Statement, ...]:
    import ast  # noqa: PLC0415  deferred: only a report asks

    try:
        tree = ast.parse("".join(lines(file)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()

    def extent(parts: list[ast.stmt]) -> tuple[int, int]:
        return (parts[0].lineno, parts[-1].end_lineno or parts[-1].lineno) if parts else (0, 0)

    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.If | ast.For | ast.While | ast.AsyncFor):
            is_loop = not isinstance(node, ast.If)
            found.append(Statement(node.lineno, is_loop, extent(node.body), extent(node.orelse)))
        elif isinstance(node, ast.ListComp | ast.GeneratorExp | ast.DictComp | ast.SetComp):
            found.append(Statement(node.lineno, True, (node.lineno, node.end_lineno or node.lineno), (0, 0)))
    return tuple(found)

"""Source as the prompt shows it: paths, lines around a line, the function that a line is in.

It must not know stops.
"""

from __future__ import annotations

import ast
import linecache
import os
import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from tracedbg.engine.text import escape
from tracedbg.source import is_user_file

if TYPE_CHECKING:
    from collections.abc import Collection


def short_path(file: str) -> str:
    """A path as a person would type it here: from the working folder, or where a library is imported from."""
    if os.path.isabs(file) and not is_user_file(file):
        folders = _package_folders(tuple(sys.path))
        inside = next((file[len(one) :] for one in folders if file.startswith(one)), file)
        if not os.path.exists(inside):
            return escape(inside)
        if inside != file:
            return escape(file)  # the working folder has one like it
    try:
        inside = os.path.relpath(file) if os.path.isabs(file) else file
    except (OSError, ValueError):  # the working folder is gone; another drive
        return escape(file)
    return escape(file if inside.startswith(os.pardir) else inside)


def package(file: str) -> str:
    """The package or module that a library's file belongs to; empty for the user's own."""
    if is_user_file(file):
        return ""
    folders = _package_folders(tuple(sys.path))
    inside = next((file[len(one) :] for one in folders if file.startswith(one)), file)
    return inside.split(os.sep)[0] or file


@lru_cache(maxsize=4)
def _package_folders(search_path: tuple[str, ...]) -> tuple[str, ...]:
    """The innermost ones first: one may be in another."""
    folders = {os.path.join(os.path.realpath(one), "") for one in search_path if os.path.isabs(one)}
    return tuple(sorted(folders, key=len, reverse=True))


def source_line(file: str, line: int) -> str:
    """One line as it stands, stripped and printable; empty where there is none."""
    return escape(linecache.getline(file, line).strip())


def line_count(file: str) -> int:
    """How many lines a file has, as Python has read it."""
    return len(linecache.getlines(file))


def listing(file: str, first: int, last: int, current: int, stops: Collection[int]) -> list[str]:
    """Numbered lines, with `->` at the current one and `B` at those with breakpoints."""
    found = []
    lines = linecache.getlines(file)
    for number in range(max(first, 1), min(last, len(lines)) + 1):
        mark = "->" if number == current else "  "
        stop = "B" if number in stops else " "
        text = "".join(one if one == "\t" else escape(one) for one in lines[number - 1].rstrip())
        found.append(f"{number:>4} {stop}{mark} {text.expandtabs()}".rstrip())
    return found


@dataclass(frozen=True)
class Function:
    """A function as it stands in a file."""

    first: int
    last: int
    body: int
    """The line of its first statement."""
    parameters: tuple[str, ...]


def function_at(file: str, line: int) -> Function | None:
    """The innermost function that has the line; None at module level, or without source."""
    best: Function | None = None
    for one in _functions(tuple(linecache.getlines(file))):
        if one.first <= line <= one.last and (best is None or one.first >= best.first):
            best = one
    return best


@lru_cache(maxsize=16)
def _functions(lines: tuple[str, ...]) -> tuple[Function, ...]:
    try:
        tree = ast.parse("".join(lines))
    except (SyntaxError, ValueError, RecursionError):
        return ()
    return tuple(
        _function(node)
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    )


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Function:
    given = node.args
    parameters = [one.arg for one in (*given.posonlyargs, *given.args)]
    parameters += [given.vararg.arg] if given.vararg else []
    parameters += [one.arg for one in given.kwonlyargs]
    parameters += [given.kwarg.arg] if given.kwarg else []
    first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
    body = node.body[1] if ast.get_docstring(node) is not None and len(node.body) > 1 else node.body[0]
    return Function(first, node.end_lineno or node.lineno, body.lineno, tuple(parameters))

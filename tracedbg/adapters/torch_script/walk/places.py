"""Where a node comes from, and where a function begins and ends.

It must not know how a node is run.
"""

from __future__ import annotations

import ast
import functools
import linecache
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tracedbg.frames import real_path
from tracedbg.source import is_user_file

if TYPE_CHECKING:
    from collections.abc import Mapping

_SCRIPTED = re.compile(r'^  File "(?P<file>.+)", line (?P<line>\d+)', re.MULTILINE)
_TRACED = re.compile(r"^(?P<file>\S.*)\((?P<line>\d+)\): (?P<function>.*)$", re.MULTILINE)
_TRACER = "/torch/jit/_trace.py"
_BUILT_IN = "<string>"
"""What the functions that torch itself has in TorchScript are in."""
_SERIALIZED = "Serialized"


@dataclass(frozen=True)
class Place:
    """One line."""

    file: str
    """As a real path."""
    line: int
    function: str = ""
    """Empty where the function is that of the graph."""

    @property
    def is_user(self) -> bool:
        """Whether the line is the user's own."""
        return self.file != _BUILT_IN and is_user_file(self.file)


@functools.lru_cache(maxsize=4096)
def places(text: str) -> tuple[Place, ...]:
    """The lines in what torch says of a node, innermost first; several where tracing has recorded a stack."""
    original = text.split(_SERIALIZED, maxsplit=1)[0]
    if (found := _SCRIPTED.search(original)) is not None:
        return (Place(real_path(found["file"]), int(found["line"])),)
    stack = []
    for found in _TRACED.finditer(original):
        if _TRACER in found["file"].replace("\\", "/"):
            break
        stack.append(Place(real_path(found["file"]), int(found["line"]), found["function"]))
    return tuple(stack)


@functools.lru_cache(maxsize=256)
def _functions(file: str) -> tuple[tuple[int, int, str], ...]:
    """(first line, last line, qualified name) of each function in a file, those inside of others later."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):
        return ()
    found: list[tuple[int, int, str]] = []

    def look(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                name = f"{prefix}{child.name}"
                if not isinstance(child, ast.ClassDef):
                    found.append((child.lineno, child.end_lineno or child.lineno, name))
                look(child, f"{name}.")
            else:
                look(child, prefix)

    look(tree, "")
    return tuple(found)


def function_at(file: str, line: int) -> tuple[int, int, str] | None:
    """(first line, last line, qualified name) of the innermost function around a line."""
    around = [one for one in _functions(file) if one[0] <= line <= one[1]]
    return around[-1] if around else None


@functools.lru_cache(maxsize=256)
def globals_of(file: str) -> Mapping[str, Any]:
    """The globals of the module that a file is; nothing where it is none, or not any more."""
    for module in list(sys.modules.values()):
        at = getattr(module, "__file__", None)
        if at and real_path(at) == file:
            return vars(module)
    return {}

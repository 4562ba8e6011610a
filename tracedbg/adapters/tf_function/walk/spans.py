"""Which lines of a file are one function: from its source. It must not know any framework."""

from __future__ import annotations

import ast
import functools
import linecache

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def span_of(file: str, line: int) -> tuple[int, int] | None:
    """First and last line of the innermost function around a line; None where there is none."""
    around = [span for span in _spans(file) if span[0] <= line <= span[1]]
    return max(around, key=lambda span: (span[0], -span[1]), default=None)


@functools.lru_cache(maxsize=256)
def _spans(file: str) -> tuple[tuple[int, int], ...]:
    text = "".join(linecache.getlines(file))
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return ()
    return tuple(
        (node.lineno, node.end_lineno or node.lineno)
        for node in ast.walk(tree)
        if isinstance(node, _FUNCTIONS)
    )

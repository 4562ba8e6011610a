"""Which lines of a source file Python could run. It runs nothing."""

from __future__ import annotations

import os
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import CodeType


def breakable_lines(path: str) -> frozenset[int]:
    """The lines of a file that have code; none if it cannot be read or compiled."""
    try:
        return _lines(os.path.realpath(path), os.stat(path).st_mtime_ns)
    except (OSError, SyntaxError, ValueError):
        return frozenset()


@lru_cache(maxsize=32)
def _lines(file: str, _changed_ns: int) -> frozenset[int]:
    with open(file, "rb") as opened, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        code = compile(opened.read(), file, "exec")
    return frozenset(_of(code))


def _of(code: CodeType) -> set[int]:
    found = {line for _, _, line in code.co_lines() if line}
    for constant in code.co_consts:
        if isinstance(constant, type(code)):
            found |= _of(constant)
    return found

"""Which functions of C and C++ each line of the user's spends its time in.

It must not know how they were sampled, nor how they are shown.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracedbg.source import is_user_file

if TYPE_CHECKING:
    from tracedbg.store.native import NativeFrame, NativeStacks

MAX_FUNCTIONS = 10
"""Of one line."""
PYTHON = "(Python)"
NAMELESS = "(no symbol)"
"""Functions that a library does not name: all of them together."""


@dataclass(frozen=True)
class NativePart:
    """A function, as the innermost one."""

    function: str
    library: str
    """Its file, without the way to it; empty for Python's own."""
    samples: int


@dataclass(frozen=True)
class NativeLine:
    """A line of the user's."""

    file: str
    """Empty where no line is known."""
    line: int
    function: str
    samples: int
    functions: tuple[NativePart, ...]
    """The most frequent first; Python that ran itself is `PYTHON`."""


@dataclass(frozen=True)
class NativeSummary:
    """The stacks of a run."""

    rate_hz: int
    samples: int
    lines: tuple[NativeLine, ...] = ()
    note: str = ""
    """Why there is less than was asked for."""


def native_summary(seen: NativeStacks) -> NativeSummary:
    """The functions of each line, the line with most samples first."""
    found: dict[tuple[str, int], Counter[tuple[str, str]]] = defaultdict(Counter)
    names: dict[tuple[str, int], str] = {}
    for count, stack in seen.stacks:
        user = next((one for one in stack if not one.is_native and is_user_file(one.file)), None)
        at = (user.file, user.line) if user else ("", 0)
        names.setdefault(at, user.function if user else "")
        found[at][_innermost(stack)] += count
    lines = [
        NativeLine(
            file=file,
            line=line,
            function=names[file, line],
            samples=functions.total(),
            functions=tuple(
                NativePart(name, library, count)
                for (name, library), count in functions.most_common(MAX_FUNCTIONS)
            ),
        )
        for (file, line), functions in found.items()
    ]
    lines.sort(key=lambda one: (-one.samples, one.file, one.line))
    return NativeSummary(seen.rate_hz, seen.samples, tuple(lines), seen.note)


def _innermost(stack: tuple[NativeFrame, ...]) -> tuple[str, str]:
    if not stack or not stack[0].is_native:
        return PYTHON, ""
    name = NAMELESS if stack[0].function.startswith("0x") else stack[0].function
    return name, os.path.basename(stack[0].file)

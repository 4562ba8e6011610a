"""The user's lines behind a line of code that a compiler of torch's wrote.

Inductor notes above each kernel's call which one it is, and keeps the stacks that it was fused from; the code
of a `GraphModule` says above each op which line of the user's it stands for.
"""

from __future__ import annotations

import json
import linecache
import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tracedbg.kernels import CallFrame
from tracedbg.source import is_user_file, line_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracedbg.hooks import Hooks

_GRAPH_MODULE = "<eval_with_key>"
_HANDLE = re.compile(r"# \[Provenance debug handles\] (?P<kernels>.*)")
_FRAME = re.compile(
    r'^\s*File "(?P<file>.+)", line (?P<line>\d+), in (?P<function>.+)$(?:\n(?P<code> {4}.*)$)?', re.MULTILINE
)
_COMMENT = re.compile(r"# File: (?P<file>.+?):(?P<line>\d+) in (?P<function>[^,]+), code: ")
_CALL_BELOW = 12
"""How many lines below its handle the call of a kernel may stand."""

Stacks = tuple[tuple[CallFrame, ...], ...]


class Generated:
    """What is known of the code that torch's compilers have written in this process."""

    def __init__(self) -> None:
        self._folder = ""
        self._stacks: dict[str, dict[str, Stacks]] = {}
        """File -> kernel with its number (`cpp_fused_add_0:3`) -> stacks, innermost first."""

    def watch(self, hooks: Hooks, owner: Any, attribute: str) -> None:
        """Take the stacks of each graph that Inductor compiles or finds in its cache."""

        def make(original: Callable[..., Any]) -> Callable[..., Any]:
            def post_compile(graph: Any, *args: Any, **kwargs: Any) -> Any:
                result = original(graph, *args, **kwargs)
                hooks.safely("provenance", self._take, graph)
                return result

            return post_compile

        hooks.patch(owner, attribute, make)

    def _take(self, graph: Any) -> None:
        told = getattr(graph, "inductor_provenance_stack_traces_str", None)
        code = getattr(getattr(graph, "current_callable", None), "__code__", None)
        if not told or code is None:
            return
        self._folder = os.path.dirname(os.path.dirname(code.co_filename))
        self._stacks[code.co_filename] = {
            kernel: tuple(filter(None, map(_stack, texts))) for kernel, texts in json.loads(told).items()
        }

    def owns(self, file: str) -> bool:
        """Whether a compiler has written `file`."""
        if file.startswith(_GRAPH_MODULE) or file in self._stacks:
            return True
        in_cache = bool(self._folder) and file.startswith(self._folder + os.sep)
        return in_cache or f"{os.sep}torchinductor_" in file

    def lines(self, file: str, line: int) -> Stacks:
        """The stacks that the call in that line stands for; several where it was fused."""
        if file.startswith(_GRAPH_MODULE):
            return _graph_module_stack(file, line)
        known = self._stacks.get(file)
        return _unique(known, _handles(file).get(line, ())) if known else ()


def _unique(known: dict[str, Stacks], kernels: tuple[str, ...]) -> Stacks:
    return tuple(dict.fromkeys(stack for kernel in kernels for stack in known.get(kernel, ())))


def _stack(text: str) -> tuple[CallFrame, ...]:
    """The user's frames in a stack; none if its lines say something else by now: a cache has kept it."""
    frames = []
    for found in _FRAME.finditer(text):
        if found["code"] and found["code"].strip() != line_text(found["file"], int(found["line"])):
            return ()
        frames.append(CallFrame(found["file"], int(found["line"]), found["function"], is_exact=True))
    return tuple(frame for frame in reversed(frames) if is_user_file(frame.file))


@lru_cache(maxsize=256)
def _handles(file: str) -> dict[int, tuple[str, ...]]:
    """Line of a generated file -> the kernels that are called there, with their numbers."""
    found: dict[int, tuple[str, ...]] = {}
    current: tuple[str, ...] = ()
    age = 0
    for number, text in enumerate(linecache.getlines(file), 1):
        handle = _HANDLE.search(text)
        if handle is not None:
            current, age = tuple(handle["kernels"].replace(",", " ").split()), 0
        elif current and age < _CALL_BELOW and not text.lstrip().startswith("#"):
            age += 1
            found[number] = current
    return found


@lru_cache(maxsize=4096)
def _graph_module_stack(file: str, line: int) -> Stacks:
    for text in reversed(linecache.getlines(file)[: max(line - 1, 0)]):
        found = _COMMENT.search(text)
        if found is not None:
            frame = CallFrame(found["file"], int(found["line"]), found["function"], is_exact=True)
            return ((frame,),) if is_user_file(frame.file) else ()
    return ()

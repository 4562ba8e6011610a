"""The user's lines behind a line of code that a compiler of torch's wrote.

Inductor notes above each kernel's call which one it is, and keeps the stacks that it was fused from; the code
of a `GraphModule` names the nodes of its graph, which have theirs.
"""

from __future__ import annotations

import json
import linecache
import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_common.graph_modules import live_graph_modules
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
_ASSIGNED = re.compile(r"\s*(?P<node>\w+)[^=(]*= ")
_CALL_BELOW = 12
"""How many lines below its handle the call of a kernel may stand."""

Stacks = tuple[tuple[CallFrame, ...], ...]


class Generated:
    """What is known of the code that torch's compilers have written in this process."""

    def __init__(self) -> None:
        self._folder = ""
        self._stacks: dict[str, dict[str, Stacks]] = {}
        """File -> kernel with its number (`cpp_fused_add_0:3`) -> stacks, innermost first."""

    _graphs: dict[str, dict[str, tuple[CallFrame, ...]]] | None = None
    """See `_stacks_of_graphs`; None until they are asked for."""

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
            made = _ASSIGNED.match(linecache.getline(file, line))
            stack = self._nodes_of(file).get(made["node"], ()) if made is not None else ()
            return (stack,) if stack else ()
        known = self._stacks.get(file)
        return _unique(known, _handles(file).get(line, ())) if known else ()

    def _nodes_of(self, file: str) -> dict[str, tuple[CallFrame, ...]]:
        if self._graphs is None:
            self._graphs = _stacks_of_graphs()
        return self._graphs.get(file, {})


def _unique(known: dict[str, Stacks], kernels: tuple[str, ...]) -> Stacks:
    return tuple(dict.fromkeys(stack for kernel in kernels for stack in known.get(kernel, ())))


def _stack(text: str) -> tuple[CallFrame, ...]:
    """The user's frames in a stack; none if its lines say something else by now: a cache has kept it."""
    frames = []
    for found in _FRAME.finditer(text):
        if found["code"] and found["code"].strip() != line_text(found["file"], int(found["line"])):
            return ()
        frames.append(CallFrame(found["file"], int(found["line"]), found["function"], is_exact=True))
    return tuple(frame for frame in reversed(frames) if _is_users(frame.file))


def _is_users(file: str) -> bool:
    return is_user_file(file) and not file.startswith(_GRAPH_MODULE)


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


def _stacks_of_graphs() -> dict[str, dict[str, tuple[CallFrame, ...]]]:
    """File of each `GraphModule`'s code that there is now -> name of a node -> its stack."""
    found: dict[str, dict[str, tuple[CallFrame, ...]]] = {}
    for thing in live_graph_modules():
        file = getattr(getattr(type(thing).forward, "__code__", None), "co_filename", "")
        if file.startswith(_GRAPH_MODULE):
            found[file] = {
                node.name: _stack(node.meta.get("stack_trace") or "") for node in thing.graph.nodes
            }
    return found

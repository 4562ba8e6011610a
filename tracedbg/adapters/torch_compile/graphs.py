"""An FX graph as op sites, each with the user's line that made it.

It must not keep the graph, or anything of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_compile.values import shorten, spec_text
from tracedbg.events import OpSite
from tracedbg.source import is_user_file

if TYPE_CHECKING:
    from collections.abc import Iterator

_FRAME = re.compile(r'File "(?P<file>.+?)", line (?P<line>\d+), in ')


def op_sites(graph: Any) -> tuple[OpSite, ...]:
    """One `OpSite` for each node of an `fx.Graph`, in its order."""
    return tuple(_site(node) for node in graph.nodes)


def all_sites(graph: Any, scope: str = "") -> tuple[OpSite, ...]:
    """The same, each followed by those of the graphs that it is given to run: branches, a loop's body."""
    found: list[OpSite] = []
    for node in graph.nodes:
        site = _site(node)
        if scope:
            inputs = tuple(f"{scope}{name}" for name in site.inputs)
            site = site._replace(name=f"{scope}{site.name}", inputs=inputs, inside=scope[:-1])
        found.append(site)
        for name, body in _bodies(node):
            found += all_sites(body, f"{site.name}/{name}/")
    return tuple(found)


def _bodies(node: Any) -> Iterator[tuple[str, Any]]:
    if node.op != "call_function":
        return
    for given in node.all_input_nodes:
        if given.op == "get_attr" and isinstance(given.target, str) and "." not in given.target:
            body = getattr(getattr(node.graph.owning_module, given.target, None), "graph", None)
            if hasattr(body, "nodes"):
                yield given.target, body


def count_ops(sites: tuple[OpSite, ...]) -> int:
    """How many of them compute something, as torch counts them: without what is inside of others."""
    outer = (site for site in sites if "/" not in site.name)
    return sum(site.op not in ("placeholder", "get_attr", "output") for site in outer)


def _site(node: Any) -> OpSite:
    file, line = _line(node.stack_trace or "")
    inputs = tuple(source.name for source in node.all_input_nodes)
    return OpSite(node.name, _op(node), inputs, output_text(_value(node)), file, line)


def _value(node: Any) -> Any:
    """What it made while Dynamo traced it, or AOTAutograd."""
    meta = node.meta
    return meta["example_value"] if "example_value" in meta else meta.get("val")


def _op(node: Any) -> str:
    if node.op == "call_method":
        return f"Tensor.{node.target}"
    if node.op == "call_module":
        return str(node.target)
    if node.op != "call_function":
        return str(node.op)
    if hasattr(node.target, "overloadpacket"):
        return str(node.target)  # aten.mm.default
    name = getattr(node.target, "__name__", None)
    if name is None or not hasattr(node.target, "__module__"):
        return str(node.target)
    module = (node.target.__module__ or "torch").replace("_operator", "operator")
    return f"{module}.{name}"


def output_text(value: Any) -> str:
    """What a node makes, as `OpSite.output`; `value` is the one that it had when it was traced."""
    import torch

    if isinstance(value, torch.Tensor):
        with torch._C.DisableTorchFunction():
            return spec_text(str(value.dtype), value.shape)
    if isinstance(value, (tuple, list)):
        return shorten(f"({', '.join(output_text(item) for item in value)})")
    if isinstance(value, (torch.SymInt, torch.SymFloat, torch.SymBool, int, float, bool)):
        return f"{type(value).__name__} {value}"
    return ""


def _line(stack: str) -> tuple[str, int]:
    """The innermost line of the user's in a node's stack, or of anybody's where there is none."""
    frames = [(found["file"], int(found["line"])) for found in _FRAME.finditer(stack)]
    users = [frame for frame in frames if is_user_file(frame[0])]
    return (users or frames or [("", 0)])[-1]

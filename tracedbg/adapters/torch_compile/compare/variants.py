"""A graph of Dynamo's kept for comparing: run eagerly, in float64, or with ops as further outputs.

It must not know what is compiled, nor what is compared.
"""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_common._compat import TRANSFORMS
from tracedbg.adapters.torch_compile.graphs import op_sites
from tracedbg.adapters.torch_compile.walk._compat import RESUME_NAME
from tracedbg.adapters.torch_compile.walk.notes import _draws as draws
from tracedbg.compare.records import OpRecord
from tracedbg.frames import real_path

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from tracedbg.events import OpSite

_FUNCTION = re.compile(r'File "(?P<file>.+?)", line (?P<line>\d+), in (?P<function>\S+)')
_CALLS = frozenset(("call_function", "call_method", "call_module"))
_TO_DOUBLE = frozenset(("half", "float", "bfloat16"))


class Graph:
    """A copy of what Dynamo gives to a backend; tensors that it holds are shared until a run begins."""

    def __init__(self, graph_module: Any) -> None:
        self.module = copied(graph_module)
        self.sites: dict[str, OpSite] = {
            node.name: site
            for node, site in zip(graph_module.graph.nodes, op_sites(graph_module.graph), strict=True)
        }
        self.functions = {
            node.name: _function(node.stack_trace or "", self.sites[node.name])
            for node in graph_module.graph.nodes
        }
        self.random = _after_random_ops(self.module.graph)

    def eager(self, arguments: Sequence[Any]) -> tuple[dict[str, Any], tuple[Any, ...]]:
        """Run it eagerly: (what each op made, by its name; what it returns, and its arguments afterwards)."""
        return _run(with_own_tensors(self.module), arguments)

    def in_float64(self, arguments: Sequence[Any]) -> tuple[dict[str, Any], tuple[Any, ...]]:
        """The same in double precision; nothing where the graph cannot be run so."""
        try:
            module = with_own_tensors(self.module, to=_double)
            for node in module.graph.nodes:
                _ask_for_double(node)
            return _run(module, [_double(one) for one in arguments])
        except Exception:
            return {}, ()

    def with_outputs(self, names: Collection[str]) -> tuple[Any, list[str]]:
        """A module that returns, after its own outputs, copies of what these ops made; and their names."""
        import torch

        module = with_own_tensors(self.module)
        graph, more, added = module.graph, [], []
        for node in list(graph.nodes):
            if node.name in names:
                with graph.inserting_after(node):
                    more.append(graph.call_function(torch.clone, (node,)))
                added.append(node.name)
        output = next(node for node in graph.nodes if node.op == "output")
        output.args = ((*output.args[0], *more),)
        module.recompile()
        return module, added

    def record(self, name: str, value: Any) -> OpRecord:
        """What one op made."""
        site = self.sites[name]
        return OpRecord(
            real_path(site.file) if site.file else "", site.line, self.functions[name], site.op, (value,),
            name=name,
        )  # fmt: skip


def copied(module: Any) -> Any:
    """A graph of its own, with the tensors of another."""
    from torch import fx

    graph = fx.Graph()
    known: dict[Any, Any] = {}
    for node in module.graph.nodes:
        known[node] = made = graph.node_copy(node, known.__getitem__)
        made.meta = {}
    return fx.GraphModule(module, graph)


def with_own_tensors(module: Any, to: Any = None) -> Any:
    """A copy whose tensors nobody else has: an op may write into them."""
    made = copied(module)
    for name in {str(node.target) for node in made.graph.nodes if node.op == "get_attr"}:
        *parents, attribute = name.split(".")
        owner = operator.attrgetter(".".join(parents))(made) if parents else made
        held = getattr(owner, attribute)
        if is_tensor(held):
            delattr(owner, attribute)
            owner.register_buffer(attribute, own(held) if to is None else to(held))
    return made


def is_tensor(value: Any) -> bool:
    """Whether it is one, and not a sub-graph or a number."""
    import torch

    return isinstance(value, torch.Tensor)


def own(value: Any) -> Any:
    """A tensor with memory of its own, and no history."""
    return value.detach().clone() if is_tensor(value) else value


def _double(value: Any) -> Any:
    if is_tensor(value) and value.is_floating_point():
        return value.detach().double()
    return own(value)


def _ask_for_double(node: Any) -> None:
    """What makes or takes a float of a given kind is to have a double."""
    import torch

    kinds = {torch.float16, torch.bfloat16, torch.float32}

    def instead(value: Any) -> Any:
        return torch.float64 if isinstance(value, torch.dtype) and value in kinds else value

    node.args = tuple(instead(one) for one in node.args)
    node.kwargs = {name: instead(one) for name, one in node.kwargs.items()}
    if node.op == "call_method" and node.target in _TO_DOUBLE:
        node.target = "double"


def _run(module: Any, arguments: Sequence[Any]) -> tuple[dict[str, Any], tuple[Any, ...]]:
    from torch import fx

    made: dict[str, Any] = {}
    transforms = TRANSFORMS.get()  # inside of one a tensor stands for several, or for others

    class Noting(fx.Interpreter):  # type: ignore[misc]  # torch is untyped here
        def run_node(self, node: Any) -> Any:
            value = super().run_node(node)
            if node.op in _CALLS and is_tensor(value) and transforms() is None:
                made[node.name] = own(value)  # a later op may write into it
            return value

    mine = [own(one) for one in arguments]
    result = Noting(module).run(*mine)
    return made, tuple(own(one) for one in (*result, *mine))


def _function(stack: str, site: OpSite) -> str:
    for found in reversed(list(_FUNCTION.finditer(stack))):
        if (found["file"], int(found["line"])) == (site.file, site.line):
            return RESUME_NAME.sub(r"\g<name>", found["function"])
    return ""


def _after_random_ops(graph: Any) -> frozenset[str]:
    """The random ops and all that depends on one."""
    found: set[Any] = set()
    for node in graph.nodes:
        if draws(node) or any(source in found for source in node.all_input_nodes):
            found.add(node)
    return frozenset(node.name for node in found)


def errors(right: Any, left: Any, other: Any) -> tuple[float, float] | None:
    """How far the eager and the compiled value are from float64; None where only one of them is finite."""
    import torch

    if not is_tensor(right) or not left.is_floating_point():
        return None
    if not right.shape == left.shape == other.shape:
        return None
    if not torch.equal(left.isnan(), other.isnan()) or not torch.equal(left.isinf(), other.isinf()):
        return None
    right = right.double()
    finite = left.isfinite() & right.isfinite()
    size = right[finite].norm().item() + 1e-12

    def error(value: Any) -> float:
        return float((value.double()[finite] - right[finite]).norm().item()) / size

    return error(left), error(other)

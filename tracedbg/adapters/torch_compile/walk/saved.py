"""Which variables of the forward a backward has the values of: what was saved for it, or is computed again.

AOTAutograd carries the name of the call that Dynamo has traced to all that it makes of it, and there may be
several ops in the place of one call. A value is taken for that of a variable only where it can be no other.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_compile.graphs import output_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tracedbg.adapters.torch_compile.walk.copies import Body, Copies, Mark
    from tracedbg.adapters.torch_compile.walk.record import Record

_NUMBER = re.compile(r"_\d+$")
_SAVES_WHAT_IT_MAKES = frozenset(
    {
        *("tanh", "sigmoid", "exp", "exp2", "expm1", "sqrt", "rsqrt", "reciprocal", "relu"),
        *("softmax", "log_softmax", "logsumexp", "amax", "amin"),
    }
)
"""Calls of which autograd saves the result, as a `detach` of it."""
_ALSO_CALLED = {
    "linear": ("addmm", "mm"),
    "matmul": ("mm", "bmm"),
    "truediv": ("div",),
    "square": ("pow",),
    "softmax": ("_softmax",),
    "log_softmax": ("_log_softmax",),
}
"""Aten ops that are all there is of a call, if what they make has the shape of what that makes."""
_MAY_RETURN_WHAT_IT_IS_GIVEN = frozenset({"dropout", "feature_dropout", "alpha_dropout"})
"""Without saying so."""
_OVERWRITE = frozenset(
    f"operator.{name}"
    for name in (
        *("iadd", "isub", "imul", "itruediv", "ifloordiv", "imod", "ipow", "imatmul"),
        *("iand", "ior", "ixor", "ilshift", "irshift", "setitem"),
    )
)


def call_name(meta: Mapping[str, Any]) -> str:
    """The name that AOTAutograd has for a node of Dynamo's; or for the one that a node of its own is for."""
    stack = meta.get("fwd_source_fn_stack") or meta.get("source_fn_stack")
    return str(stack[-1][0]) if stack else ""


def call_names(copies: Copies) -> dict[str, Any]:
    """The nodes of copied graphs, by those names that only one of them has."""
    found: dict[str, Any] = {}
    for original, node in copies.nodes.items():
        if name := call_name(original.meta):
            found[name] = None if name in found else node
    return {name: node for name, node in found.items() if node is not None}


def marks_of(body: Body) -> dict[Any, Mark]:
    """The line at which each node is run, in a body and those in it, with what the line has named as well."""
    found: dict[Any, Mark] = {}
    marks = [mark for at in body.marks.values() for mark in at]
    after = {mark: _with_results(mark, marks[number + 1 :]) for number, mark in enumerate(marks)}
    mark: Mark | None = None
    for node in body.nodes:
        mark = next(reversed(body.marks.get(node, ())), mark)
        if mark is not None:
            found[node] = after[mark]
    for inner in body.attributes.values():
        if isinstance(inner, type(body)):
            found |= marks_of(inner)
    return found


def _with_results(mark: Mark, later: Sequence[Mark]) -> Mark:
    """`mark` with the variables that its function has at its next line, and did not have before."""
    for one in later:
        if one.caller is mark.caller and one.function == mark.function and one.line != mark.line:
            return replace(mark, variables={**one.variables, **mark.variables})
    return mark


def saved_values(originals: Mapping[Any, Any], forward: Record) -> dict[Any, Any]:
    """The nodes of a backward that have values of its forward, by the nodes of that.

    Args:
        originals: the nodes of the backward's copy, by those of AOTAutograd's graph.
        forward: the graph that Dynamo has traced.
    """
    overwritten = _overwritten(forward)
    output = next(node for node in originals if node.op == "output")
    # One gradient for each input, so that the inputs are those of the graph, and nothing is added to them.
    inputs = forward.body.placeholders if len(output.args[0]) == len(forward.body.placeholders) else []
    found: dict[Any, Any] = {}
    for original, node in originals.items():
        desc = original.meta.get("desc")
        if original.op == "placeholder" and type(desc).__name__ == "PlainAOTInput":
            made = inputs[desc.idx] if desc.idx < len(inputs) else None
        else:
            made = forward.calls.get(call_name(original.meta))
            made = made if made is not None and _is_result(original, made, forward) else None
        if made is not None and made not in overwritten:
            found.setdefault(made, node)
    return found


def _is_result(original: Any, made: Any, forward: Record) -> bool:
    """Whether a node of AOTAutograd's is the result of a call, and not something on the way to it."""
    if original.op == "placeholder":
        name = _NUMBER.sub("", original.name)
    elif original.meta.get("partitioner_tag") == "is_forward" and hasattr(original.target, "overloadpacket"):
        name = original.target.overloadpacket.__name__
    else:
        return False
    if made not in forward.numbers:
        return False
    site = forward.sites[forward.numbers[made]]
    call = site.op.rpartition(".")[2]
    fits = name in (call, *_ALSO_CALLED.get(call, ())) or (name == "detach" and call in _SAVES_WHAT_IT_MAKES)
    return fits and bool(site.output) and output_text(original.meta.get("val")) == site.output


def _overwritten(forward: Record) -> set[Any]:
    """The nodes whose values an op of the graph may write to: what was saved could be older, or newer."""
    neighbours: dict[Any, list[Any]] = {}
    reached: list[Any] = []
    for node, number in forward.numbers.items():
        op = forward.sites[number].op
        if _may_be_view(op):
            for source in node.all_input_nodes:
                neighbours.setdefault(node, []).append(source)
                neighbours.setdefault(source, []).append(node)
        reached += _written_by(node, op)
    found: set[Any] = set()
    while reached:
        node = reached.pop()
        if node not in found:
            found.add(node)
            reached += neighbours.get(node, ())
    return found


def _written_by(node: Any, op: str) -> Iterator[Any]:
    is_in_place = (op.endswith("_") and not op.endswith("__")) or op in _OVERWRITE
    if is_in_place and node.all_input_nodes:
        yield node.all_input_nodes[0]
        yield node
    if (out := node.kwargs.get("out")) is not None:
        yield from out if isinstance(out, (tuple, list)) else (out,)


def _may_be_view(op: str) -> bool:
    """Whether what an op makes may share memory with what it is given."""
    import torch

    call = op.rpartition(".")[2]
    for name in (call, *_ALSO_CALLED.get(call, ())):
        packet = getattr(torch.ops.aten, name, None)
        if packet is not None and call not in _MAY_RETURN_WHAT_IT_IS_GIVEN:
            returns = [one for at in packet.overloads() for one in getattr(packet, at)._schema.returns]
            return any(one.alias_info is not None and not one.alias_info.is_write for one in returns)
    return True


class SavedLevel:
    """The values of a forward that its backward has at a moment: what a `TracedFrame` asks of a `Level`."""

    def __init__(self, values: dict[Any, Any], saved: Mapping[Any, Any]) -> None:
        self._values = values
        self._saved = saved

    @property
    def values(self) -> SavedLevel:
        """By the forward's nodes."""
        return self

    def holding(self, node: Any) -> SavedLevel | None:
        """It, if it has the value of a node."""
        return self if self._saved.get(node) in self._values else None

    def __getitem__(self, node: Any) -> Any:
        return self._values[self._saved[node]]

    def __setitem__(self, node: Any, value: Any) -> None:
        self._values[self._saved[node]] = value


class _ForwardIsOver:
    """In the place of a `Call`: the frame that has called the forward is gone, with its variables."""

    frame = None


FORWARD_IS_OVER: Any = _ForwardIsOver()

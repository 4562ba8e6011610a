"""How one node of TorchScript is run by itself, exactly as torch's interpreter would run it.

By torch's own operator where that takes Python's values as they are; else by a function of torch's that has
only this node; lists and dicts by Python's, which others hold, too. It must not know control flow or stops.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_script.walk import _compat
from tracedbg.adapters.torch_script.walk.containers import OF_DICTS, OF_LISTS, OF_PLAIN_LISTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Run = Callable[[list[Any]], "tuple[Any, ...] | list[Any]"]

_GENERIC = re.compile(r"\bt\b|\btVal\b|\.\.\.|AnyEnumType|\bAny\b|Any\[\]|Dict\(")
_PLAIN = frozenset(("BoolType", "FloatType", "IntType", "StringType"))
_NO_SCHEMA = "(no schema)"
_ALONE = frozenset(
    (
        "prim::isinstance",
        "prim::CreateObject",
        "prim::Print",
        "prim::EnumName",
        "prim::EnumValue",
        "prim::StringIndex",
        "prim::tolist",
        "prim::TupleConstruct",
    )
)
"""Run by a function that has only this node."""


class CannotRunError(Exception):
    """A node that only torch's interpreter can run; the text says why."""


def run_of(node: Any) -> Run:
    """What runs a node: from its inputs to its outputs.

    Raises:
        CannotRunError: nothing of ours does.
    """
    kind, schema = node.kind(), node.schema()
    simple = _SIMPLE.get(kind)
    if simple is not None:
        return simple(node)
    if kind in _ALONE:
        return _alone(node)
    if schema == _NO_SCHEMA or kind in {"aten::wait", "prim::rpc_async"}:
        raise CannotRunError(f"{kind} is run by torch's own interpreter only")
    return _by_schema(node, kind, schema)


def _by_schema(node: Any, kind: str, schema: str) -> Run:
    arguments = schema.partition("(")[2].rpartition("->")[0]
    first = arguments.split(",")[0]
    container = node.inputsAt(0).type().kind() if node.inputsSize() else ""
    python = None
    if container == "DictType" and "Dict(" in first:
        if "Dict(Tensor" in first:
            raise CannotRunError("a dict with tensors as keys is known to torch's own interpreter only")
        python = OF_DICTS.get(kind)
    elif container == "ListType" and "[]" in first:
        items = node.inputsAt(0).type().containedTypes()[0].kind()
        if items in _PLAIN and "!" in first:
            python = OF_PLAIN_LISTS.get(kind)
        elif "t[]" in first:
            python = OF_LISTS.get(kind)
    if python is not None:
        return _python(python, node.outputsSize())
    if container in {"DictType", "ListType"} and re.search(r"(\[\]|\))\(\w!", first):
        raise CannotRunError(f"{kind} writes into a container, which torch's own interpreter only can do")
    if _GENERIC.search(arguments):
        return _alone(node)
    return _operator(schema, node.outputsSize())


def _python(function: Callable[..., Any], outputs: int) -> Run:
    if not outputs:
        return lambda inputs: (function(*inputs), ())[1]
    return lambda inputs: (function(*inputs),)


@functools.lru_cache(maxsize=4096)
def _operator(schema: str, outputs: int) -> Run:
    """Torch's operator of that schema."""
    name, _, overload = schema.partition("(")[0].partition(".")
    try:
        function = _compat.OPERATION.get()(name, overload)[0]
    except Exception as error:
        raise CannotRunError(f"torch has no operator {name} for Python: {error}") from error
    arguments = _compat.PARSE_SCHEMA.get()(schema).arguments
    named = [argument.name for argument in arguments if argument.kwarg_only]
    positional = len(arguments) - len(named)

    def run(inputs: list[Any]) -> tuple[Any, ...] | list[Any]:
        made = function(*inputs[:positional], **dict(zip(named, inputs[positional:], strict=True)))
        if outputs == 1:
            return (made,)
        return made if outputs else ()

    return run


def _alone(node: Any) -> Run:
    """A function of torch's that has only this node."""
    graph = _compat.GRAPH.get()()
    known: dict[str, Any] = {}
    positions = []
    for position in range(node.inputsSize()):
        value = node.inputsAt(position)
        if value.debugName() in known:
            continue
        made = graph.addInput()
        made.setType(value.type())
        known[value.debugName()] = made
        positions.append(position)
    copy = graph.createClone(node, lambda value: known[value.debugName()])
    graph.appendNode(copy)
    for output in copy.outputs():
        graph.registerOutput(output)
    function = _compiled("one_node", graph)

    def run(inputs: list[Any]) -> tuple[Any, ...]:
        return tuple(function(*(inputs[position] for position in positions)))

    return run


def converter(kind: Any) -> Callable[[Any], Any]:
    """What makes of a Python value what torch gives back for that type; raises where it does not fit."""
    convert = convert_all([kind])
    return lambda value: convert([value])[0]


def convert_all(kinds: Sequence[Any]) -> Callable[[Sequence[Any]], list[Any]]:
    """The same for several values."""
    if not kinds:
        return lambda _: []
    graph = _compat.GRAPH.get()()
    for kind in kinds:
        value = graph.addInput()
        value.setType(kind)
        graph.registerOutput(value)
    function = _compiled("values", graph)
    return lambda values: list(function(*values))


def _compiled(name: str, graph: Any) -> Callable[..., Any]:
    """What gives the outputs of a graph of ours, as a tuple: nobody stands in the way of this call."""
    graph.makeMultiOutputIntoTuple()
    function = _compat.FROM_GRAPH.get()(name, graph)
    call = vars(type(function))["__call__"]
    while hasattr(call, "__wrapped__"):
        call = call.__wrapped__
    return functools.partial(call, function)


def _get_attribute(node: Any) -> Run:
    name = node.s("name")

    def run(inputs: list[Any]) -> tuple[Any, ...]:
        owner = inputs[0]
        return (owner.getattr(name) if is_script_object(owner) else getattr(owner, name),)

    return run


def _set_attribute(node: Any) -> Run:
    name = node.s("name")

    def run(inputs: list[Any]) -> tuple[Any, ...]:
        owner, value = inputs
        if is_script_object(owner):
            owner.setattr(name, value)
        else:
            setattr(owner, name, value)
        return ()

    return run


def is_script_object(value: object) -> bool:
    """Whether torch holds it, and Python has a handle on it: a module, above all."""
    import torch

    return isinstance(value, torch.ScriptObject)


def _constant(node: Any) -> Run:
    value = node.output().toIValue() if node.hasAttributes() else None
    return lambda _: (value,)


def _slice_of_tuple(node: Any) -> Run:
    start, end = node.i("beg"), node.i("end")
    return lambda inputs: (inputs[0][start:end],)


def _same(_: Any) -> Run:
    return lambda inputs: (inputs[0],)


_SIMPLE: dict[str, Callable[[Any], Run]] = {
    "prim::Constant": _constant,
    "prim::GetAttr": _get_attribute,
    "prim::SetAttr": _set_attribute,
    "prim::ListConstruct": lambda _: lambda inputs: (list(inputs),),
    "prim::TupleConstruct": lambda _: lambda inputs: (tuple(inputs),),
    "prim::DictConstruct": lambda _: lambda inputs: (dict(zip(inputs[::2], inputs[1::2], strict=True)),),
    "prim::ListUnpack": lambda node: functools.partial(_unpack, node.outputsSize()),
    "prim::TupleUnpack": lambda _: lambda inputs: tuple(inputs[0]),
    "prim::TupleIndex": lambda _: lambda inputs: (inputs[0][inputs[1]],),
    "prim::TupleSlice": _slice_of_tuple,
    "prim::unchecked_cast": _same,
    "prim::unchecked_unwrap_optional": _same,
    "prim::Uninitialized": lambda _: lambda _inputs: (None,),
    "aten::__is__": lambda _: lambda inputs: (inputs[0] is inputs[1],),
    "aten::__isnot__": lambda _: lambda inputs: (inputs[0] is not inputs[1],),
    "aten::__not__": lambda _: lambda inputs: (not inputs[0],),
    "aten::_unwrap_optional": lambda _: _unwrap,
}


def _unpack(count: int, inputs: list[Any]) -> list[Any]:
    items: list[Any] = inputs[0]
    if len(items) != count:
        raise RuntimeError(f"Expected {count} elements in a list but found {len(items)}")
    return items


def _unwrap(inputs: list[Any]) -> tuple[Any, ...]:
    if inputs[0] is None:
        raise RuntimeError("Unwrapping null optional")
    return (inputs[0],)

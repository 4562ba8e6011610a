"""Higher-order ops: which of the graphs that they are given are walked, and how often.

What is not known here is run by torch as it is: stepped over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_common._compat import TRANSFORMS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Run = Callable[..., Any]
    """Walks a graph: (body, arguments, turn of a loop)."""


def walked(node: Any) -> tuple[str, ...]:
    """The targets of the graphs among a node's arguments that are walked."""
    if name_of(node) not in _HANDLERS:
        return ()
    return tuple(str(one.target) for one in node.all_input_nodes if one.op == "get_attr")


def name_of(node: Any) -> str:
    """The name of the higher-order op that a node calls; empty where it calls another function."""
    if node.op != "call_function":
        return ""
    import torch

    is_higher_order = isinstance(node.target, torch._ops.HigherOrderOperator)
    return str(node.target.__name__) if is_higher_order else ""


def handler(node: Any) -> Callable[..., Any] | None:
    """What runs a node's op with the graphs that it calls walked; None if torch is to run it.

    Takes (`Run`, args, the op, kwargs); a graph among them is a `Body`.
    """
    if TRANSFORMS.get()() is not None:
        return None  # under vmap a condition is a batch of conditions, of which torch makes something else
    return _HANDLERS.get(name_of(node))


def _cond(run: Run, args: Sequence[Any], *_: Any) -> Any:
    predicate, if_true, if_false, *operands = args
    return run(if_true if predicate else if_false, tuple(operands[0]) if operands else ())


def _while_loop(run: Run, args: Sequence[Any], *_: Any) -> Any:
    import torch

    condition, body, carried, *additional = args
    extra = tuple(additional[0]) if additional else ()
    carried, turn = tuple(carried), 0
    while run(condition, (*carried, *extra), turn):
        carried = tuple(run(body, (*carried, *extra), turn))
        turn += 1
    if turn == 0:
        return tuple(one.clone() if isinstance(one, torch.Tensor) else one for one in carried)
    return carried


def _scan(run: Run, args: Sequence[Any], *_: Any) -> Any:
    combine, initial, elements, *additional = args
    extra = tuple(additional[0]) if additional else ()
    carry: list[Any] = list(initial)
    made: list[list[Any]] = []
    for turn in range(elements[0].shape[0]):
        found = run(combine, (*carry, *(one.select(0, turn) for one in elements), *extra), turn)
        carry = list(found[: len(carry)])
        made.append(list(found[len(carry) :]))
    return (*carry, *_stacked(made))


def _map(run: Run, args: Sequence[Any], *_: Any) -> Any:
    body, elements, *additional = args
    extra = tuple(additional[0]) if additional else ()
    turns = range(elements[0].shape[0])
    return tuple(
        _stacked([run(body, (*(one.select(0, turn) for one in elements), *extra), turn) for turn in turns])
    )


def _stacked(turns: Sequence[Sequence[Any]]) -> list[Any]:
    """What the turns have made, each output along a new first dimension."""
    import torch

    return [None if one[0] is None else torch.stack(one) for one in zip(*turns, strict=True)]


def _first(run: Run, args: Sequence[Any], *_: Any) -> Any:
    return run(args[0], tuple(args[1:]))


def _subgraph(run: Run, args: Sequence[Any], *_: Any) -> Any:
    return run(args[0], tuple(args[2:]))


def _with_grad(run: Run, args: Sequence[Any], *_: Any) -> Any:
    import torch

    with torch.set_grad_enabled(args[0]):
        return run(args[1], tuple(args[2:]))


def _with_autocast(run: Run, args: Sequence[Any], *_: Any) -> Any:
    import torch

    with torch.autocast(*args[:4]):
        return run(args[4], tuple(args[5:]))


def _hints(run: Run, args: Sequence[Any], *_: Any) -> Any:
    return run(args[0], tuple(args[1]))


def _autograd_function(run: Run, args: Sequence[Any], op: Any, kwargs: dict[str, Any]) -> Any:
    forward, backward, *given = args
    return op(_stand_in(run, forward, len(given)), backward.module, *given, **kwargs)


def _stand_in(run: Run, body: Any, count: int) -> Any:
    """A module with a graph that walks `body`, for an op that interprets the graph it is given."""
    import torch

    def walk(*arguments: Any) -> Any:
        return run(body, arguments)

    graph = torch.fx.Graph()
    inputs = [graph.placeholder(f"input_{index}") for index in range(count)]
    graph.output(graph.call_function(walk, tuple(inputs)))
    module = torch.nn.Module()
    module.graph = graph
    return module


_HANDLERS: dict[str, Callable[..., Any]] = {
    "cond": _cond,
    "while_loop": _while_loop,
    "scan": _scan,
    "map_impl": _map,
    "map": _map,
    "wrap": _first,
    "tag_activation_checkpoint": _first,
    "wrap_activation_checkpoint": _first,
    "invoke_subgraph": _subgraph,
    "wrap_with_set_grad_enabled": _with_grad,
    "wrap_with_autocast": _with_autocast,
    "hints_wrapper": _hints,
    "autograd_function_apply": _autograd_function,
}
"""By the name of the op. What is checkpointed is not computed again in the backward of a walk."""

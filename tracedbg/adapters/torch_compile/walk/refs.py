"""What each of the user's variables was while Dynamo traced a line, in a form that outlives the compile.

Dynamo's own `VariableTracker`s hold the user's objects; what is made of them here holds names, constants
and nodes only. The values are found again when a walk stops.
"""

from __future__ import annotations

import sys
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_compile.walk import _compat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_MAX_ITEMS = 200
_MAX_DEPTH = 4
_PLAIN = (type(None), bool, int, float, complex, str, bytes)


@dataclass(frozen=True)
class Constant:
    """A value that was put into the graph, or decided what is in it."""

    value: Any


@dataclass(frozen=True)
class NodeValue:
    """What a node of the graph makes."""

    node: Any
    otherwise: Ref | None = None
    """Where the node did not make it into the graph."""


@dataclass(frozen=True)
class SourceValue:
    """Something that the function was given, or finds: an expression over `L` and `G`."""

    expression: str


@dataclass(frozen=True)
class SymbolValue:
    """A number that follows from sizes: an expression, and where its symbols come from."""

    expression: str
    sources: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Items:
    """A list, tuple, set, ... that the function has made."""

    kind: type
    items: tuple[Ref, ...]


@dataclass(frozen=True)
class Entries:
    """A dict that the function has made."""

    kind: type
    entries: tuple[tuple[Any, Ref], ...]


Ref = Constant | NodeValue | SourceValue | SymbolValue | Items | Entries


class Describer:
    """Describes the variables of one kind of torch: looks up its classes once."""

    def __init__(self) -> None:
        from torch._dynamo import variables

        self._lazy = variables.LazyVariableTracker
        self._kinds: tuple[tuple[type, Callable[[Any, Any, int], Ref | None]], ...] = (
            (variables.TensorVariable, self._tensor),
            (variables.SymNodeVariable, self._symbol),
            (variables.ConstantVariable, self._constant),
            (variables.CellVariable, self._cell),
            (variables.SetVariable, self._set),
            (variables.ConstDictVariable, self._dict),
            (variables.RangeVariable, self._other),
            (variables.BaseListVariable, self._list),
        )

    def describe(self, variable: Any, output: Any, depth: int = 0) -> Ref | None:
        """What `variable` is; None if that cannot be told.

        Args:
            variable: a `VariableTracker`.
            output: the `OutputGraph` of the trace.
            depth: how many containers it is in.
        """
        if isinstance(variable, self._lazy):
            if not variable.is_realized():
                return self._other(variable, output, depth)
            variable = variable.realize()
        for kind, describe in self._kinds:
            if isinstance(variable, kind):
                return describe(variable, output, depth)
        return self._other(variable, output, depth)

    def _tensor(self, variable: Any, *_: Any) -> Ref | None:
        return NodeValue(variable.proxy.node, self._source(variable))

    def _symbol(self, variable: Any, output: Any, _: int) -> Ref | None:
        return NodeValue(variable.proxy.node, self._source(variable) or _symbolic(variable, output))

    def _constant(self, variable: Any, *_: Any) -> Ref | None:
        return Constant(variable.value)

    def _cell(self, variable: Any, output: Any, depth: int) -> Ref | None:
        stored = output.side_effects.store_attr_mutations.get(variable, {})
        contents = stored.get("cell_contents", variable.pre_existing_contents)
        return None if contents is None else self.describe(contents, output, depth)

    def _list(self, variable: Any, output: Any, depth: int) -> Ref | None:
        items = variable.items
        if (found := self._untouched(variable, output)) or depth >= _MAX_DEPTH or len(items) > _MAX_ITEMS:
            return found
        return self._items(_kind(variable, list), items, output, depth)

    def _set(self, variable: Any, output: Any, depth: int) -> Ref | None:
        items = [key.vt for key in variable.items]
        if (found := self._untouched(variable, output)) or depth >= _MAX_DEPTH or len(items) > _MAX_ITEMS:
            return found
        return self._items(_kind(variable, set), items, output, depth)

    def _items(self, kind: type, items: Any, output: Any, depth: int) -> Ref | None:
        found = [self.describe(item, output, depth + 1) for item in items]
        refs = tuple(ref for ref in found if ref is not None)
        return Items(kind, refs) if len(refs) == len(found) else None

    def _dict(self, variable: Any, output: Any, depth: int) -> Ref | None:
        items = variable.items
        if (found := self._untouched(variable, output)) or depth >= _MAX_DEPTH or len(items) > _MAX_ITEMS:
            return found
        entries = []
        for key, item in items.items():
            name, ref = self.describe(key.vt, output), self.describe(item, output, depth + 1)
            if isinstance(name, Constant) and ref is not None:
                entries.append((name.value, ref))
        return Entries(_kind(variable, dict), tuple(entries))

    def _other(self, variable: Any, *_: Any) -> Ref | None:
        if (found := self._source(variable)) is not None:
            return found
        if isinstance(variable, self._lazy):
            return None
        try:
            value = variable.as_python_constant()
        except Exception:
            return None
        return (
            Constant(value) if isinstance(value, (*_PLAIN, range, slice)) or _is_torch_plain(value) else None
        )

    def _untouched(self, variable: Any, output: Any) -> Ref | None:
        """The user's own container, as long as the function has not changed it."""
        found = self._source(variable)
        if found is None:
            return None
        try:
            return None if output.side_effects.is_modified(variable) else found
        except Exception:
            return found

    def _source(self, variable: Any) -> Ref | None:
        source = getattr(variable, "source", None)
        return None if source is None else SourceValue(_compat.source_name(source))


def _kind(variable: Any, default: type) -> type:
    try:
        kind = variable.python_type()
    except Exception:
        return default
    return kind if isinstance(kind, type) and kind.__module__ in ("builtins", "collections") else default


def _is_torch_plain(value: Any) -> bool:
    import torch

    return isinstance(value, (torch.dtype, torch.device, torch.layout, torch.memory_format))


def _symbolic(variable: Any, output: Any) -> Ref | None:
    try:
        expression = variable.sym_num.node.expr
        sources = output.shape_env.var_to_sources
        return SymbolValue(
            str(expression),
            tuple(
                (str(symbol), _compat.source_name(sources[symbol][0])) for symbol in expression.free_symbols
            ),
        )
    except Exception:
        return None


def with_nodes(ref: Ref, nodes: Mapping[Any, Any], inputs: Mapping[str, Any]) -> Ref | None:
    """`ref` with the nodes of a copy of the graph; None if it is about a node that is not in it.

    Args:
        ref: with the nodes of Dynamo's graph.
        nodes: those of the copy, by Dynamo's.
        inputs: the inputs of the copy by their sources: at a line before its first use, a tensor that the
            function was given is not known as such.
    """
    if isinstance(ref, NodeValue):
        node = nodes.get(ref.node)
        return NodeValue(node, ref.otherwise) if node is not None else ref.otherwise
    if isinstance(ref, SourceValue) and ref.expression in inputs:
        return NodeValue(inputs[ref.expression], ref)
    if isinstance(ref, Items):
        found = [with_nodes(item, nodes, inputs) for item in ref.items]
        items = tuple(item for item in found if item is not None)
        return replace(ref, items=items) if len(items) == len(found) else None
    if isinstance(ref, Entries):
        entries = [(key, with_nodes(item, nodes, inputs)) for key, item in ref.entries]
        return replace(ref, entries=tuple((key, item) for key, item in entries if item is not None))
    return ref


def nodes_of(ref: Ref) -> Iterator[Any]:
    """The nodes that have to be there for `ref` to have a value."""
    if isinstance(ref, NodeValue):
        yield ref.node
    elif isinstance(ref, Items):
        for item in ref.items:
            yield from nodes_of(item)
    elif isinstance(ref, Entries):
        for _, item in ref.entries:
            yield from nodes_of(item)


class NoValueError(Exception):
    """It is not computed yet, or cannot be found."""


def value_of(  # noqa: PLR0911  one for each kind
    ref: Ref, node_value: Callable[[Any], Any], source_value: Callable[[str], Any]
) -> Any:
    """The value behind `ref`.

    Args:
        ref: what it is.
        node_value: gives what a node has made.
        source_value: evaluates the expression of a source.

    Raises:
        NoValueError: it is not there, or not yet.
    """
    match ref:
        case Constant(value):
            return value
        case NodeValue(node, otherwise):
            try:
                return node_value(node)
            except NoValueError:
                if otherwise is None or isinstance(otherwise, SymbolValue):
                    raise
                return value_of(otherwise, node_value, source_value)
        case SourceValue(expression):
            return source_value(expression)
        case SymbolValue(expression, sources):
            return _number(expression, {name: source_value(source) for name, source in sources})
        case Items(kind, items):
            return _made(kind, [value_of(item, node_value, source_value) for item in items])
        case Entries(kind, entries):
            made = {key: value_of(item, node_value, source_value) for key, item in entries}
            return kind(made) if kind is not dict and _takes_one(kind) else made


def _made(kind: type, values: list[Any]) -> Any:
    if kind in (tuple, set, frozenset, deque):
        return kind(values)
    return values


def _takes_one(kind: type) -> bool:
    return kind.__name__ in ("OrderedDict", "Counter")


def _number(expression: str, symbols: dict[str, Any]) -> Any:
    sympy = sys.modules["sympy"]  # torch has loaded it for its symbols
    numbers = {name: sympy.Integer(number) for name, number in symbols.items()}
    value = sympy.sympify(expression, locals=numbers)
    if not value.is_number:
        raise NoValueError(expression)
    return int(value) if value.is_integer else float(value)

"""A function of TensorFlow's as a list of nodes, in the order in which they are run one by one.

Read from its `FunctionDef`, which stays as it is while graphs are changed by gradients. It must not know how
a node is run, nor what stops.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.tf_function.walk import _compat
from tracedbg.adapters.tf_function.walk.attributes import UNSET, attributes
from tracedbg.adapters.tf_function.walk.levels import NOWHERE, Origin
from tracedbg.events import OpSite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tracedbg.adapters.tf_function.walk.levels import Chain
    from tracedbg.adapters.tf_function.walk.recording import FunctionRecord
    from tracedbg.adapters.tf_function.walk.refs import Symbol

XLA = "_XlaMustCompile"
_FORWARD = "forward_function_name"


class Role(Enum):
    """How a node is run."""

    OP = auto()
    CONST = auto()
    CALL = auto()
    """Another function."""
    IF = auto()
    WHILE = auto()
    CASE = auto()


_ROLES = {
    "Const": Role.CONST,
    "PartitionedCall": Role.CALL,
    "StatefulPartitionedCall": Role.CALL,
    "If": Role.IF,
    "StatelessIf": Role.IF,
    "While": Role.WHILE,
    "StatelessWhile": Role.WHILE,
    "Case": Role.CASE,
    "StatelessCase": Role.CASE,
}
_FUNCTIONS = {
    Role.CALL: ("f",),
    Role.IF: ("then_branch", "else_branch"),
    Role.WHILE: ("cond", "body"),
}
CONTROL_FLOW = frozenset({Role.IF, Role.WHILE, Role.CASE})
_MEETING = ("Collective", "Nccl")
"""What ops are called that wait for the same op on other devices."""


@dataclass(eq=False)
class Node:
    """One op of a function."""

    index: int
    """Position in `Plan.nodes`."""
    name: str
    op: str
    role: Role
    proto: Any
    """Its `NodeDef`."""
    inputs: tuple[int, ...]
    """Slots of its inputs."""
    slot: int
    """The first of its outputs."""
    outputs: int
    """How many it has."""
    attributes: tuple[Any, ...] | None
    """As `TFE_Py_Execute` takes them; None where that cannot."""
    functions: tuple[str, ...]
    """The functions that it calls."""
    device: str | None
    is_meeting: bool
    """Whether it, or what it calls, waits for an op of another device."""
    origin: Origin = NOWHERE
    free: tuple[int, ...] = ()
    """Slots that nobody needs after it."""
    input_names: tuple[str, ...] = ()
    constant: Any = None
    """The value of a `Const`, once it has been run."""

    def site(self) -> OpSite:
        """As others know it."""
        chain = self.origin.chain
        file, line = ("", 0) if chain is None else chain.level.place
        return OpSite(self.name, self.op, self.input_names, "", file, line)


@dataclass(eq=False)
class Plan:
    """A function, ready to be run node by node."""

    name: str
    nodes: list[Node]
    arguments: tuple[str, ...]
    slots: dict[str, int]
    """By name of an op or an argument, its first slot."""
    size: int
    """Number of slots."""
    results: tuple[int, ...]
    """Slots of what it returns."""
    record: FunctionRecord | None
    is_compiled: bool
    """Whether it is to be compiled by XLA."""
    forward: str = ""
    """For the gradient of a function: the name of that."""
    has_meetings: bool = False
    symbols: frozenset[Symbol] = frozenset()
    """The tensors that its lines have as locals."""

    @property
    def graph(self) -> int:
        """Number of the graph; 0 if it was not seen when it was made."""
        return 0 if self.record is None else self.record.graph.number


class Planner:
    """Makes plans.

    Args:
        record: what was noted of a function while it was traced.
        origins: where its ops come from, read off the function itself.
        plan_of: the plan of another function.
    """

    def __init__(
        self,
        record: Callable[[str], FunctionRecord | None],
        origins: Callable[[str, FunctionRecord | None, Any], dict[str, Origin]],
        plan_of: Callable[[str], Plan],
    ) -> None:
        self._record = record
        self._origins = origins
        self._plan_of = plan_of
        self._context = _compat.CONTEXT.get()
        self._op_def = _compat.OP_DEFS.get()

    def plan(self, name: str) -> Plan:
        """A new plan of a function.

        Raises:
            Exception: TensorFlow knows no such function, or something in it is unknown.
        """
        definition = self._context().get_function_def(name)
        record = self._record(name)
        origins = self._origins(name, record, definition)
        arguments = tuple(argument.name for argument in definition.signature.input_arg)
        protos = {proto.name: proto for proto in definition.node_def}
        results = [_source(definition.ret[output.name]) for output in definition.signature.output_arg]
        roots = [name for name, *_ in results] + list(definition.control_ret.values())
        order = self._order(protos, roots)
        slots = {argument: position for position, argument in enumerate(arguments)}
        size = len(arguments)
        op_of = _ops_of_nodes(record, protos)
        kept = _without_loss(origins, op_of, {proto.name for proto in order})
        nodes: list[Node] = []
        offsets: dict[str, dict[str, int]] = {}
        for proto in order:
            node, offsets[proto.name] = self._node(proto, len(nodes), size)
            node.origin = kept.get(proto.name, NOWHERE)
            slots[proto.name] = size
            size += node.outputs
            nodes.append(node)

        def slot(source: tuple[str, str, int]) -> int:
            name, output, index = source
            return slots[name] + (offsets[name][output] if output else 0) + index

        for node in nodes:
            sources = [_source(text) for text in node.proto.input if not text.startswith("^")]
            node.inputs = tuple(slot(source) for source in sources)
            node.input_names = tuple(source[0] for source in sources)
        made = Plan(
            name,
            nodes,
            arguments,
            {op_of.get(node, node): first for node, first in slots.items()},
            size,
            tuple(slot(source) for source in results),
            record,
            is_compiled=definition.attr[XLA].b if XLA in definition.attr else False,
            forward=definition.attr[_FORWARD].s.decode() if _FORWARD in definition.attr else "",
            has_meetings=any(node.is_meeting for node in nodes),
        )
        self._note_last_uses(made)
        return made

    def _node(self, proto: Any, index: int, slot: int) -> tuple[Node, dict[str, int]]:
        op_def = self._op_def(proto.op)
        role, op = _ROLES.get(proto.op, Role.OP), proto.op
        functions: tuple[str, ...] = ()
        if op_def is None:  # the name of a function stands in the place of an op's
            op_def = self._context().get_function_def(proto.op).signature
            role, op, functions = Role.CALL, "PartitionedCall", (proto.op,)
        elif role in _FUNCTIONS:
            functions = tuple(proto.attr[attribute].func.name for attribute in _FUNCTIONS[role])
        elif role is Role.CASE:
            functions = tuple(function.name for function in proto.attr["branches"].list.func)
        offsets, outputs = _outputs(op_def, proto.attr)
        is_meeting = proto.op.startswith(_MEETING) or any(
            self._plan_of(name).has_meetings for name in functions
        )
        made = attributes(op_def, proto)
        node = Node(
            index, proto.name, op, role, proto, (), slot, outputs, None if made is UNSET else made, functions,
            proto.device or None, is_meeting,
        )  # fmt: skip
        return node, offsets

    def _order(self, protos: dict[str, Any], roots: Iterable[str]) -> list[Any]:
        """What the results need, in the order in which it was made, as far as that can be run.

        Ops that wait for other devices come together, after all that does not need them: so they can all be
        begun before one of them is waited for.
        """
        position = {name: index for index, name in enumerate(protos)}
        needed: set[str] = set()
        waiting = [root for root in roots if root in protos]
        while waiting:
            name = waiting.pop()
            if name not in needed:
                needed.add(name)
                waiting += [source for source in _names(protos[name]) if source in protos]
        users: dict[str, list[str]] = {name: [] for name in needed}
        missing = dict.fromkeys(needed, 0)
        for name in needed:
            for source in set(_names(protos[name])):
                if source in needed:
                    users[source].append(name)
                    missing[name] += 1
        level = dict.fromkeys(needed, 0)
        heap = [(0, self._meets(protos[name]), position[name], name) for name in needed if not missing[name]]
        heapq.heapify(heap)
        order = []
        while heap:
            at, meets, _, name = heapq.heappop(heap)
            order.append(protos[name])
            for user in users[name]:
                level[user] = max(level[user], at + meets)
                missing[user] -= 1
                if not missing[user]:
                    heapq.heappush(heap, (level[user], self._meets(protos[user]), position[user], user))
        if len(order) < len(needed):
            raise ValueError("the function has a cycle")
        return order

    def _meets(self, proto: Any) -> bool:
        if proto.op.startswith(_MEETING):
            return True
        role = _ROLES.get(proto.op)
        if role in _FUNCTIONS:
            names = [proto.attr[attribute].func.name for attribute in _FUNCTIONS[role]]
            return any(self._plan_of(name).has_meetings for name in names)
        return False

    def _note_last_uses(self, plan: Plan) -> None:
        """Note after which node each value is needed no more, by an op or as a local of a line."""
        last: dict[int, int] = {}
        all_symbols: set[Symbol] = set()
        seen: dict[int, frozenset[Symbol]] = {}
        for node in plan.nodes:
            for slot in node.inputs:
                last[slot] = node.index
            for offset in range(node.outputs):
                last.setdefault(node.slot + offset, node.index)
            found = _symbols_of(node.origin, seen)
            if node.role in CONTROL_FLOW:
                found = found.union(*(self._plan_of(name).symbols for name in node.functions))
            if not found:
                continue
            all_symbols |= found
            for symbol in found:
                if (at := slot_of(plan, symbol)) is not None:
                    last[at] = max(node.index, last.get(at, 0))
        plan.symbols = frozenset(all_symbols)
        kept = set(plan.results)
        for slot, index in last.items():
            if slot not in kept:
                plan.nodes[index].free += (slot,)


def slot_of(plan: Plan, symbol: Symbol) -> int | None:
    """Where a function has a tensor of its own graph, or one that is passed to it."""
    record = plan.record
    if record is None:
        return None
    number, name, index = symbol
    if number != record.graph.number:
        return record.captures.get(symbol)
    if name in record.inputs:
        return record.inputs[name]
    slot = plan.slots.get(name)
    return None if slot is None else slot + index


def _ops_of_nodes(record: FunctionRecord | None, protos: dict[str, Any]) -> dict[str, str]:
    """The op that each node stands for: TensorFlow renames some, but keeps their order."""
    if record is None or len(record.ops) != len(protos):
        return {name: name for name in protos}
    return dict(zip(protos, record.ops, strict=True))


def _without_loss(origins: dict[str, Origin], op_of: dict[str, str], needed: set[str]) -> dict[str, Origin]:
    """Origins of the nodes that are needed, with what was passed on the way to one that is not."""
    found: dict[str, Origin] = {}
    passed: list[Chain] = []
    for name, op in op_of.items():
        origin = origins.get(op, NOWHERE)
        passed += origin.passed
        if name in needed:
            found[name] = replace(origin, passed=tuple(passed)) if passed else origin
            passed = []
    return found


def _symbols_of(origin: Origin, seen: dict[int, frozenset[Symbol]]) -> frozenset[Symbol]:
    found: frozenset[Symbol] = frozenset()
    for chain in origin.chains():
        symbols = seen.get(id(chain))
        if symbols is None:
            symbols = seen[id(chain)] = frozenset().union(*(level.symbols for level in chain.levels()))
        found |= symbols
    return found


def _outputs(op_def: Any, attr: Any) -> tuple[dict[str, int], int]:
    """By name of an output, its position among all; and how many there are."""
    offsets, count = {}, 0
    for output in op_def.output_arg:
        offsets[output.name] = count
        if output.number_attr:
            count += attr[output.number_attr].i
        elif output.type_list_attr:
            count += len(attr[output.type_list_attr].list.type)
        else:
            count += 1
    return offsets, count


def _source(text: str) -> tuple[str, str, int]:
    """(node or argument, name of its output or nothing, index in that) of `node:output:0`."""
    name, _, rest = text.partition(":")
    output, _, index = rest.partition(":")
    if output.isdigit():
        return name, "", int(output)
    return name, output, int(index or 0)


def _names(proto: Any) -> Iterator[str]:
    """The nodes and arguments that a node needs."""
    for text in proto.input:
        yield text.removeprefix("^").partition(":")[0]

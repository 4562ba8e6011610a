"""A graph of TorchScript as a list of steps, with those that it calls; or why it cannot be run so.

It must not know how a step is run, nor what stops.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tracedbg.adapters.torch_script.walk import _compat
from tracedbg.adapters.torch_script.walk.operations import CannotRunError, run_of
from tracedbg.adapters.torch_script.walk.places import Place, function_at, places
from tracedbg.events import OpSite

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracedbg.adapters.torch_script.walk.operations import Run

_NAMED = re.compile(r"(?P<name>[A-Za-z_]\w*?)(?:\.\d+)?")
_CALLS = frozenset(("prim::CallFunction", "prim::CallMethod", "prim::Enter", "prim::Exit"))
_MUTABLE = frozenset(("ListType", "DictType", "ClassType"))
_READS = re.compile(
    r"aten::(__getitem__|keys|values|items|get)$|prim::(ListUnpack|isinstance|RaiseException)$"
)
_DEPTH = 64


@dataclass(eq=False)
class Step:
    """One node."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    chain: tuple[Place, ...]
    """The line that made it, and its inlined callers where tracing has recorded them."""
    range: str
    """What torch says of its place, for the text of an error."""
    run: Run | None = None
    blocks: tuple[Block, ...] = ()
    callee: Routine | None = None
    names: tuple[tuple[str, str], ...] = ()
    """(the user's name, output) of what it binds."""
    types: tuple[Any, ...] = ()
    """Of its outputs."""
    index: int = 0
    """Position in the routine, callees counted in."""
    site: OpSite = field(default_factory=lambda: OpSite("", ""))
    input_names: tuple[str, ...] = ()

    @property
    def is_op(self) -> bool:
        """Whether a person would call it an op: no constant, attribute, call, or control flow."""
        return not self.kind.startswith("prim::")


@dataclass(eq=False)
class Block:
    """The body of a loop, or a branch."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    steps: list[Step]
    names: tuple[tuple[str, str], ...] = ()


@dataclass(eq=False)
class Routine:
    """A function or a method."""

    function: str
    """The user's name of it."""
    name: str
    """As torch's errors have it."""
    block: Block
    types: dict[str, Any]
    """By name of a value: its type."""
    span: tuple[str, int, int] | None = None
    size: int = 0
    """How many steps it has, callees counted in."""

    def steps(self) -> Iterator[Step]:
        """All of its own, those of blocks too, in the order in which they stand."""
        yield from _steps(self.block)

    def all_steps(self) -> Iterator[Step]:
        """With those of callees, at each call."""
        for step in self.steps():
            yield step
            if step.callee is not None:
                yield from step.callee.all_steps()


def _steps(block: Block) -> Iterator[Step]:
    for step in block.steps:
        yield step
        for inner in step.blocks:
            yield from _steps(inner)


class Reader:
    """Reads the graph of one entry and of what it calls.

    Args:
        owner: for a method, the module.
    """

    def __init__(self, owner: Any = None) -> None:
        self._owner = owner
        self._reading = 0

    def read(self, graph: Any, name: str) -> Routine:
        """The routine of a graph.

        Raises:
            CannotRunError: a part of it is for torch's own interpreter only.
        """
        return self._routine(graph, name, self._owner)

    def _routine(self, graph: Any, name: str, owner: Any) -> Routine:
        if self._reading > _DEPTH:
            raise CannotRunError("calls are nested too deeply")
        self._reading += 1
        try:
            objects = {}
            if owner is not None:
                objects[next(iter(graph.inputs())).debugName()] = owner
            types: dict[str, Any] = {}
            block = self._block(graph, objects, types)
        finally:
            self._reading -= 1
        made = Routine(name, name, block, types)
        _place(made)
        return made

    def _block(self, block: Any, objects: dict[str, Any], types: dict[str, Any]) -> Block:
        inputs = tuple(block.inputs())
        types.update((value.debugName(), value.type()) for value in inputs)
        steps = [self._step(node, objects, types) for node in block.nodes()]
        return Block(
            tuple(value.debugName() for value in inputs),
            tuple(value.debugName() for value in block.outputs()),
            steps,
            _names(inputs),
        )

    def _step(self, node: Any, objects: dict[str, Any], types: dict[str, Any]) -> Step:
        kind, text = node.kind(), node.sourceRange()
        outputs = tuple(node.outputs())
        inputs = tuple(node.inputsAt(at).debugName() for at in range(node.inputsSize()))
        types.update((value.debugName(), value.type()) for value in outputs)
        chain = places(text)
        step = Step(
            kind, inputs, tuple(value.debugName() for value in outputs), chain, text, names=_names(outputs),
            types=tuple(value.type() for value in outputs), site=_site(node, outputs, inputs, chain),
            input_names=_input_names(node),
        )  # fmt: skip
        if kind == "prim::GetAttr":
            attribute = node.s("name")
            step.names = tuple((name, value) for name, value in step.names if name != attribute)
            if (owner := objects.get(inputs[0])) is not None:
                _check_attribute(node)
                if outputs[0].type().kind() == "ClassType":
                    objects[step.outputs[0]] = owner.getattr(attribute)
        if kind in {"prim::If", "prim::Loop"}:
            step.blocks = tuple(self._block(inner, objects, types) for inner in node.blocks())
        elif kind in _CALLS:
            step.callee = self._callee(node, objects)
        elif kind != "prim::RaiseException":
            _check_object(node, kind)
            step.run = run_of(node)
        return step

    def _callee(self, node: Any, objects: dict[str, Any]) -> Routine:
        kind = node.kind()
        if kind == "prim::CallFunction":
            found = _qualified(str(node.inputsAt(0).type()))
            return self._function(node, found, found.rpartition(".")[2])
        method = {"prim::Enter": "__enter__", "prim::Exit": "__exit__"}.get(kind) or node.s("name")
        target = node.inputsAt(0)
        owner = objects.get(target.debugName())
        if owner is not None:
            return self._routine(owner._get_method(method).graph, method, owner)
        if target.type().kind() != "ClassType":
            raise CannotRunError(f"which method {method} is called is known while it runs only")
        owner_name = target.type().qualified_name()
        if _compat.PYTHON_CLASS.get()(owner_name) is None:
            raise CannotRunError(f"{owner_name} is no class of this program, but of a file")
        function = _compat.PYTHON_UNIT.get().find_function(f"{owner_name}.{method}")
        if function is None:
            raise CannotRunError(f"the graph of {owner_name}.{method} cannot be found")
        return self._routine(function.graph, method, None)

    def _function(self, node: Any, qualified: str, name: str) -> Routine:
        """A function's own graph if it can be found; else one with callees in place of their calls."""
        inlined = _inlined(node)
        known = _compat.PYTHON_UNIT.get().find_function(qualified)
        if known is not None and looks(known.inlined_graph) == looks(inlined):
            return self._routine(known.graph, name, None)
        return self._routine(inlined, name, None)


def _names(values: tuple[Any, ...]) -> tuple[tuple[str, str], ...]:
    found = []
    for value in values:
        match = _NAMED.fullmatch(value.debugName())
        if match is not None:
            found.append((match["name"], value.debugName()))
    return tuple(found)


def _site(node: Any, outputs: tuple[Any, ...], inputs: tuple[str, ...], chain: tuple[Place, ...]) -> OpSite:
    user = next((place for place in chain if place.is_user), chain[0] if chain else Place("", 0))
    name = outputs[0].debugName() if outputs else node.kind()
    return OpSite(
        name, node.kind(), inputs, ", ".join(str(value.type()) for value in outputs), user.file, user.line
    )


def _input_names(node: Any) -> tuple[str, ...]:
    """What the operator calls its inputs; else what the graph does."""
    schema = node.schema()
    if "..." not in schema and not schema.startswith("(no"):
        arguments = _compat.PARSE_SCHEMA.get()(schema).arguments
        if len(arguments) == node.inputsSize():
            return tuple(argument.name for argument in arguments)
    return tuple(node.inputsAt(at).debugName() for at in range(node.inputsSize()))


def _check_attribute(node: Any) -> None:
    """A list, dict or object of a module is read as a copy: nobody may write into it, or keep it."""
    output = node.output()
    kind = output.type().kind()
    if kind not in _MUTABLE or (kind == "ClassType" and _is_module(output.type())):
        return
    if kind == "ClassType" and "torch.classes" in output.type().str():
        return
    for use in output.uses():
        user = use.user
        if kind == "ClassType" or not _only_reads(user):
            raise CannotRunError(
                f"{node.s('name')!r} of a module may be written to, which torch's own interpreter only can do"
            )


def _only_reads(node: Any) -> bool:
    """Whether a node neither writes into a container that it is given, nor gives it to somebody else."""
    kind, schema = node.kind(), node.schema()
    if kind.startswith("aten::") and not schema.startswith("(no"):
        if "!" in schema:
            return False
        if "*" not in schema.rpartition("->")[2]:
            return True
    return bool(_READS.match(kind)) and all(value.type().kind() not in _MUTABLE for value in node.outputs())


def _check_object(node: Any, kind: str) -> None:
    if kind == "prim::CreateObject":
        name = node.output().type().qualified_name()
        if _compat.PYTHON_CLASS.get()(name) is None:
            raise CannotRunError(f"{name} is no class of this program, but of a file")


def _is_module(kind: Any) -> bool:
    return "forward" in kind.method_names() or _compat.PYTHON_CLASS.get()(kind.qualified_name()) is None


def _inlined(call: Any) -> Any:
    """The graph of what a node calls, with what that calls in place of the calls."""
    graph = _compat.GRAPH.get()()
    known: dict[str, Any] = {}
    for position in range(call.inputsSize()):
        value = call.inputsAt(position)
        if value.debugName() in known:
            continue
        if position == 0:
            copy = graph.createClone(value.node(), lambda inner: known[inner.debugName()])
            graph.appendNode(copy)
            known[value.debugName()] = copy.output()
    for position in range(1, call.inputsSize()):
        made = graph.addInput()
        made.setType(call.inputsAt(position).type())
    parameters = list(graph.inputs())
    node = graph.create(call.kind(), [known[call.inputsAt(0).debugName()], *parameters], call.outputsSize())
    node.copyMetadata(call)
    for mine, other in zip(node.outputs(), call.outputs(), strict=True):
        mine.setType(other.type())
    graph.appendNode(node)
    for output in node.outputs():
        graph.registerOutput(output)
    _compat.INLINE.get()(graph)
    for constant in list(graph.findAllNodes("prim::Constant")):
        if constant.output().type().kind() == "FunctionType" and not constant.output().uses():
            constant.destroy()
    return graph


def looks(graph: Any) -> list[tuple[str, str]]:
    """What tells a graph from another one of the same name."""
    found = []

    def look(block: Any) -> None:
        for node in block.nodes():
            if node.kind() != "prim::Constant":
                found.append((node.kind(), node.sourceRange()))
            for inner in node.blocks():
                look(inner)

    look(graph)
    return found


def _qualified(text: str) -> str:
    match = re.search(r"__torch__[\w.]*", text)
    return match[0] if match else text


def _place(routine: Routine) -> None:
    """Number the steps, and find out where the function stands."""
    index = 0
    lines: dict[str, list[int]] = {}
    for step in routine.steps():
        step.index = index
        index += 1 + (step.callee.size if step.callee is not None else 0)
        if step.chain:
            place = step.chain[-1]
            lines.setdefault(place.file, []).append(place.line)
    routine.size = index
    if not lines:
        return
    file = max(lines, key=lambda one: len(lines[one]))
    around = function_at(file, lines[file][0])
    if around is None:
        routine.span = file, min(lines[file]), max(lines[file])
    else:
        routine.span, routine.function = (file, around[0], around[1]), around[2]

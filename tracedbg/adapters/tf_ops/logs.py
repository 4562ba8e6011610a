"""The ops of one step in their order, with the tensors that lead from one to the next.

Tensors are known by their numbers: none is held. It must not know TensorFlow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tracedbg.adapters.tf_ops.counts import Place, StackKey
    from tracedbg.events import Frame

    Numbers = tuple[int, ...]
    Entry = tuple[Place, Numbers, Numbers]
    """One op that was run: its inputs and outputs, 0 for what is no tensor."""

MAX_NODES = 100_000
"""Ops of one step that are noted; of a longer one the rest is counted."""
ALIASES = frozenset({"Identity", "Reshape", "Squeeze", "ExpandDims", "StopGradient", "PreventGradient"})
"""Ops whose result is the memory of their first input."""
READS = frozenset({"ReadVariableOp"})
"""Ops whose result is the memory of a variable: it is there whether or not a tape keeps it."""


class Log:
    """The ops since a tape began to record, or since a call began."""

    __slots__ = ("entries", "is_by_ops", "is_unit", "layer", "left_out", "place")

    def __init__(self, *, is_unit: bool = False, is_by_ops: bool = False) -> None:
        self.entries: list[Entry] = []
        self.left_out = 0
        self.is_unit = is_unit
        """Whether it is the log of a call, and goes on without a tape."""
        self.is_by_ops = is_by_ops
        """Whether nothing but an op elsewhere tells that the call has ended."""
        self.layer = 0
        """Identity of the layer that is called."""
        self.place: Any = None
        """Of a call: where it was made from; see `steps.Place`."""

    def add(self, entry: Entry) -> None:
        """Note one op."""
        if len(self.entries) < MAX_NODES:
            self.entries.append(entry)
        else:
            self.left_out += 1


class Node(NamedTuple):
    """A node of a step's graph."""

    entry: int
    """Its position among the entries."""
    inputs: tuple[int, ...]
    """Positions of nodes."""


def between(entries: Sequence[Entry], sources: Iterable[int], targets: Iterable[int]) -> list[int]:
    """Positions of the entries on a way from `sources` to `targets`; without one, of all that lead there."""
    wanted = set(targets)
    leading = []
    for number in range(len(entries) - 1, -1, -1):
        _, inputs, outputs = entries[number]
        for one in outputs:
            if one in wanted:
                wanted.update(inputs)
                leading.append(number)
                break
    leading.reverse()
    reached = set(sources)
    found = []
    for number in leading:
        _, inputs, outputs = entries[number]
        if not reached.isdisjoint(inputs):
            reached.update(outputs)
            found.append(number)
    return found or leading


def linked(entries: Sequence[Entry], numbers: Iterable[int]) -> list[Node]:
    """Some of the entries as nodes, each with those that its inputs come from.

    Reads of variables are left out: they are what a graph begins with.
    """
    made: dict[int, int] = {}
    nodes: list[Node] = []
    for number in numbers:
        place, inputs, outputs = entries[number]
        if place.op in READS:
            continue
        nodes.append(Node(number, tuple([made[one] for one in inputs if one in made])))
        position = len(nodes) - 1
        for one in outputs:
            made[one] = position
    return nodes


class LineCost:
    """What a line of the forward cost one backward pass."""

    __slots__ = ("backward_ns", "saved_bytes")

    def __init__(self) -> None:
        self.backward_ns = self.saved_bytes = 0


class Pass:
    """A backward pass under way: which op of the forward it is at.

    Args:
        entries: the forward.
        targets: of what gradients are asked for.
        stack: who asks.
        known: positions among `entries` in the order in which an earlier pass of the same graph went through
            them; empty where there was none, or where it met others.
    """

    def __init__(
        self, entries: Sequence[Entry], targets: Sequence[int], stack: StackKey, known: Sequence[int] = ()
    ) -> None:
        self.entries = entries
        self.stack = stack
        """The stack that ops run now belong to: of the forward's op; where none is known, of who asked."""
        self.costs: dict[Frame, LineCost] = {}
        self.order: list[int] = []
        """The entries passed so far; -1 for what was not found."""
        self.known = known
        self._targets = targets
        self._made: dict[int, int] | None = None
        self._users: dict[tuple[str, int], list[int]] = {}
        self._done: set[int] = set()
        self._gradient_of: dict[int, tuple[int, ...]] = {}
        """Number of a gradient -> of the forward's tensors that it is the gradient of."""
        self._saved: set[int] = set()

    def expected(self, op: str) -> Entry | None:
        """The next op of the forward, if this pass goes the way of an earlier one; None where it does not."""
        at = len(self.order)
        if at < len(self.known):
            number = self.known[at]
            if self.entries[number][0].op == op:
                self.order.append(number)
                return self.entries[number]
        self.known = ()
        return None

    def find(
        self, op: str, inputs: Sequence[int], outputs: Sequence[int], gradients: Sequence[int]
    ) -> Entry | None:
        """The forward's op whose gradient is asked for; None where nothing tells.

        Args:
            op: its type.
            inputs: those of its inputs that the gradient needs.
            outputs: likewise.
            gradients: of its outputs.
        """
        made = self._made if self._made is not None else self._index()
        found: list[int] = []
        for one in outputs:
            if one in made:
                found = [made[one]]
                break
        else:
            found = self._by_gradients(op, gradients, made) or self._by_inputs(op, inputs)
        number = max(found, default=-1)
        self.order.append(number)
        if number < 0:
            return None
        self._done.add(number)
        return self.entries[number]

    def _index(self) -> dict[int, int]:
        made: dict[int, int] = {}
        for number, (place, inputs, outputs) in enumerate(self.entries):
            for one in outputs:
                made[one] = number
            for one in inputs:
                self._users.setdefault((place.op, one), []).append(number)
        self._made = made
        return made

    def _by_gradients(self, op: str, gradients: Sequence[int], made: dict[int, int]) -> list[int]:
        """Each op is passed once: what is left of those that a gradient may be for is no guess."""
        found: set[int] = set()
        is_known = False
        for gradient in gradients:
            if gradient in self._gradient_of:
                is_known = True
                found.update(made.get(one, -1) for one in self._gradient_of[gradient])
        if not is_known:  # the first ones: gradients of the targets
            found.update(made.get(one, -1) for one in self._targets)
        return self._open(op, found)

    def _by_inputs(self, op: str, inputs: Sequence[int]) -> list[int]:
        found: set[int] | None = None
        for one in inputs:
            users = self._users.get((op, one))
            if users:
                found = set(users) if found is None else found & set(users)
        return self._open(op, found or ())

    def _open(self, op: str, numbers: Iterable[int]) -> list[int]:
        done, entries = self._done, self.entries
        return [one for one in numbers if one >= 0 and one not in done and entries[one][0].op == op]

    def passed(self, entry: Entry, gradients: Sequence[int]) -> None:
        """An op's gradient has run: `gradients` are those of its inputs, in their order."""
        known = self._gradient_of
        for tensor, gradient in zip(entry[1], gradients, strict=False):
            if tensor and gradient:
                before = known.get(gradient, ())
                known[gradient] = before if tensor in before else (*before, tensor)

    def summed(self, gradients: Sequence[int], total: int) -> None:
        """Gradients of one tensor were added up."""
        known = self._gradient_of
        of: set[int] | None = None
        for one in gradients:
            if one in known:
                of = set(known[one]) if of is None else of.intersection(known[one])
        if of:
            known[total] = tuple(of)

    def cost(self, frame: Frame) -> LineCost:
        """What a line has cost so far."""
        found = self.costs.get(frame)
        if found is None:
            found = self.costs[frame] = LineCost()
        return found

    def keep(self, frame: Frame, sizes: Iterable[tuple[int, int]]) -> None:
        """A gradient needs these tensors.

        Args:
            frame: the line of the forward's op.
            sizes: number of each tensor, with its bytes.
        """
        self.cost(frame).saved_bytes += sum(size for tensor, size in sizes if self._is_kept(tensor))

    def _is_kept(self, tensor: int) -> bool:
        """Whether a tensor that a gradient needs is memory that only the tape keeps; True once for each."""
        made = self._made if self._made is not None else self._index()
        while True:
            number = made.get(tensor)
            if number is None or tensor in self._saved:
                return False
            place, inputs, _ = self.entries[number]
            if place.op in READS:
                return False
            if place.op not in ALIASES or not inputs:
                break
            tensor = inputs[0]
        self._saved.add(tensor)
        return True

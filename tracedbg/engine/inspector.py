"""What a person can look at while a thread stands still: scopes, values as a tree, expressions, tensors.

Used by every frontend, on the stopped thread. Values are the program's own: nothing here may outlive the
stop, and nothing looks at one that nobody has asked for. It must not know frameworks, protocols or screens.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  part of a public type
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from tracedbg.debugging import CannotAssignError, KnowsMakers
from tracedbg.engine import evaluating, objects, tree
from tracedbg.engine.looks import Looks
from tracedbg.engine.text import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracedbg.debugging import FrameView
    from tracedbg.engine.stop import Stop
    from tracedbg.engine.tree import Child, Part
    from tracedbg.engine.values import Values

ScopeKind = Literal["locals", "inputs", "outputs", "graph", "globals"]
NOTHING = evaluating.NOTHING
"""What `Inspector.run` gives for a statement."""


@dataclass(frozen=True)
class Scope:
    """A group of variables of a frame."""

    name: str
    """For a person: `Locals`, `Op inputs`, `Op outputs`, `Graph`, `Globals`."""
    kind: ScopeKind
    frame: int
    """0 is the innermost."""
    count: int
    """How many variables it has."""

    @property
    def is_expensive(self) -> bool:
        """Whether it should not be shown before somebody asks."""
        return self.kind == "globals"


@dataclass(frozen=True)
class Variable:
    """A value with its name; see `Inspector.children` for what is in it."""

    name: str
    """As a person reads it: `x`, `[3]`, `'key'`, `weight`."""
    value: Any
    """The program's own."""
    text: str
    """One printable line."""
    type_name: str
    indexed: int = 0
    """How many numbered children it has: items."""
    named: int = 0
    """How many children with names: attributes, keys, facts of a tensor."""
    expression: str = ""
    """Python that gives it again in its frame; empty where there is none."""
    is_tensor: bool = False

    @property
    def has_children(self) -> bool:
        """Whether anything is in it."""
        return self.indexed + self.named > 0


class Inspector(Looks):
    """Looks at one stop, on its thread. Make a new one for each stop."""

    def __init__(self, stop: Stop, values: Values) -> None:
        """Look at a stop.

        Args:
            stop: of this thread.
            values: the engine's: who knows which framework's tensors.
        """
        super().__init__(values)
        self.stop = stop
        self._typed = evaluating.Session()

    @cached_property
    def frames(self) -> Sequence[FrameView]:
        """The stack, innermost first."""
        return self.stop.view.frames()

    # --- scopes and variables ------------------------------------------------------------------

    def scopes(self, frame: int = 0) -> list[Scope]:
        """The groups of variables of a frame; those of the op and the graph only in the innermost."""
        found: list[Scope] = []
        kinds: list[tuple[str, ScopeKind]] = [("Locals", "locals")]
        if frame == 0 and self.stop.view.op is not None:
            kinds += [("Op inputs", "inputs"), ("Op outputs", "outputs")]
        if frame == 0 and self.stop.view.walk is not None:
            kinds.append(("Graph", "graph"))
        kinds.append(("Globals", "globals"))
        for name, kind in kinds:
            count = len(self._named(kind, frame))
            if count or kind in ("locals", "inputs"):
                found.append(Scope(name, kind, frame, count))
        return found

    def scope(self, kind: ScopeKind, frame: int = 0) -> list[Variable]:
        """All variables of one scope; empty if the frame does not have it."""
        return self.children(Scope(kind, kind, frame, 0))

    def variable(self, name: str, value: object, expression: str = "") -> Variable:
        """A value as it is shown.

        Args:
            name: for a person.
            value: anything.
            expression: Python that gives it again in its frame.
        """
        owner = self.tensors_of(value)
        indexed, named = tree.counts(value, owner)
        return Variable(
            name=escape(name),
            value=value,
            text=self.text(value),
            type_name=objects.type_name(value),
            indexed=indexed,
            named=named,
            expression=expression,
            is_tensor=owner is not None,
        )

    def children(
        self, parent: Scope | Variable, start: int = 0, count: int | None = None, part: Part = "all"
    ) -> list[Variable]:
        """What is in a scope or a value, a page at a time; named children come before the indexed ones.

        Args:
            parent: of this stop.
            start: how many to leave out; of `part`.
            count: how many at most.
            part: `all`, `named` or `indexed`.
        """
        if isinstance(parent, Scope):
            if part == "indexed":
                return []
            named = list(self._named(parent.kind, parent.frame).items())
            end = None if count is None else start + count
            simple = parent.kind in ("locals", "globals")
            return [
                self.variable(name, value, name if simple and name.isidentifier() else "")
                for name, value in named[start:end]
            ]
        try:
            found = tree.children(parent.value, self.tensors_of(parent.value), start, count, part)
        except (Exception, SystemExit, GeneratorExit) as error:  # noqa: BLE001  values of the user's program
            return [self._note(f"cannot be shown: {type(error).__name__}: {error}")]
        return [self._child(parent, child) for child in found]

    def makers(self, scope: Scope) -> Mapping[str, str]:
        """Name in a scope -> name of the op of the graph that made the value, as far as that is known."""
        if scope.kind in ("inputs", "outputs"):
            return {name: name for name in self._named(scope.kind, scope.frame)}
        frame = self.frames[scope.frame] if scope.frame < len(self.frames) else None
        return frame.makers() if scope.kind == "locals" and isinstance(frame, KnowsMakers) else {}

    def _child(self, parent: Variable, child: Child) -> Variable:
        expression = ""
        if child.kind in ("item", "attribute"):
            expression = evaluating.expression_for(parent.expression, child.key, child.kind)
        name = child.name if child.name is not None else self.text(child.key)
        return self.variable(name, child.value, expression)

    def _note(self, text: str) -> Variable:
        return Variable("", None, escape(text), "")

    def _named(self, kind: ScopeKind, frame: int) -> Mapping[str, Any]:
        at = self.frames[frame] if frame < len(self.frames) else None
        op = self.stop.view.op if frame == 0 else None
        match kind:
            case "locals":
                found = {} if at is None else at.variables()
                return {name: value for name, value in found.items() if not _is_pythons(str(name))}
            case "globals":
                names = {} if at is None else at.names()
                return {str(name): value for name, value in names.items() if not str(name).startswith("__")}
            case "inputs":
                return {} if op is None else _by_name(op.inputs())
            case "outputs":
                return {} if op is None else _by_name(op.outputs())
            case _:
                return self.graph_facts() if frame == 0 else {}

    def graph_facts(self) -> dict[str, Any]:
        """What is known of the graph that is run; empty in eager code."""
        view = self.stop.view
        walk = view.walk
        if walk is None:
            return {}
        facts: dict[str, Any] = {"function": walk.function, "graph": walk.graph}
        facts["direction"] = "backward" if view.is_backward else "forward"
        if view.op is not None:
            facts["op"] = f"{view.op.index} of {len(walk.sites)}: {view.op.site.op}"
        facts["ops"] = len(walk.sites)
        if view.iteration is not None:
            facts["iteration"] = view.iteration
        if walk.notes:
            facts["notes"] = tuple(walk.notes)
        return facts

    # --- expressions ---------------------------------------------------------------------------

    def evaluate(self, text: str, frame: int = 0) -> Variable:
        """The value of an expression in a frame.

        Raises:
            Exception: whatever it raises.
        """
        return self.variable(text.strip(), self.value(text, frame), text.strip())

    def value(self, text: str, frame: int = 0) -> Any:
        """The same, as it is.

        Raises:
            Exception: whatever it raises.
        """
        return self._typed.evaluate(text, self.frames[frame])

    def run(self, text: str, frame: int = 0) -> Any:
        """Run an expression, for its value, or statements: `NOTHING`.

        What they assign to variables of the frame is set there. Names that the frame does not have are
        kept for what is typed later at this stop.

        Raises:
            CannotAssignError: it assigns to a variable that cannot be set; what it has done is done.
            Exception: whatever it raises.
        """
        at = self.frames[frame]
        return self._typed.run(text, at, self.fitting if at.is_traced else None)

    def set(self, parent: Scope | Variable, name: str, text: str, frame: int = 0) -> Variable:
        """Set a child of a scope or a value, as `children` names it.

        Args:
            parent: where it is.
            name: `Variable.name` of the child.
            text: a Python expression; a number or nested list becomes a tensor where a tensor was.
            frame: where to evaluate it; of a scope, its own.

        Raises:
            CannotAssignError: it cannot be set; says why.
            Exception: whatever the expression raises.
        """
        if isinstance(parent, Scope):
            if parent.kind not in ("locals", "globals"):
                raise CannotAssignError(f"{parent.name} cannot be set; set the variable that it comes from")
            return self._set_name(name, self.value(text, parent.frame), parent.frame)
        tensors = self.tensors_of(parent.value)
        if tensors is not None and name.startswith("["):
            raise CannotAssignError(f"a single element cannot be set; set all of {parent.name}")
        child = tree.find(parent.value, tensors, name, self.text)
        if child is None or child.kind not in ("item", "attribute"):
            raise CannotAssignError(f"{name} cannot be set")
        value = self.fitting(self.value(text, frame), child.value)
        tree.put(parent.value, child, value)
        return self.variable(name, value, evaluating.expression_for(parent.expression, child.key, child.kind))

    def set_expression(self, target: str, text: str, frame: int = 0) -> Variable:
        """Set a variable, an attribute or an item that an expression names: `x`, `self.scale`, `cache["a"]`.

        Raises:
            CannotAssignError: it cannot be set; says why.
            Exception: whatever the expressions raise.
        """
        try:
            wanted = evaluating.target(target)
        except ValueError as error:
            raise CannotAssignError(str(error)) from None
        value = self.value(text, frame)
        if wanted.kind == "name":
            return self._set_name(wanted.key, value, frame)
        owner = self.value(wanted.owner, frame)
        key = wanted.key if wanted.kind == "attribute" else self.value(wanted.key, frame)
        tensors = self.tensors_of(owner)
        if wanted.kind == "item" and tensors is not None:
            raise CannotAssignError(f"a single element cannot be set; set all of {wanted.owner}")
        old = self._old(owner, key, wanted.kind)
        value = self.fitting(value, old)
        try:
            if wanted.kind == "attribute":
                setattr(owner, key, value)
            else:
                owner[key] = value
        except Exception as error:
            raise CannotAssignError(f"{target.strip()}: {type(error).__name__}: {error}") from error
        return self.variable(target.strip(), value, target.strip())

    def _old(self, owner: Any, key: Any, kind: str) -> object:
        if kind == "attribute":
            return dict(objects.attributes(owner)).get(key)
        if issubclass(type(owner), dict):
            return dict.get(owner, key)
        if issubclass(type(owner), list) and type(key) is int:
            page = list.__getitem__(owner, slice(key, key + 1 or None))
            return page[0] if page else None
        return None

    def _set_name(self, name: str, value: object, frame: int) -> Variable:
        at = self.frames[frame]
        known = at.variables()
        if name in known:
            value = self.fitting(value, known[name])
            at.assign(name, value)
            return self.variable(name, value, name)
        names = at.names()
        if name in names and type(names) is dict:
            value = self.fitting(value, names[name])
            names[name] = value
            return self.variable(name, value, name)
        at.assign(name, value)  # says why not, or has a place for it
        return self.variable(name, value, name)

    def compare_text(self, left: str, right: str, frame: int = 0) -> str:
        """Two tensors compared by expressions, in words.

        Raises:
            Exception: whatever the expressions raise; ValueError: they cannot be compared.
        """
        return self.comparison(self.value(left, frame), self.value(right, frame))

    def names(self, frame: int = 0) -> list[str]:
        """All names that an expression may use in a frame: for completion."""
        at = self.frames[frame]
        return sorted(map(str, {*at.variables(), *self._typed.extra, *at.names()}))


def _is_pythons(name: str) -> bool:
    """`__file__` and the like: a module's variables are its globals."""
    return name.startswith("__") and name.endswith("__")


def _by_name(named: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Values by name; a name that comes twice gets a number."""
    found: dict[str, Any] = {}
    for name, value in named:
        free, number = name, 2
        while free in found:
            free, number = f"{name} ({number})", number + 1
        found[free] = value
    return found

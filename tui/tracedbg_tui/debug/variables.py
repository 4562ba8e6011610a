"""The variables pane: scopes and values as a tree, fetched as they are opened.

It must not know the debugger, but for two functions that give scopes and values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.message import Message

from tracedbg.dap.client import ClientError
from tracedbg_tui import keys
from tracedbg_tui.answers import Scope, Variable
from tracedbg_tui.debug.glyphs import glyphs_of
from tracedbg_tui.debug.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.binding import BindingType

PAGE = 100
"""Children that are fetched at once."""
_DEEPEST = 12
"""Values that were open at the last stop are opened again so far down: there may be cycles."""
_MOST_REOPENED = 200
Path = tuple[str, ...]


@dataclass
class Node:
    """One line of the tree."""

    value: Scope | Variable
    path: Path
    parent: Node | None = None
    children: list[Node] = field(default_factory=list)
    is_open: bool = False
    is_more: bool = False
    """It stands for the children of its parent that are not fetched yet."""

    @property
    def depth(self) -> int:
        """0 for a scope."""
        return len(self.path) - 1

    @property
    def size(self) -> int:
        """How many children there are."""
        if isinstance(self.value, Scope):
            return self.value.count
        return self.value.indexed + self.value.named

    @property
    def can_open(self) -> bool:
        """Whether anything is in it."""
        return self.value.reference > 0 and not self.is_more


class VariablesPane(Lines):
    """Shows the variables of one frame; what is open stays open from stop to stop."""

    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.VALUES)
    DEFAULT_CSS = """
    VariablesPane > .variables--changed { color: $text-warning; text-style: bold; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"variables--changed"}

    class _About(Message):
        def __init__(self, variable: Variable, owner: Scope | Variable) -> None:
            self.variable = variable
            self.owner = owner
            """What it is in."""
            super().__init__()

    class Inspected(_About):
        """Somebody wants to see a tensor."""

    class SetWanted(_About):
        """Somebody wants to set a value."""

    class OriginWanted(_About):
        """Somebody wants to see the op that made a value."""

    class WatchWanted(_About):
        """Somebody wants to see a value at each stop."""

    def __init__(
        self,
        scopes: Callable[[int], Awaitable[list[Scope]]],
        variables: Callable[[int, int, int], Awaitable[list[Variable]]],
    ) -> None:
        """Make it, with nothing to show.

        Args:
            scopes: gives those of a frame.
            variables: gives a page of what is in a scope or a value: from so many on, at most so many.
        """
        super().__init__()
        self._scopes, self._variables = scopes, variables
        self._roots: list[Node] = []
        self._rows: list[Node] = []
        self._open: set[Path] = {("Locals",), ("Op inputs",), ("Op outputs",)}
        self._texts: dict[Path, str] = {}
        """What was shown at the last stop."""
        self._changed: set[Path] = set()
        self._why = ""

    # --- what is shown ---------------------------------------------------------------------------

    async def show_frame(self, frame: int) -> None:
        """Show a frame's variables; what is shown until they are there stays.

        Args:
            frame: its number.
        """
        self._why = ""
        try:
            roots = [Node(scope, (scope.name,)) for scope in await self._scopes(frame)]
            budget = [_MOST_REOPENED]
            for root in roots:
                await self._reopen(root, budget)
        except ClientError as error:
            roots, self._why = [], str(error)
        at = self._rows[self.cursor].path if self.cursor < len(self._rows) else None
        self._roots = roots
        before, self._texts = self._texts, {}
        self._flatten()
        self._texts = {row.path: row.value.text for row in self._rows if isinstance(row.value, Variable)}
        self._changed = {path for path, text in self._texts.items() if before.get(path, text) != text}
        place = next((index for index, row in enumerate(self._rows) if row.path == at), None)
        self.reload()
        if place is not None:
            self.cursor = place

    def show_none(self, why: str = "") -> None:
        """Nothing stands still."""
        self._roots, self._rows, self._why = [], [], why
        self.reload()

    async def _reopen(self, node: Node, budget: list[int]) -> None:
        if node.path not in self._open or not node.can_open or budget[0] <= 0 or node.depth > _DEEPEST:
            return
        budget[0] -= 1
        await self._fill(node)
        node.is_open = True
        for child in node.children:
            await self._reopen(child, budget)

    async def _fill(self, node: Node) -> None:
        """Fetch one more page of children."""
        if node.children and node.children[-1].is_more:
            node.children.pop()
        start = len(node.children)
        found = await self._variables(node.value.reference, start, PAGE)
        node.children += [Node(one, (*node.path, one.name), node) for one in found]
        left = node.size - len(node.children)
        if left > 0 and found:
            more = Variable("", f"{left:,} more")
            node.children.append(Node(more, (*node.path, ""), node, is_more=True))

    def _flatten(self) -> None:
        self._rows = []
        waiting = self._roots[::-1]
        while waiting:
            node = waiting.pop()
            self._rows.append(node)
            if node.is_open:
                waiting += node.children[::-1]

    async def _open_node(self, node: Node) -> None:
        try:
            if not node.children:
                await self._fill(node)
        except ClientError as error:
            self.app.notify(str(error), severity="error", markup=False)
            return
        node.is_open = True
        self._open.add(node.path)
        self._flatten()
        self.reload()

    async def _more(self, node: Node) -> None:
        try:
            await self._fill(node)
        except ClientError as error:
            self.app.notify(str(error), severity="error", markup=False)
        self._flatten()
        self.reload()

    # --- actions ---------------------------------------------------------------------------------

    @property
    def node(self) -> Node | None:
        """The one at the cursor."""
        return self._rows[self.cursor] if self.cursor < len(self._rows) else None

    def action_open(self) -> None:
        """Show what is in the value at the cursor."""
        node = self.node
        if node is not None and node.can_open and not node.is_open:
            self.run_worker(self._open_node(node), group="variables")

    def action_close(self) -> None:
        """Hide what is in it, or go to what it is in."""
        node = self.node
        if node is None:
            return
        if node.is_open:
            node.is_open = False
            self._open.discard(node.path)
            self._flatten()
            self.reload()
        elif node.parent is not None:
            self.cursor = self._rows.index(node.parent)

    def action_choose(self) -> None:
        """Inspect a tensor, open or close anything else."""
        node = self.node
        if node is None:
            return
        if node.is_more and node.parent is not None:
            self.run_worker(self._more(node.parent), group="variables")
        elif isinstance(node.value, Variable) and node.value.is_tensor:
            self._post(self.Inspected)
        elif node.is_open:
            self.action_close()
        else:
            self.action_open()

    def action_set(self) -> None:
        """Set the value at the cursor."""
        self._post(self.SetWanted)

    def action_origin(self) -> None:
        """Go to the op that made the value at the cursor."""
        self._post(self.OriginWanted)

    def action_watch(self) -> None:
        """See the value at the cursor at each stop."""
        self._post(self.WatchWanted)

    def _post(self, kind: type[_About]) -> None:
        node = self.node
        if node is not None and isinstance(node.value, Variable) and node.parent and not node.is_more:
            self.post_message(kind(node.value, node.parent.value))

    # --- drawing ---------------------------------------------------------------------------------

    def count(self) -> int:
        """See `Lines`; the same for the methods below."""
        return len(self._rows) or bool(self._why)

    def draw(self, index: int, width: int) -> list[Segment]:  # noqa: ARG002, D102
        if not self._rows:
            return [Segment(self._why, self.style_of("dim"))]
        node, glyphs = self._rows[index], glyphs_of(self)
        sign = " " if not node.can_open else (glyphs.opened if node.is_open else glyphs.closed)
        head = Segment(f"{'  ' * node.depth}{sign} ", self.style_of("dim"))
        if isinstance(node.value, Scope):
            return [head, Segment(node.value.name, self.style_of("note")), self._count_of(node)]
        if node.is_more:
            return [head, Segment(f"{glyphs.more} {node.value.text}", self.style_of("dim"))]
        style = self.style_of("value")
        if node.path in self._changed:
            style = self.style_of("variables--changed")
        name = [head, Segment(node.value.name, self.style_of("name")), Segment(" = ", self.style_of("dim"))]
        return [*name, Segment(node.value.text, style)]

    def _count_of(self, node: Node) -> Segment:
        return Segment(f"  {node.size:,}", self.style_of("dim"))

    def find_node(self, *path: str) -> Node | None:
        """What is shown under names, from the scope downwards; None if it is not shown."""
        return next((row for row in self._rows if row.path == path), None)

    async def find(self, text: str, start: int, step: int) -> int | None:
        """The first line that holds a text in its name or value, from one on, round the end."""
        for distance in range(len(self._rows)):
            index = (start + step * distance) % len(self._rows)
            value = self._rows[index].value
            shown = value.name if isinstance(value, Scope) else f"{value.name} = {value.text}"
            if text.lower() in shown.lower():
                return index
        return None

"""The *Graph* screen: the graphs, and the ops of one of them as a tree by line of source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from tracedbg import source
from tracedbg.dap.client import ClientError
from tracedbg.errors import RunError
from tracedbg.report.style import clean
from tracedbg_tui import keys
from tracedbg_tui.debug.deck import Deck
from tracedbg_tui.debug.glyphs import glyphs_of
from tracedbg_tui.debug.lines import fitted
from tracedbg_tui.live_messages import Running, Stopped
from tracedbg_tui.recorded.graphs import (
    MOST_OPS,
    GraphsPane,
    live_graphs,
    other_side,
    recorded_graphs,
    site_of,
)
from tracedbg_tui.recorded.listing import Searchable
from tracedbg_tui.recorded.oftree import inside, linked, path_to, placed, shown, tree_of
from tracedbg_tui.recorded.view import RecordedView, trouble
from tracedbg_tui.recorded.words import place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.segment import Segment
    from textual.binding import BindingType
    from textual.message import Message

    from tracedbg.events import OpSite
    from tracedbg_tui.debug.lines import Lines
    from tracedbg_tui.live import Live
    from tracedbg_tui.recorded.graphs import GraphRow
    from tracedbg_tui.recorded.oftree import Node
    from tracedbg_tui.recording import Recording
    from tracedbg_tui.snapshot import Snapshot


class OpTree(Searchable):
    """The ops of one graph."""

    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.TREE)

    def __init__(self) -> None:
        super().__init__()
        self.ops: Sequence[OpSite] = ()
        self.nothing = ""
        self._roots: list[Node] = []
        self._rows: list[tuple[int, Node]] = []
        self._all: list[Node] = []

    @property
    def node(self) -> Node | None:
        """The one at the cursor."""
        return self._rows[self.cursor][1] if self.cursor < len(self._rows) else None

    @property
    def nodes(self) -> list[Node]:
        """Those that are shown."""
        return [node for _, node in self._rows]

    def show_ops(self, ops: Sequence[OpSite], nothing: str = "") -> None:
        """Show a graph.

        Args:
            ops: all of it.
            nothing: what to say if there are none.
        """
        self.ops, self.nothing = ops, nothing
        self._roots = tree_of(ops)
        self._all = list(inside(self._roots))
        self._flatten()
        self.cursor = 0

    def go_to_op(self, number: int) -> None:
        """Put the cursor on an op; unfold what it is in."""
        path = path_to(self._roots, number)
        for node in path[:-1]:
            node.is_open = True
        self._flatten()
        if path:
            self.go_to(self.nodes.index(path[-1]))

    def _flatten(self) -> None:
        self._rows = list(shown(self._roots))
        self.reload()

    def action_unfold(self) -> None:
        """Show what is in it; go in, if it is shown."""
        node = self.node
        if node is None or not node.children:
            return
        if node.is_open:
            self.cursor += 1
        else:
            node.is_open = True
            self._flatten()

    def action_fold(self) -> None:
        """Show it without what is in it; go out, if that is so."""
        node = self.node
        if node is None:
            return
        if node.children and node.is_open:
            node.is_open = False
            self._flatten()
            return
        depth = self._rows[self.cursor][0]
        for index in range(self.cursor - 1, -1, -1):
            if self._rows[index][0] < depth:
                self.cursor = index
                return

    def action_unfold_all(self) -> None:
        """Show all there is; the lines alone, if all is shown."""
        is_open = all(node.is_open for node in self._all)
        here = self.node
        for node in self._all:
            node.is_open = not is_open
        self._flatten()
        self.cursor = self.nodes.index(here) if here in self.nodes else 0

    async def find(self, text: str, start: int, step: int) -> int | None:
        """See `Searchable`: in what is folded, too."""
        is_exact, total = text != text.lower(), len(self._all)
        here = self._rows[start % len(self._rows)][1] if self._rows else None
        first = self._all.index(here) if here is not None else 0
        for distance in range(total):
            node = self._all[(first + step * distance) % total]
            words = self._text(node)
            if text in (words if is_exact else words.lower()):
                if node.op is not None:
                    for one in path_to(self._roots, node.number)[:-1]:
                        one.is_open = True
                    self._flatten()
                return self.nodes.index(node)
        return None

    # --- drawing ---------------------------------------------------------------------------------

    def count(self) -> int:
        """See `Lines`; the same for the methods below."""
        return max(1, len(self._rows))

    def text_at(self, index: int) -> str:  # noqa: D102
        return self._text(self._rows[index][1]) if index < len(self._rows) else ""

    def place_at(self, index: int) -> tuple[str, int] | None:  # noqa: D102
        node = self._rows[index][1] if index < len(self._rows) else None
        return (node.file, node.line) if node and node.file else None

    def _text(self, node: Node) -> str:
        op = node.op
        if op is None:
            where = place(self, node.file, node.line)
            return f"{where} {source.line_text(node.file, node.line).strip()}".strip() or "no line is known"
        output = f" -> {op.output}" if op.output else ""
        return f"{op.name} = {op.op}({', '.join(op.inputs)}){output}"

    def draw(self, index: int, width: int) -> list[Segment]:  # noqa: D102
        glyphs = glyphs_of(self)
        if not self._rows:
            return [self.ink(f"  {self.nothing}", "dim")]
        depth, node = self._rows[index]
        sign = " " if not node.children else glyphs.opened if node.is_open else glyphs.closed
        made = [self.ink("  " * depth), self.ink(f"{sign} ", "note")]
        op = node.op
        if op is None:
            text = clean(source.line_text(node.file, node.line).strip())
            where = place(self, node.file, node.line) or "no line is known"
            made += [self.ink(where, "name"), self.ink(f"  {text}", "title")]
            right = f" {node.size}"
        else:
            made += [
                self.ink(clean(op.name), "name"),
                self.ink(" = ", "dim"),
                self.ink(clean(op.op)),
                self.ink(f"({', '.join(op.inputs)})", "dim"),
            ]
            if op.output:
                made.append(self.ink(f" {glyphs.arrow} {op.output}", "value"))
            right = f" {node.size - 1} inside" if node.children else ""
        return [*fitted(made, width - len(right), glyphs.more), self.ink(right, "dim")]


class GraphView(RecordedView):
    """All graphs, and one of them as a tree."""

    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.GRAPH)
    DEFAULT_CSS = """
    GraphView > .-column:first-child { width: 2fr; }
    GraphView > .-column:last-child { width: 3fr; }
    GraphView.-narrow > .-column:first-child, GraphView.-narrow > .-column:last-child { width: 100%; }
    """

    def __init__(self, recording: Recording | None, live: Live | None = None, **options: Any) -> None:
        """Make it.

        Args:
            recording: whose graphs are shown.
            live: the debugger, for the graphs that the program stands in.
            options: of the widget.
        """
        self.graphs = GraphsPane()
        self.op_tree = OpTree()
        self.live = live
        self._listing = Deck({"Graphs": self.graphs}, id="graphs")
        self._detail = Deck({"Ops": self.op_tree}, id="ops-tree")
        super().__init__(recording, [[self._listing], [self._detail]], **options)
        self._recorded: list[GraphRow] = []
        self._of_live: list[GraphRow] = []
        self._shown: object = None
        self._wanted_op: OpSite | None = None

    def on_mount(self) -> None:
        """Listen to the debugger, too."""
        super().on_mount()
        if self.live is not None:
            self.live.listen(self._told)
            if self.live.stops:
                self.run_worker(self._ask_graphs(), group="live", exclusive=True)

    def on_unmount(self) -> None:
        """Listen no more."""
        super().on_unmount()
        if self.live is not None:
            self.live.unlisten(self._told)

    def _told(self, message: Message) -> None:
        if isinstance(message, Stopped) and self.is_mounted:
            self.run_worker(self._ask_graphs(), group="live", exclusive=True)
        elif isinstance(message, Running) and self._of_live:
            self._of_live = []
            self._put()

    async def _ask_graphs(self) -> None:
        if self.live is None:
            return
        try:
            self._of_live = live_graphs(await self.live.graphs())
        except ClientError:
            self._of_live = []
        self._put()

    # --- what is shown ---------------------------------------------------------------------------

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """See `RecordedView`."""
        recorded = recorded_graphs(snapshot)
        self.graphs.NOTHING = "no graph is recorded" if snapshot.functions else trouble(snapshot)
        self.graphs.has_processes = len(snapshot.processes) > 1
        if recorded != self._recorded or not recorded:
            self._recorded = recorded
            self._put()

    def _put(self) -> None:
        rows = [*self._of_live, *self._recorded]
        self.graphs.told = f"{len(rows):,}" if rows else ""
        self.graphs.show_rows(rows)
        if not rows:
            self.op_tree.show_ops([])

    def show_function(self, key: str) -> bool:
        """Look at the first graph of a function, by its key; whether there is one."""
        row = next((one for one in self._recorded if one.key == key), None)
        return row is not None and self.graphs.go_to_key(self.graphs.key_of(row))

    def on_lines_moved(self, event: Lines.Moved) -> None:
        """Another graph is at the cursor."""
        event.stop()
        row = self.graphs.row
        if event.lines is self.graphs and row is not None and self.graphs.key_of(row) != self._shown:
            self._shown = self.graphs.key_of(row)
            self.run_worker(self._show(row), group="graph", exclusive=True)

    async def _show(self, row: GraphRow) -> None:
        try:
            ops = await self._ops(row)
        except (RunError, ClientError) as error:
            self.op_tree.show_ops([], str(error))
            return
        if self._shown != self.graphs.key_of(row):
            return
        self.op_tree.told = f"{row.function} {row.label}: {row.op_count:,} ops"
        self.op_tree.note = f"the first {len(ops):,}" if len(ops) < row.op_count else ""
        self.op_tree.show_ops(ops, "the graph has no ops")
        if self._wanted_op is not None:
            wanted, self._wanted_op = self._wanted_op, None
            found = linked(wanted, ops, is_backward=not row.is_backward)
            if found:
                self.op_tree.go_to_op(found[0])
                self.op_tree.note = f"{len(found)} of {wanted.name}"
            else:
                self.op_tree.note = f"nothing in it is known to belong to {wanted.name}"

    async def _ops(self, row: GraphRow) -> Sequence[OpSite]:
        ops = await self._fetched(row)
        forward = other_side(row, self.graphs.all_rows) if row.is_backward else None
        return ops if forward is None else placed(ops, await self._fetched(forward))

    async def _fetched(self, row: GraphRow) -> Sequence[OpSite]:
        if row.live:
            if self.live is None:
                return ()
            page = await self.live.ops(0, min(MOST_OPS, max(1, row.op_count)), graph=row.live)
            return [site_of(op) for op in page.ops]
        return await self.recording.graph(row.process, row.number) if self.recording else ()

    # --- keys ------------------------------------------------------------------------------------

    def action_other_side(self) -> None:
        """From an op of the forward to those of the backward that belong to it, and back."""
        row, node = self.graphs.row, self.op_tree.node
        other = other_side(row, self.graphs.all_rows) if row is not None else None
        if row is None or other is None:
            side = "forward" if row is not None and row.is_backward else "backward"
            self.app.notify(f"no {side} graph of it is recorded")
            return
        while node is not None and node.op is None:
            node = node.children[0] if node.children else None
        self._wanted_op = node.op if node is not None else None
        self.graphs.go_to_key(self.graphs.key_of(other))
        self.reveal(self._detail)

    def chosen(self, pane: Searchable, index: int) -> None:
        """Enter on a graph goes into it, on an op to its line of source."""
        if pane is self.graphs:
            self.reveal(self._detail)
        else:
            super().chosen(pane, index)

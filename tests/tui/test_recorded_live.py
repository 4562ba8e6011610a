"""The screen of graphs while a program stands in one of them."""

from __future__ import annotations

from tracedbg_tui.breakpoints import Wanted
from tracedbg_tui.live import Live, State
from tracedbg_tui.recorded import GraphView
from tui.debug_fixtures import file, held  # noqa: F401  fixtures
from tui.recorded import RecordedApp
from tui.screens import driven, until


class LiveApp(RecordedApp):
    """With a debugger, and no recording."""

    def __init__(self, connection):
        self.live = Live(connection, lambda _: None)
        super().__init__(None, GraphView, live=self.live)

    def on_mount(self):
        super().on_mount()
        self.live.start(hold=True)

    def on_unmount(self):
        self.live.close()


def test_the_graph_that_a_program_stands_in_is_a_tree_by_line(held, file):  # noqa: F811
    _, connection = held()

    async def scenario(pilot):
        app, view = pilot.app, pilot.app.view
        await until(pilot, lambda: app.live.state is State.READY)
        app.live.book.add(Wanted(file=file, line=3))
        await app.live.begin()
        await until(pilot, lambda: view.op_tree.ops)
        row = view.graphs.row
        assert row.live
        assert [op.name for op in view.op_tree.ops] == ["v0", "v1", "v2"]
        assert [(node.file, node.line) for node in view.op_tree.nodes if node.op is None] == [
            (file, 2),
            (file, 3),
            (file, 4),
        ]
        app.live.book.clear()
        await app.live.go("continue")
        await until(pilot, lambda: not view.graphs.rows)
        assert view.op_tree.ops == []
        await until(pilot, lambda: app.live.state is State.ENDED)

    driven(LiveApp(connection), scenario)

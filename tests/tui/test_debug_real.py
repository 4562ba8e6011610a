"""The debug screen on real programs: from a cold start to a value inside a compiled function, in both frameworks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dap.process import line_of
from tracedbg_tui.live import State
from tui.debugged import start
from tui.screens import DebugApp, drawn, driven, go, stopped, until

PROGRAMS = Path(__file__).parents[1] / "dap"
REAL = [
    pytest.param("real_torch.py", "222.0 [48.0, 48.0, 48.0] 1\n", marks=pytest.mark.torch),
    pytest.param("real_tensorflow.py", "222.0 1\n", marks=pytest.mark.tensorflow),
]


@pytest.mark.parametrize(("name", "output"), REAL)
def test_a_value_inside_a_compiled_function_is_four_keys_from_a_cold_start(tmp_path, name, output):
    path = Path(shutil.copy(PROGRAMS / name, tmp_path))
    program = start(path, tmp_path)
    line = line_of(path, "relu")

    async def scenario(pilot):
        app, view = pilot.app, pilot.app.view
        await until(pilot, lambda: app.live.state is State.READY and view.source.count() > 0)
        assert view.source.file == str(path)
        await pilot.press(*"j" * (line - 1), "b", "c")
        await stopped(pilot)
        assert (view.frames[0].function, view.frames[0].is_traced) == ("block", True)
        assert drawn(view.source)[line - 1 - round(view.source.scroll_y)].startswith(f"●▶{line:>2}")
        shown = view.variables.find_node("Locals", "h").value
        assert "float32[2, 3]" in shown.text
        assert "mean 3" in shown.text

        # the next ops, and what they take
        await go(pilot, "i")
        before = view.ops.at
        await go(pilot, "i")
        assert view.ops.at > before
        op = view.ops.op(view.ops.at)
        assert any(row.startswith(" ▶") and op.op in row for row in drawn(view.ops))
        assert view.variables.find_node("Op inputs", op.inputs[0]) is not None

        # back to the op that made it
        view.reveal("data")
        view.variables.cursor = view.variables._rows.index(view.variables.find_node("Locals", "h"))
        made_by = view.variables.node.value.made_by
        await pilot.press("o")
        await until(pilot, lambda: app.focused is view.ops)
        assert view.ops.op(view.ops.cursor).name == made_by

        # the tensor itself
        view.reveal("data")
        await pilot.press("enter")
        await until(pilot, lambda: view.inspector.tensor is not None and view.inspector.tensor.histogram)
        assert view.inspector.tensor.window == [[3.0] * 3] * 2

        # an expression in the frame, and the end
        await pilot.press("exclamation_mark", *"h.shape", "enter")
        await until(pilot, lambda: len(view.repl.said) == 2)
        assert "2, 3" in view.repl.said[1]
        await pilot.press("escape")
        app.live.book.clear()
        await pilot.press("c")
        await until(pilot, lambda: app.live.state is State.ENDED)
        assert app.told == []

    driven(DebugApp(program.connection), scenario)
    assert program.output() == output
    assert program.process.returncode == 0

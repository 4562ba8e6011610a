"""The screens of a recording by their keys, over recordings that the store's own writer has made."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import time

import pytest

from recordings import FILE, function
from tracedbg import events as ev
from tracedbg.kernels import CallFrame, Kernel, KernelsSeen
from tracedbg.ran import SamplesSeen, SampleTotal
from tracedbg_tui.counters import Counting
from tracedbg_tui.debug.glyphs import UNICODE
from tracedbg_tui.recorded import GraphView, RanksView, TimeView, TracesView
from tracedbg_tui.recording import Follower
from tracedbg_tui.snapshot import badges
from tui.recorded import GONE, RecordedApp, Written, events_of, traces_of, write_troubles
from tui.screens import drawn, driven, lines, until

VIEWS = [TracesView, GraphView, TimeView, RanksView]


@pytest.fixture(scope="module")
def troubles(tmp_path_factory):
    return write_troubles(tmp_path_factory.mktemp("recorded") / "run")


async def read(pilot):
    """Wait until the recording is on the screen."""
    app = pilot.app
    await until(pilot, lambda: app.recording.is_read)
    await pilot.pause()
    if isinstance(app.view, TracesView) and app.recording.snapshot.functions:
        await until(pilot, lambda: app.view.traces.all_rows or app.view.functions.row is None)
    if isinstance(app.view, GraphView) and app.view.graphs.rows:
        await until(pilot, lambda: app.view.op_tree.ops)


def first(pilot):
    """What the first pane says, its line ends left out."""
    return " ".join(" ".join(drawn(pilot.app.view.decks[0].pane)).split())


def text(pilot):
    return "\n".join(lines(pilot.app))


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_the_cause_of_a_retrace_is_seen_without_a_key_on_the_screen_of_traces(troubles, size):
    async def scenario(pilot):
        await read(pilot)
        assert pilot.app.view.functions.row.function.name == "step"
        words = " ".join(text(pilot).split())
        assert "`n` took 3 Python values: 0, 1, 2" in words
        assert "tf.constant(n)" in words

    driven(RecordedApp(troubles, TracesView), scenario, size)


def test_a_function_is_told_with_its_break_its_eager_calls_and_what_is_stale(troubles):
    async def scenario(pilot):
        await read(pilot)
        assert "stale" in text(pilot)
        assert "`scale` was 1.0 while tracing and is 5.0 now" in " ".join(text(pilot).split())
        view = pilot.app.view
        view.functions.cursor = 0
        await until(pilot, lambda: "graph break" in text(pilot))
        words = " ".join(text(pilot).split())
        assert view.functions.row.function.name == "f"
        assert "Data-dependent branching: An if on a tensor" in words
        assert "runs eager, without a word" in words
        await pilot.press("n")
        assert view.functions.row.function.name == "step"

    driven(RecordedApp(troubles, TracesView), scenario)


def test_traces_stand_side_by_side_and_what_differs_is_marked(troubles):
    async def scenario(pilot):
        view = pilot.app.view
        await read(pilot)
        await pilot.press("tab")
        assert view.deck.pane is view.traces
        view.traces.cursor = 2
        await pilot.press("enter")
        assert view.deck.pane is view.sides
        rows = {row.split()[1]: row.split()[2:] for row in drawn(view.sides) if row.startswith("≠")}
        assert rows == {"n": ["1", "2"]}
        view.traces.cursor = 0
        await pilot.press("shift+tab", "m")
        view.traces.cursor = 2
        await pilot.pause()
        rows = {row.split()[1]: row.split()[2:] for row in drawn(view.sides) if row.startswith("≠")}
        assert rows == {"n": ["0", "2"]}
        await pilot.press("e")
        assert pilot.app.wanted == [(FILE, 30)]

    driven(RecordedApp(troubles, TracesView), scenario)


def test_autograph_s_source_stands_beside_the_user_s(troubles):
    async def scenario(pilot):
        view = pilot.app.view
        await read(pilot)
        view.reveal(view._detail, "AutoGraph")
        await until(pilot, lambda: "tf__step" in text(pilot))
        rows = [" ".join(row.split()) for row in drawn(view.generated)[:3]]
        assert rows == [
            "step train.py:10",
            "10 def step(x, n): 2 def tf__step(x, n):",
            "11 while x: → while_loop 3 ag__.while_stmt(x)",
        ]

    driven(RecordedApp(troubles, TracesView), scenario, (200, 60))


def test_lists_are_searched_filtered_and_copied(troubles):
    async def scenario(pilot):
        app, view = pilot.app, pilot.app.view
        await read(pilot)
        await pilot.press("ampersand", *"torch", "enter")
        await until(pilot, lambda: len(view.functions.rows) == 1)
        assert view.functions.note == "1 of 2 have 'torch'"
        await pilot.press("y")
        assert app.copied == [
            f"torch.compile f {FILE}:50 eager  1 traces 0 retraces 1 breaks 0.040 s",
        ]
        await pilot.press("escape")
        assert len(view.functions.rows) == 2
        await pilot.press("home", "slash", *"step", "enter")
        await until(pilot, lambda: view.functions.row.function.name == "step")
        await pilot.press("slash", *"no such thing", "enter")
        await until(pilot, lambda: app.told[-1:] == ["no 'no such thing' here"])

    driven(RecordedApp(troubles, TracesView), scenario)


def test_a_graph_is_a_tree_by_line_with_the_body_of_a_loop_folded(troubles):
    async def scenario(pilot):
        view = pilot.app.view
        await read(pilot)
        await pilot.press("enter")
        assert [row.split("=")[0].split("  ")[-1].strip() for row in drawn(view.op_tree)[1:6:2]] == [
            "x",
            "▸ while",
            "add",
        ]
        assert [row.split()[:2] for row in drawn(view.op_tree)[:6:2]] == [
            ["▾", f"{FILE}:11"],
            ["▾", f"{FILE}:12"],
            ["▾", f"{FILE}:14"],
        ]
        view.op_tree.cursor = 3
        assert view.op_tree.node.size == 3
        await pilot.press("l")
        assert [node.op.name for node in view.op_tree.node.children] == ["while/counter", "while/body/mul"]
        assert len(view.op_tree.nodes) == 8
        await pilot.press("h")
        assert len(view.op_tree.nodes) == 6
        await pilot.press("slash", *"body/mul", "enter")
        await until(pilot, lambda: view.op_tree.node.op.name == "while/body/mul")
        await pilot.press("enter")
        assert pilot.app.wanted == [(FILE, 13)]

    driven(RecordedApp(troubles, GraphView), scenario)


def test_forward_and_backward_are_linked(troubles):
    async def scenario(pilot):
        view = pilot.app.view
        await read(pilot)
        await pilot.press("enter", "end")
        assert view.op_tree.node.op.name == "add"
        await pilot.press("o")
        await until(pilot, lambda: view.op_tree.node.op and "add_grad" in view.op_tree.node.op.name)
        assert view.graphs.row.is_backward
        assert view.op_tree.node.line == 14, "a gradient has the line of what it is the gradient of"
        await pilot.press("o")
        await until(pilot, lambda: view.op_tree.node.op and view.op_tree.node.op.name == "add")

    driven(RecordedApp(troubles, GraphView), scenario)


def test_time_is_told_by_phase_as_a_flame_and_on_a_line(troubles):
    async def scenario(pilot):
        view = pilot.app.view
        await read(pilot)
        entries = {row.name: row for row in view.ledger.rows}
        assert entries["dynamo"].seconds == pytest.approx(0.020)
        assert entries["backend"].seconds == pytest.approx(0.020)
        phases = [
            row for row in view.ledger.rows if row.whole == entries["dynamo"].whole and not row.is_title
        ]
        assert entries["by phase"].seconds == pytest.approx(sum(row.seconds for row in phases) / 2)
        await pilot.press("tab", "j", "j", "j")
        assert view.flame.frame.name == "backend"
        assert view.flame.frame.ns == 20_000_000
        await pilot.press("enter", "k")
        assert view.flame.frame.name == "dynamo"
        await pilot.press("right_square_bracket")
        assert view.timeline.window == (0, 540_000_000)
        view.timeline.cursor = 4
        await pilot.press("plus", "plus")
        start, end = view.timeline.window
        assert end - start == pytest.approx(135_000_000)
        assert "d" in drawn(view.timeline)[4][30:]
        await pilot.press("0")
        assert view.timeline.window == (0, 540_000_000)

    driven(RecordedApp(troubles, TimeView), scenario)


def test_samples_tell_where_the_wall_time_went(tmp_path):
    frame = ev.Frame(FILE, 12, "step")
    totals = (
        SampleTotal((frame,), "eager_ops", "optimizer", 1, True, 30, 300_000_000, 0),
        SampleTotal((), "imports", "", 1, True, 20, 200_000_000, 0),
    )
    written = Written(tmp_path / "run")
    written.process().write([SamplesSeen(100, 0, 500_000_000, 0, totals)])
    written.finish()

    async def scenario(pilot):
        view = pilot.app.view
        await until(pilot, lambda: view.ledger.rows)
        told = {row.name: (round(row.seconds, 3), row.words, row.line) for row in view.ledger.rows}
        assert told["eager ops"] == (0.3, "optimizer 0.300 s", 0)
        assert told["imports"] == (0.2, "", 0)
        assert told["by line"] == (0.3, "", 0)
        assert told["train.py:12"] == (0.3, "eager ops 0.300 s", 12)

    driven(RecordedApp(written.folder, TimeView), scenario)


def test_kernels_are_told_by_line_beside_the_lines_and_in_the_ledger(tmp_path):
    path = tmp_path / "model.py"
    path.write_text("def step(x):\n    return x @ x\n")

    def kernel(line, ns, **more):
        frames = (CallFrame(str(path), line, "step", is_exact=True),) if line else ()
        return Kernel("cuda:0", "7", 0, ns, "gemm", op="aten::mm", frames=frames, **more)

    written = Written(tmp_path / "run")
    kernels = (kernel(2, 3_000_000), kernel(2, 1_000_000, is_backward=True), kernel(0, 500_000))
    written.process().write([KernelsSeen("torch", kernels, 0, 10**9, steps=10)])
    written.finish()

    async def scenario(pilot):
        view = pilot.app.view
        await read(pilot)
        told = {row.name: (row.seconds, row.words) for row in view.ledger.rows}
        assert told == {
            "kernels by line": (pytest.approx(0.0045), "10 steps on cuda:0"),
            "model.py:2": (pytest.approx(0.004), "step, 2 kernels, 25% backward"),
            "aten::mm": (pytest.approx(0.0005), "op, 1 kernel"),
        }
        found = badges(pilot.app.recording.snapshot, UNICODE)
        assert found == {str(path): {2: "◷ 4.0 ms"}}

    driven(RecordedApp(written.folder, TimeView), scenario)


def test_ranks_tell_what_is_not_the_same_in_all_of_them(tmp_path):
    written = Written(tmp_path / "run")
    for rank, count in enumerate((2, 2, 3)):
        writer = written.process(GONE + rank, rank=rank, python="3.12.0" if rank == 1 else "3.11.7")
        for record in traces_of(count):
            writer.write(list(events_of(record)))
    written.finish()

    async def scenario(pilot):
        await read(pilot)
        assert [row.name for row in pilot.app.view.processes.rows] == ["rank 0", "rank 1", "rank 2"]
        rows = [row.split("  ")[-1].strip() for row in drawn(pilot.app.view.differences)]
        shown = "\n".join(rows)
        assert "Python is not the same" in shown
        assert "rank 1: 3.12.0" in shown
        assert "* rank 2: 3" in shown
        assert "rank 0: 2" in shown

    driven(RecordedApp(written.folder, RanksView), scenario)


def test_a_child_of_a_rank_is_no_rank_and_a_restart_is_one(tmp_path):
    written = Written(tmp_path / "run")
    for number, (rank, generation, rank_pid) in enumerate(((0, 0, 0), (0, 0, 0), (0, 1, 2), (1, 1, 3))):
        writer = written.process(
            GONE + number, rank=rank, generation=generation, rank_pid=GONE + rank_pid, launcher="torchrun"
        )
        for record in traces_of(1) if number != 1 else ():
            writer.write(list(events_of(record)))
    written.finish()

    async def scenario(pilot):
        await read(pilot)
        names = [row.name for row in pilot.app.view.processes.rows]
        assert names == ["rank 0", f"pid {GONE + 1}", "rank 0.1", "rank 1.1"]
        assert "all processes traced the same functions, each as often" in "".join(
            drawn(pilot.app.view.differences)
        )

    driven(RecordedApp(written.folder, RanksView), scenario)


@pytest.mark.parametrize("make", VIEWS)
def test_a_run_without_traces_says_so(make, tmp_path):
    written = Written(tmp_path / "run")
    written.process()
    written.finish()

    async def scenario(pilot):
        await read(pilot)
        wanted = "nothing to compare" if make is RanksView else "nothing was traced in this run"
        await until(pilot, lambda: wanted in text(pilot))
        await pilot.press(*"jkl", "enter", "tab", "enter", "o", "m", "n", "y", "z", "z", "e", "G", "g")

    driven(RecordedApp(written.folder, make), scenario)


@pytest.mark.parametrize("make", VIEWS)
def test_a_damaged_recording_says_what_is_wrong(make, tmp_path):
    folder = write_troubles(tmp_path / "run")
    (path,) = [os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".db")]
    with open(path, "wb") as file:
        file.write(b"no database" * 1000)

    async def scenario(pilot):
        await read(pilot)
        await until(pilot, lambda: "cannot read" in first(pilot))
        await pilot.press(*"jk", "enter", "tab", "enter")

    driven(RecordedApp(folder, make), scenario)


@pytest.mark.parametrize("make", VIEWS)
def test_a_folder_that_is_gone_says_so(make, tmp_path):
    async def scenario(pilot):
        await read(pilot)
        await until(pilot, lambda: "there is no such folder" in first(pilot))

    driven(RecordedApp(tmp_path / "none", make), scenario)


@pytest.mark.parametrize("make", VIEWS)
def test_a_newer_recording_says_so(make, tmp_path):
    folder = write_troubles(tmp_path / "run")
    (path,) = [os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".db")]
    with sqlite3.connect(path) as db:
        db.execute("pragma user_version = 99")
    db.close()

    async def scenario(pilot):
        await read(pilot)
        await until(pilot, lambda: "written by a newer tracedbg" in first(pilot))

    driven(RecordedApp(folder, make), scenario)


def test_what_was_read_stays_when_the_folder_goes(tmp_path):
    folder = write_troubles(tmp_path / "run")

    async def scenario(pilot):
        app = pilot.app
        await read(pilot)
        shutil.rmtree(folder)
        app.recording.refresh()
        await until(pilot, lambda: app.recording.snapshot.errors)
        assert app.recording.snapshot.functions
        assert "step" in text(pilot)

    driven(RecordedApp(folder, TracesView), scenario)


@pytest.mark.parametrize("make", VIEWS)
def test_no_recording_is_no_fault(make):
    async def scenario(pilot):
        await pilot.press(*"jk", "enter", "tab", "y", "e", "z")

    driven(RecordedApp(None, make), scenario)


@pytest.mark.serial
@pytest.mark.parametrize("make", VIEWS)
def test_ten_thousand_traces_are_shown_fast(make, tmp_path):
    written = Written(tmp_path / "run")
    writer = written.process()
    writer.write([event for record in traces_of(10_000) for event in events_of(record)])
    written.finish()

    async def scenario(pilot):
        await until(pilot, lambda: pilot.app.recording.is_read)
        view = pilot.app.view
        if make is TracesView:
            await until(pilot, lambda: len(view.traces.all_rows) == 10_000)
            await pilot.press("tab")
        elif make is TimeView:
            await pilot.press("tab", "right_square_bracket")
        spent = []
        for key in ("end", "home", "pagedown", "pagedown", "j", "j", "k"):
            began = time.perf_counter()
            await pilot.press(key)
            spent.append(time.perf_counter() - began)
        assert sorted(spent)[len(spent) // 2] < 0.5

    driven(RecordedApp(written.folder, make), scenario)


def test_a_run_that_goes_on_is_followed(tmp_path):
    written = Written(tmp_path / "run")
    writer = written.process(os.getpid(), started_wall_ns=time.time_ns() - 60 * 10**9)
    records = traces_of(3)
    writer.write(list(events_of(records[0])))

    async def scenario(pilot):
        app, view = pilot.app, pilot.app.view
        await read(pilot)
        assert app.recording.snapshot.is_live
        assert (app.recording.counters.traces, app.recording.counters.retraces) == (1, 0)
        writer.write([records[1].started])
        await until(pilot, lambda: app.recording.counters.under_way)
        assert app.recording.counters.longest.function == "step"
        assert app.recording.counters.is_long()
        assert re.fullmatch(r"compiling step \d+ s", app.recording.counters.words()[0])
        await until(pilot, lambda: "under way" in text(pilot))
        writer.write([records[1].ended, ev.PhaseSpan(2, "trace", 200_000_000, 5_000_000)])
        await until(pilot, lambda: not app.recording.counters.under_way)
        assert (app.recording.counters.traces, app.recording.counters.retraces) == (2, 1)
        writer.write(list(events_of(records[2])))
        written.finish()
        app.recording.refresh()
        await until(pilot, lambda: not app.recording.snapshot.is_live)
        await until(pilot, lambda: len(view.traces.all_rows) == 3)
        assert app.recording.snapshot.processes[0].all_traces[1].phases[0].name == "trace"

    driven(RecordedApp(written.folder, TracesView), scenario)


def test_steps_are_counted_by_the_function_that_is_called_again_and_again(tmp_path):
    written = Written(tmp_path / "run")
    writer = written.process(os.getpid())
    step, once = function("step", 10), function("once", 20)
    now = [100.0]
    counting, follower = Counting(clock=lambda: now[0]), Follower(written.folder)
    writer.write([ev.Calls(step, 5, 1), ev.Calls(once, 1, 0)])
    assert counting.count(follower.read()).steps.per_second == 0
    writer.write([ev.Calls(step, 20, 0)])
    now[0] += 2
    steps = counting.count(follower.read()).steps
    assert (steps.function, steps.calls, steps.per_second) == ("step", 26, 10.0)
    assert follower.read() is None, "nothing new costs nothing"
    written.finish()
    assert counting.count(follower.read()).steps.per_second == 0
    follower.close()

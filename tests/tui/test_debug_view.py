"""The debug screen by its keys and its mouse, over the wire to a real server with a made-up program."""

from __future__ import annotations

from dap.made_up import Program
from tracedbg_tui.breakpoints import Wanted
from tracedbg_tui.debug.prompts import BreakpointDialog, Prompt
from tracedbg_tui.live import State
from tui.debug_fixtures import file, held  # noqa: F401  fixtures
from tui.screens import DebugApp, drawn, driven, go, lines, stopped, until


async def at_line(pilot, file, line=3):  # noqa: F811
    """Begin, and stand at a line."""
    app = pilot.app
    await until(pilot, lambda: app.live.state is State.READY)
    await app.view.goto(file, line)
    await pilot.press("b", "c")
    await stopped(pilot)


async def to_the_end(pilot):
    app = pilot.app
    app.live.book.clear()
    await pilot.press("c")
    await until(pilot, lambda: app.live.state is State.ENDED)


def test_a_stop_is_shown_in_every_pane(held, file):  # noqa: F811
    _, connection = held()

    async def scenario(pilot):
        view = pilot.app.view
        await at_line(pilot, file)
        assert drawn(view.source)[:4] == [
            "  1  def step(x):",
            "  2      x = x * 2",
            "●▶3      x = x + 1",
            "  4      return relu(x)",
        ]
        assert drawn(view.ops)[:3] == [
            "  0 v0 = aten.mul(x) → float32[2]",
            " ▶1 v1 = aten.add(x) → float32[2]",
            "  2 v2 = aten.relu(x) → float32[2]",
        ]
        assert view.ops.note == "random numbers differ"
        assert drawn(view.stack)[0].split() == ["▶", "◇", "step", "model.py:3"]
        assert drawn(view.stack)[1].split() == ["·", "main", "model.py:1"]
        assert drawn(view.variables)[:3] == ["▾ Locals  4", "  ▸ x = [1, 2, 3]", "    total = 1"]
        await go(pilot, "n")
        assert view.source.line == 4
        assert "total = 2" in "\n".join(drawn(view.variables))
        await to_the_end(pilot)
        await until(pilot, lambda: "the program has ended" in drawn(view.variables)[0])
        assert view.source.here == {}

    driven(DebugApp(connection), scenario)


def test_the_call_stack_is_walked_and_the_frame_s_variables_shown(held, file):  # noqa: F811
    _, connection = held()

    async def scenario(pilot):
        view = pilot.app.view
        await at_line(pilot, file)
        await pilot.press("u")
        await until(pilot, lambda: view.variables.find_node("Locals", "batch") is not None)
        assert (view.selected, view.source.line) == (1, 1)
        assert drawn(view.source)[0].startswith(" ▷1")
        await pilot.press("d")
        await until(pilot, lambda: view.variables.find_node("Locals", "total") is not None)
        assert (view.selected, view.source.line) == (0, 3)
        view.reveal("where", "Stack")
        await pilot.press("j", "enter")
        await until(pilot, lambda: view.selected == 1)
        await to_the_end(pilot)

    driven(DebugApp(connection), scenario)


def test_values_are_opened_paged_watched_and_set(held, file):  # noqa: F811
    _, connection = held(turns=2)

    async def scenario(pilot):
        app, view = pilot.app, pilot.app.view
        await at_line(pilot, file)
        view.reveal("data")
        pane = view.variables
        pane.cursor = pane._rows.index(pane.find_node("Locals", "many"))
        await pilot.press("enter")
        await until(pilot, lambda: pane.find_node("Locals", "many", "[99]") is not None)
        assert pane.find_node("Locals", "many", "[100]") is None
        pane.cursor = pane._rows.index(pane.find_node("Locals", "many", ""))
        assert pane.node.value.text == "4,900 more"
        await pilot.press("enter")
        await until(pilot, lambda: pane.find_node("Locals", "many", "[199]") is not None)
        pane.cursor = pane._rows.index(pane.find_node("Locals", "many"))
        await pilot.press("left")
        assert pane.find_node("Locals", "many", "[0]") is None

        # watched, and set
        pane.cursor = pane._rows.index(pane.find_node("Locals", "total"))
        await pilot.press("w")
        await until(pilot, lambda: view.watches.value("total") is not None)
        assert view.watches.value("total").text == "1"
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        await pilot.press(*"40 + 2", "enter")
        await until(pilot, lambda: pane.find_node("Locals", "total").value.text == "42")
        await until(pilot, lambda: view.watches.value("total").text == "42")
        await go(pilot, "n")
        assert view.watches.value("total").text == "43"
        assert ("Locals", "total") in pane._changed

        # what has no value says why
        await pilot.press("W")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        await pilot.press(*("backspace",) * 9, *"nothing.at.all", "enter")
        await until(pilot, lambda: isinstance(view.watches.value("nothing.at.all"), str))
        assert view.watches.value("nothing.at.all") == "NameError: name 'nothing' is not defined"
        await to_the_end(pilot)

    driven(DebugApp(connection), scenario)


def test_a_breakpoint_is_edited_in_a_dialog(held, file):  # noqa: F811
    _, connection = held(turns=3)

    async def scenario(pilot):
        app, view = pilot.app, pilot.app.view
        await until(pilot, lambda: app.live.state is State.READY)
        await view.goto(file, 3)
        await pilot.press("E")
        await until(pilot, lambda: isinstance(app.screen, BreakpointDialog))
        await pilot.press(*"turn == 2", "enter")
        assert app.live.book.entries == [Wanted(file=file, line=3, condition="turn == 2")]
        await pilot.press("c")
        await stopped(pilot)
        assert view.variables.find_node("Locals", "turn").value.text == "2"
        assert drawn(view.source)[2].startswith("◆▶3")
        await pilot.press("E")
        await until(pilot, lambda: isinstance(app.screen, BreakpointDialog))
        await pilot.click("#remove")
        await until(pilot, lambda: not isinstance(app.screen, BreakpointDialog))
        assert app.live.book.entries == []
        await to_the_end(pilot)

    driven(DebugApp(connection), scenario)


def test_ops_are_stopped_at_by_place_and_by_name(held, file):  # noqa: F811
    _, connection = held(turns=3)

    async def scenario(pilot):
        app, view = pilot.app, pilot.app.view
        await at_line(pilot, file)
        app.live.book.clear()
        view.reveal("ops")
        view.ops.cursor = 2
        await pilot.press("t")  # run to that op: a breakpoint that the stop takes out
        await until(pilot, lambda: view.ops.at == 2 and view.is_settled)
        assert app.live.stop.reason == "instruction breakpoint"
        assert app.live.book.entries == []
        view.ops.cursor = 0
        await pilot.press("b")
        await until(pilot, lambda: drawn(view.ops)[0].startswith("● 0"))
        await go(pilot, "c")
        assert view.ops.at == 0
        await pilot.press("b")
        assert app.live.book.entries == []
        view.ops.cursor = 1
        await pilot.press("B")
        await until(pilot, lambda: isinstance(app.screen, BreakpointDialog))
        await pilot.press("enter")
        assert app.live.book.entries == [Wanted(op_pattern="aten.add")]
        await go(pilot, "c")
        assert (view.ops.at, app.live.stop.reason) == (1, "function breakpoint")
        await pilot.press("enter")
        await to_the_end(pilot)

    driven(DebugApp(connection), scenario)


def test_the_breakpoints_pane_switches_edits_and_takes_out(held, file):  # noqa: F811
    _, connection = held()

    async def scenario(pilot):
        app, view = pilot.app, pilot.app.view
        await at_line(pilot, file)
        view.reveal("where", "Breakpoints")
        await pilot.pause()
        assert drawn(view.breakpoints)[0] == "● model.py:3"
        assert drawn(view.breakpoints)[1].startswith("□ nan  when an op has made a NaN")
        await pilot.press("space")
        assert drawn(view.breakpoints)[0] == "◌ model.py:3"
        await pilot.press("j", "j", "space")
        assert app.live.book.filters == {"inf": ""}
        assert drawn(view.breakpoints)[2].startswith("■ inf")
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        await pilot.press(*"turn > 1", "enter")
        assert app.live.book.filters == {"inf": "turn > 1"}
        await pilot.press("g", "x")
        assert app.live.book.entries == []
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, BreakpointDialog))
        await pilot.press(*"*relu*", "enter")
        await until(pilot, lambda: drawn(view.breakpoints)[0] == "● op:*relu*")
        await to_the_end(pilot)

    driven(DebugApp(connection), scenario)


def test_the_gutter_is_clicked_and_a_double_click_is_no_breakpoint(held, file):  # noqa: F811
    _, connection = held()

    async def scenario(pilot):
        app, view = pilot.app, pilot.app.view
        await until(pilot, lambda: app.live.state is State.READY)
        await view.goto(file, 1)
        await pilot.click(view.source, offset=(0, 1))
        assert app.live.book.entries == [Wanted(file=file, line=2)]
        await until(pilot, lambda: drawn(view.source)[1].startswith("○ 2"))
        await pilot.click(view.source, offset=(9, 2))
        assert (view.source.line, len(app.live.book.entries)) == (3, 1)
        await pilot.click(view.source, offset=(1, 1))
        assert app.live.book.entries == []
        await pilot.click(view.source, offset=(1, 3), button=3)
        await until(pilot, lambda: isinstance(app.screen, BreakpointDialog))
        await pilot.press("escape")
        assert app.live.book.entries == []
        await to_the_end(pilot)

    driven(DebugApp(connection), scenario)


def test_what_is_typed_is_completed_evaluated_and_remembered(held, file):  # noqa: F811
    _, connection = held()

    async def scenario(pilot):
        view = pilot.app.view
        await at_line(pilot, file)
        await pilot.press("exclamation_mark", *"tot", "tab")
        await until(pilot, lambda: view.repl.query_one("Input").value == "total")
        await pilot.press(*" + 1", "enter")
        await until(pilot, lambda: view.repl.said == [">>> total + 1", "2"])
        await pilot.press(*"1 / 0", "enter")
        await until(pilot, lambda: view.repl.said[-1] == "ZeroDivisionError: division by zero")
        await pilot.press("up", "up")
        assert view.repl.query_one("Input").value == "total + 1"
        await pilot.press("down", "down")
        assert view.repl.query_one("Input").value == ""
        await pilot.press(*"total = 7", "enter")
        await until(pilot, lambda: view.variables.find_node("Locals", "total").value.text == "7")
        await pilot.press(*"%breaks", "enter")
        await until(pilot, lambda: "model.py:3 (1 hits)" in view.repl.said[-1])
        await pilot.press(*"while True: pass", "enter")
        await until(pilot, lambda: view.live._evaluating is not None and not view.live._evaluating.done())
        await pilot.press("escape")
        await until(pilot, lambda: view.repl.said[-1] == "cancelled")
        await pilot.press("escape")
        await to_the_end(pilot)

    driven(DebugApp(connection), scenario)


def test_what_is_searched_for_is_found_round_the_end(held, file):  # noqa: F811
    _, connection = held()

    async def scenario(pilot):
        app, view = pilot.app, pilot.app.view
        await at_line(pilot, file, 4)

        async def search(text):
            await pilot.press("slash")
            await until(pilot, lambda: isinstance(app.screen, Prompt))
            await pilot.press(*text, "enter")

        view.reveal("code")
        await search("x =")
        await until(pilot, lambda: view.source.line == 2)
        await pilot.press("full_stop")
        await until(pilot, lambda: view.source.line == 3)
        await pilot.press("full_stop")
        await until(pilot, lambda: view.source.line == 2)
        await pilot.press("comma")
        await until(pilot, lambda: view.source.line == 3)
        await search("X =")
        await until(pilot, lambda: app.told == ["no 'X =' here"])
        view.reveal("ops")
        await search("RELU")
        await until(pilot, lambda: view.ops.cursor == 2)
        view.reveal("data")
        await search("total")
        await until(pilot, lambda: view.variables.node.path == ("Locals", "total"))
        await to_the_end(pilot)

    driven(DebugApp(connection), scenario)


def test_generated_texts_are_chosen_from_a_list(held, file):  # noqa: F811
    _, connection = held()

    async def scenario(pilot):
        app, view = pilot.app, pilot.app.view
        await at_line(pilot, file)
        await pilot.press("S")
        await until(
            pilot, lambda: "step [0/0 forward]" in "\n".join(lines(app)) and len(app.screen_stack) > 1
        )
        await pilot.press("enter")
        await until(pilot, lambda: view.source.source.reference > 0)
        assert "aten.mul(x)" in drawn(view.source)[1]
        await pilot.press("b")
        assert len(app.live.book.entries) == 1  # a text without a file takes no breakpoints
        await to_the_end(pilot)

    driven(DebugApp(connection), scenario)


def test_a_narrow_screen_shows_one_pane_above_and_one_below(held, file):  # noqa: F811
    _, connection = held()

    async def scenario(pilot):
        view = pilot.app.view
        await at_line(pilot, file)

        def shown():
            return [name for name, deck in view.decks.items() if deck.display and deck.size.height > 0]

        assert shown() == ["code", "data"]
        await pilot.press("tab")
        await until(pilot, lambda: shown() == ["ops", "data"])
        await pilot.press("tab", "tab")
        await until(pilot, lambda: shown() == ["ops", "where"])
        await pilot.press("right_square_bracket")
        assert view.decks["where"].seen == "Breakpoints"
        await pilot.press("z")
        await until(pilot, lambda: shown() == ["where"])
        assert view.breakpoints.size.height > 20
        await pilot.press("z", "shift+tab", "shift+tab")
        await until(pilot, lambda: shown() == ["ops", "data"])
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: len(shown()) == 5)
        await pilot.resize_terminal(60, 12)
        await until(pilot, lambda: shown() == ["ops"])
        await to_the_end(pilot)

    driven(DebugApp(connection), scenario, size=(80, 24))


def test_of_two_threads_that_stand_still_one_is_looked_at(held, file):  # noqa: F811
    program, connection = held()

    async def scenario(pilot):
        app, view = pilot.app, pilot.app.view
        await at_line(pilot, file)
        first = app.live.current
        other = Program(program.engine, file)
        other.locals["total"] = 1000
        other.start()
        await until(pilot, lambda: len(app.live.stops) == 2)
        assert app.live.current == first
        await pilot.press("T")
        await until(
            pilot,
            lambda: view.is_settled and view.variables.find_node("Locals", "total").value.text == "1001",
        )
        assert [row.strip() for row in drawn(view.stack) if "thread" in row] == [
            f"thread {number}: breakpoint" for number in app.live.stops
        ]
        app.live.book.clear()
        await pilot.press("c")  # the other one goes on, and ends; the first one is looked at again
        await until(pilot, lambda: list(app.live.stops) == [first] and app.live.current == first)
        await until(
            pilot, lambda: view.is_settled and view.variables.find_node("Locals", "total").value.text == "1"
        )
        other.join(10)
        assert not other.is_alive()
        await to_the_end(pilot)

    driven(DebugApp(connection), scenario)


def test_it_runs_to_the_line_at_the_cursor_and_pauses_only_what_runs(held, file):  # noqa: F811
    _, connection = held(turns=2)

    async def scenario(pilot):
        app, view = pilot.app, pilot.app.view
        await at_line(pilot, file, 4)
        await pilot.press("p")
        await until(pilot, lambda: app.told == ["the program is stopped: there is nothing to pause"])
        app.live.book.clear()
        view.source.cursor = 1
        await go(pilot, "t")
        assert (view.source.line, view.variables.find_node("Locals", "turn").value.text) == (2, "1")
        await to_the_end(pilot)
        await pilot.press("n")
        await until(pilot, lambda: app.told[1:] == ["the program has ended"])

    driven(DebugApp(connection), scenario)


def test_an_event_says_what_was_found(held, file):  # noqa: F811
    _, connection = held(event="step is traced again: x was [2, 3]")

    async def scenario(pilot):
        app, view = pilot.app, pilot.app.view
        await until(pilot, lambda: app.live.state is State.READY)
        app.live.book.toggle_filter("retrace")
        await pilot.press("c")
        await stopped(pilot)
        assert app.told == view.repl.said == ["step is traced again: x was [2, 3]"]
        await until(pilot, lambda: "step is traced again" in "\n".join(lines(app)))
        assert view.stack.told == "step is traced again: x was [2, 3]"
        assert view.source.line == 1
        await to_the_end(pilot)

    driven(DebugApp(connection), scenario)


def test_without_a_program_the_screen_says_so():
    async def scenario(pilot):
        app = pilot.app
        await until(pilot, lambda: "no program runs here" in drawn(app.view.variables))
        await pilot.press("c")
        await until(pilot, lambda: app.told == ["no program runs here"])
        await pilot.press("slash")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        await pilot.press("escape", "b", "B", "escape", "u", "d", "T", "S", "t", "i", "z", "z", "tab")

    driven(DebugApp(None), scenario)
